import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonVenv } from "@aml/kit/python-venv";
import { runs, sample } from "@aml/kit/runs";
import { afterAll, describe, expect, test } from "vitest";
import { openWorkspace } from "../../src/index.ts";
import { asked } from "./asked.ts";
import { difference } from "./difference.ts";
import { fixtureTopics, readFixtures } from "./fixtures.ts";
import { startJudge, type Judge } from "./judge.ts";
import { readOurs } from "./our-frame.ts";

/*
 * Small MLTables and what the Python package `mltable` reads from them, recorded. Ours is the same, or what the row of
 * docs/compatibility.md that a fixture names says. Where Python has the package, it is asked again: about a fifth of them, or
 * the share that `AML_RUNS` names.
 */

const home = await mkdtemp(join(tmpdir(), "aml-python-"));
const workspace = await openWorkspace({ folder: home });
const documented = await readFile(
  join(import.meta.dirname, "..", "..", "..", "..", "docs", "compatibility.md"),
  "utf8",
);
const python = pythonVenv("mltable");
const judge = python === undefined ? undefined : startJudge(python);
afterAll(async () => {
  await judge?.[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

for (const topic of await fixtureTopics()) {
  const fixtures = await readFixtures(topic);
  describe(topic, () => {
    test.each(sample(fixtures, 8).map((fixture) => [fixture.name, fixture] as const))(
      "%s",
      async (_, fixture) => {
        const ours = await asked(home, fixture.files, (folder) => readOurs(workspace, folder));
        const different = difference(fixture.python, ours);
        if (fixture.apart === undefined) {
          expect(different).toBeUndefined();
          return;
        }
        expect(documented).toContain(`\n| ${fixture.apart} `);
        expect(ours).toEqual(fixture.ours);
        expect(different).toBeDefined();
      },
    );

    test.skipIf(judge === undefined)(
      "is still what the package reads (needs mltable of PyPI)",
      async () => {
        const every = Math.max(1, Math.round(fixtures.length / runs(fixtures.length)));
        for (const { name, files, python: recorded } of fixtures.filter((__, at) => at % every === 0))
          expect(await asked(home, files, (folder) => (judge as Judge).read(folder)), name).toEqual(recorded);
      },
      120_000,
    );
  });
}
