import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { oncePerVerb } from "../src/once-per-verb.ts";
import { collect, noCounts, runAll, type Suite } from "../src/runner.ts";

describe("oncePerVerb", () => {
  test("a contract stays whole for a store's first way to sign in, and has each verb for the others", () => {
    const cases = (name: string): string[] =>
      ["list/pages: all", "list/prefix: some", "read/whole: all [gap: none]"].map(
        (one) => `${name} keeps the storage contract › ${one}`,
      );
    const named = [
      "its own case",
      ...cases("store with a key"),
      ...cases("store with a SAS"),
      ...cases("store, a volume as a client"),
      ...cases("store, a volume with a token"),
    ].map((name) => ({ name, run: () => {} }));
    const once = (name: string): string[] => cases(name).filter((_, at) => at !== 1);
    expect(oncePerVerb(named, true).map(({ name }) => name)).toEqual([
      "its own case",
      ...cases("store with a key"),
      ...once("store with a SAS"),
      ...cases("store, a volume as a client"),
      ...once("store, a volume with a token"),
    ]);
    expect(oncePerVerb(named, false).map(({ name }) => name)).toEqual([
      "its own case",
      ...once("store with a key"),
      ...once("store with a SAS"),
      ...once("store, a volume as a client"),
      ...once("store, a volume with a token"),
    ]);
  });
});

describe("runner", () => {
  test("names cases by the groups they stand in, in order", async () => {
    const suite: Suite = (runner) => {
      runner.describe("a", () => {
        runner.test("one", () => {});
        runner.describe("b", () => runner.test("two", () => {}));
      });
      runner.test("three", () => {});
    };
    expect((await collect(suite)).map(({ name }) => name)).toEqual(["a › one", "a › b › two", "three"]);
  });

  test("counts what passes and what fails, sync or async, and prints why", async () => {
    const printed: string[] = [];
    const counts = noCounts();
    await runAll(
      [
        { name: "good", run: () => {} },
        { name: "throws", run: () => expect(1).toBe(2) },
        { name: "rejects", run: () => Promise.reject(new Error("no such thing")) },
        { name: "stalls", run: () => new Promise(() => {}) },
        { name: "good again", run: () => Promise.resolve() },
      ],
      counts,
      (text) => printed.push(text),
      50,
    );
    expect(counts).toEqual({
      passed: 2,
      failed: 3,
      skipped: 0,
      failures: ["throws", "rejects", "stalls"],
      skips: [],
    });
    expect(printed.join("\n")).toMatch(/✗ rejects\n {4}Error: no such thing/);
    expect(printed.join("\n")).toContain("still running after 50 ms");
  });

  test("files the cases of conformance suites by store, verb and result", async () => {
    const counts = noCounts();
    const group = "azure_blob with an account key keeps the storage contract";
    await runAll(
      [
        { name: `${group} › read/whole: gives every byte`, run: () => {} },
        { name: `${group} › read/range: gives a part`, run: () => Promise.reject(new Error("no")) },
        { name: `${group} › list/order: sorts [gap: upstream since 2026-11-20]`, run: () => {} },
        { name: "something else › read/whole: x", run: () => {} },
      ],
      counts,
      () => {},
    );
    const store = { name: "azure_blob with an account key", contract: "storage" };
    expect(counts.contracts).toEqual([
      { ...store, verb: "read", result: "passed" },
      { ...store, verb: "read", result: "failed" },
      { ...store, verb: "list", result: "gap" },
    ]);
  });

  test("refuses a file without a suite", async () => {
    await expect(collect(undefined as unknown as Suite)).rejects.toThrow("exports a function named `suite`");
  });
});

describe("run-suite", () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "run-suite-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function run(source: string): { status: number | null; counts: unknown } {
    const suite = join(folder, "suite.mjs");
    const output = join(folder, "counts.json");
    writeFileSync(suite, source);
    const script = fileURLToPath(new URL("../src/run-suite.ts", import.meta.url));
    const { status } = spawnSync(process.execPath, [script, suite], {
      env: { ...process.env, AML_COUNTS: output },
    });
    return { status, counts: JSON.parse(readFileSync(output, "utf8")) };
  }

  test("a passing suite", () => {
    expect(run("export const suite = ({ test }) => test('ok', () => {});")).toMatchObject({
      status: 0,
      counts: { passed: 1, failed: 0 },
    });
  });

  test("a suite that says why it cannot run is skipped, and the reason kept", () => {
    const source = "export const skip = 'needs a server'; export const suite = () => { throw 1; };";
    expect(run(source)).toMatchObject({
      status: 0,
      counts: { passed: 0, failed: 0, skipped: 1, skips: ["needs a server"] },
    });
  });

  test.each([
    ["a failing case", "export const suite = ({ test }) => test('bad', () => { throw 1; });", "bad"],
    ["a suite that cannot be loaded", "import './nowhere.mjs';", "the suite cannot be loaded"],
    [
      "a rejection that nobody handles",
      "export const suite = ({ test }) => test('x', () => void Promise.reject(new Error('lost')));",
      "an unhandled rejection",
    ],
  ])("%s fails", (_, source, failure) => {
    expect(run(source)).toMatchObject({ status: 1, counts: { failed: 1, failures: [failure] } });
  });
});
