import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonVenv } from "@aml/kit/python-venv";
import fc from "fast-check";
import { size } from "@aml/kit/runs";
import { afterAll, test } from "vitest";
import { openWorkspace } from "../../src/index.ts";
import { asked } from "./asked.ts";
import { difference } from "./difference.ts";
import type { Fixture } from "./fixtures.ts";
import { startJudge, type Answer, type Judge } from "./judge.ts";
import { readOurs } from "./our-frame.ts";
import { delimitedTable, jsonTable } from "./random-tables.ts";

/*
 * The same tables in each run, so that luck fails nobody's change; with AML_RANDOM_SECONDS others each time, for so long.
 * AML_RANDOM_SEED repeats those of a failure.
 */

const python = pythonVenv("mltable");
const seconds = Number(process.env["AML_RANDOM_SECONDS"] ?? 0);
const given = process.env["AML_RANDOM_SEED"];
const options: fc.Parameters<[Fixture["files"]]> =
  seconds > 0
    ? {
        ...(given === undefined ? {} : { seed: Number(given) }),
        numRuns: 1_000_000,
        interruptAfterTimeLimit: seconds * 1000,
        markInterruptAsFailure: false,
      }
    : { seed: Number(given ?? 1), numRuns: size(60, 20) };

const home = await mkdtemp(join(tmpdir(), "aml-python-"));
const workspace = await openWorkspace({ folder: home });
const judge = python === undefined ? undefined : startJudge(python);
afterAll(async () => {
  await judge?.[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

test.skipIf(python === undefined).each([
  ["delimited", delimitedTable],
  ["JSON lines", jsonTable],
])(
  "random tables are what the Python package reads: %s (needs mltable of PyPI)",
  async (_, table) => {
    let lost: unknown;
    await fc.assert(
      fc.asyncProperty(table, async (files) => {
        // Without Python, every table would seem a counterexample.
        if (lost !== undefined) return;
        let theirs: Answer;
        try {
          theirs = await asked(home, files, (folder) => (judge as Judge).read(folder));
        } catch (error) {
          lost = error;
          return;
        }
        const ours = await asked(home, files, (folder) => readOurs(workspace, folder));
        const different = difference(theirs, ours);
        if (different !== undefined) throw new Error(`${different}\n${shown(files)}`);
      }),
      options,
    );
    if (lost !== undefined) throw lost;
  },
  seconds * 1000 + 300_000,
);

/** The files as texts; those of UTF-16 with a NUL for each second byte. */
function shown(files: Fixture["files"]): string {
  const texts = Object.entries(files).map(([name, content]) => {
    const text =
      typeof content === "string" ? content : Buffer.from(content.base64, "base64").toString("latin1");
    return `${name}: ${JSON.stringify(text)}`;
  });
  return texts.join("\n");
}
