import { writeFileSync } from "node:fs";
import process from "node:process";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Ends a run with one plain line, and leaves the counts as JSON in the file that AML_COUNTS names. */
export default class PlainLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, failures: [] as string[], skips: [] as string[] };
    const fail = (what: string): void => {
      counts.failed++;
      counts.failures.push(what);
    };
    for (const _ of errors) fail("an error outside any test (shown above)");
    for (const module of modules) {
      for (const error of module.errors()) fail(`${module.relativeModuleId}: ${error.message}`);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") counts.passed++;
        else if (state === "failed") fail(nameOf(test));
        else {
          counts.skipped++;
          counts.skips.push(withReason(test));
        }
      }
    }
    const { passed, failed, skipped } = counts;
    process.stdout.write(`\nvitest: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    const file = process.env["AML_COUNTS"];
    if (file) writeFileSync(file, JSON.stringify(counts));
  }
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
