import type { Reporter, TestModule } from "vitest/node";

/** Ends a run with one plain line: `vitest: 12 passed, 0 failed, 1 skipped`. */
export default class PlainLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const file of modules) {
      if (file.errors().length) failed += file.errors().length;
      for (const test of file.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "failed") failed++;
        else skipped++;
      }
    }
    process.stdout.write(`\nvitest: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
