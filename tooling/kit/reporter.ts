import { writeFileSync } from "node:fs";
import process from "node:process";
import type { Reporter, TestCase, TestModule } from "vitest/node";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  failures: string[];
  skips: string[];
}

/**
 * Ends a run with one plain line, and leaves the counts as JSON in the file that AML_COUNTS names: of the whole run, and
 * under `files` of each test file.
 */
export default class PlainLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const files: Record<string, Counts> = {};
    for (const module of modules) files[module.relativeModuleId] = countsOf(module);
    const nowhere = noCounts();
    for (const error of errors) {
      const origin = originOf(error, modules) ?? "";
      fail(files[origin] ?? nowhere, `${origin && `${origin}: `}an error outside any test (shown above)`);
    }
    const total = sum([...Object.values(files), nowhere]);
    const { passed, failed, skipped } = total;
    process.stdout.write(`\nvitest: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    const file = process.env["AML_COUNTS"];
    if (file) writeFileSync(file, JSON.stringify({ ...total, files }));
  }
}

/** The file in whose process an error came up, where vitest knows it. */
function originOf(error: unknown, modules: readonly TestModule[]): string | undefined {
  const { VITEST_TEST_PATH: path, cause } = error as { VITEST_TEST_PATH?: string; cause?: Partial<Error> };
  // Of a worker that died only the text says what it ran.
  const died = String(cause?.message);
  return modules.find(({ moduleId }) => moduleId === path || died.includes(moduleId))?.relativeModuleId;
}

function countsOf(module: TestModule): Counts {
  const counts = noCounts();
  for (const error of module.errors()) fail(counts, `${module.relativeModuleId}: ${error.message}`);
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === "passed") counts.passed++;
    else if (state === "failed") fail(counts, nameOf(test));
    else {
      counts.skipped++;
      counts.skips.push(withReason(test));
    }
  }
  return counts;
}

function noCounts(): Counts {
  return { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
}

function fail(counts: Counts, what: string): void {
  counts.failed++;
  counts.failures.push(what);
}

function sum(all: readonly Counts[]): Counts {
  const total = noCounts();
  for (const counts of all) {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    total.failures.push(...counts.failures);
    total.skips.push(...counts.skips);
  }
  return total;
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} › ${test.fullName.replaceAll(" > ", " › ")}`;
}

/** A test that is skipped for what a machine lacks says so in parentheses, in its own name. */
function withReason(test: TestCase): string {
  const name = nameOf(test);
  const result = test.result();
  const note = result.state === "skipped" ? result.note : undefined;
  if (note) return `${name}: ${note}`;
  return /\(.+\)/.test(test.fullName) ? name : `${name}: no reason given`;
}
