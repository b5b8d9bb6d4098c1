import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Runtime } from "./runtimes.ts";

export const root: string = fileURLToPath(new URL("../../../", import.meta.url));
const runSuite = fileURLToPath(new URL("run-suite.ts", import.meta.url));
const vitest = join(root, "node_modules/vitest/vitest.mjs");

/** Packages that promise to run in any JavaScript runtime: their whole test suites prove it. */
const ANYWHERE = ["packages/core", "packages/mltable"];

export interface SuiteFile {
  /** The package's folder, from the root, e.g. `packages/adapters/local`. */
  readonly folder: string;
  /** The package's name, e.g. `@aml/local`. */
  readonly name: string;
  readonly kind: "conformance" | "tests";
}

export interface Job {
  readonly suite: SuiteFile;
  readonly runtime: Runtime;
  readonly args: readonly string[];
}

/** Every conformance suite, and the test suites that have to pass in every runtime. */
export function findSuites(): readonly SuiteFile[] {
  const folders = globSync("packages/{*,adapters/*}/test/suite.ts", { cwd: root }).map((file) =>
    dirname(dirname(file)),
  );
  const tested = ANYWHERE.filter((folder) => globSync(`${folder}/test/**/*.test.ts`, { cwd: root }).length);
  return [
    ...tested.map((folder) => ({ folder, name: nameOf(folder), kind: "tests" as const })),
    ...folders.toSorted().map((folder) => ({ folder, name: nameOf(folder), kind: "conformance" as const })),
  ];
}

function nameOf(folder: string): string {
  const file = join(root, folder, "package.json");
  if (!existsSync(file)) throw new Error(`${folder} has a test suite but no package.json`);
  return (JSON.parse(readFileSync(file, "utf8")) as { name: string }).name;
}

/**
 * One job for each suite in each runtime that is here; Node's vitest runs are `npm test`'s first stage. `brief` leaves
 * out what a contract repeats for each way to sign in, and makes smoke tests of those in Bun and Deno.
 */
export function jobsOf(
  suites: readonly SuiteFile[],
  runtimes: readonly Runtime[],
  brief: boolean,
): readonly Job[] {
  return suites.flatMap((suite) =>
    runtimes
      .filter(({ name, version }) => version && !(suite.kind === "tests" && name === "node"))
      .map((runtime) => ({ suite, runtime, args: [...runtime.args, ...argsOf(suite, runtime, brief)] })),
  );
}

function argsOf({ folder, kind }: SuiteFile, { name }: Runtime, brief: boolean): readonly string[] {
  const suite = [runSuite, join(root, folder, "test/suite.ts")];
  if (kind === "conformance") return brief ? [...suite, name === "node" ? "--brief" : "--smoke"] : suite;
  // Bun's child processes have no channel to unreference, Deno's workers no listeners to remove.
  // These share nothing, so one worker does for all files, in half the time that one for each takes.
  const pool = [`--pool=${name === "bun" ? "threads" : "forks"}`, "--maxWorkers=1", "--no-isolate"];
  const reporters = ["--reporter=default", "--reporter=./tooling/kit/reporter.ts"];
  return [vitest, "run", "--project=node", ...pool, ...reporters, `${folder}/`];
}
