// node tooling/runtimes/src/main.ts [--write] [WORD…]
//
// Runs every `test/suite.ts` in Node, Bun and Deno as processes of their own, and the whole vitest suites of
// the packages that promise to run anywhere in Bun and Deno too (Node runs them in `npm test`'s first stage).
// With WORDs only the suites whose folder contains one of them; --write renews docs/runtimes.md and docs/stores.md
// after a full pass.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { findSuites, jobsOf, type Job } from "./jobs.ts";
import { findRuntimes } from "./runtimes.ts";
import { runJob, type Outcome } from "./run-job.ts";
import { contractTables } from "./contract-tables.ts";
import { supportTable } from "./table.ts";
import { noCounts } from "./runner.ts";
import { trustedCertificate } from "./trusted-certificate.ts";

const words = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const runtimes = findRuntimes();
const suites = findSuites().filter(
  ({ folder }) => !words.length || words.some((word) => folder.includes(word)),
);
const jobs = jobsOf(suites, runtimes);
const outcomes: Outcome[] = [];
const trusted = await trustedCertificate();

async function worker(queue: Iterator<Job>): Promise<void> {
  for (let next = queue.next(); !next.done; next = queue.next()) {
    const outcome = await runJob(next.value, trusted);
    outcomes.push(outcome);
    const { passed, failed } = outcome.counts;
    const what = `${next.value.runtime.name} ${next.value.suite.folder}`;
    console.log(
      `${failed ? "✗" : "✓"} ${what}: ${passed} passed, ${failed} failed (${outcome.seconds.toFixed(1)} s)`,
    );
    if (failed) console.log(outcome.output.trimEnd().replace(/^/gm, "  "));
  }
}

const queue = jobs[Symbol.iterator]();
await Promise.all([worker(queue), worker(queue)]);

const total = noCounts();
for (const { job, counts } of outcomes) {
  const place = `${job.runtime.name} ${job.suite.folder}`;
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  total.failures.push(...counts.failures.map((name) => `${place} › ${name}`));
  total.skips.push(...counts.skips.map((name) => `${place} › ${name}`));
}
for (const { name, version } of runtimes) {
  if (version) continue;
  total.skipped += suites.length;
  total.skips.push(`${suites.length} suites in ${name}: no ${name} on PATH`);
}
const table = supportTable(runtimes, outcomes);
console.log(`\n${table}`);
if (process.argv.includes("--write")) {
  // the page says what is supported, so it takes a run in which all was there and all passed
  if (words.length || total.failed || total.skipped)
    throw new Error("only a full run that passes is written down");
  writeFileSync(new URL("../../../docs/runtimes.md", import.meta.url), table);
  writeFileSync(new URL("../../../docs/stores.md", import.meta.url), contractTables(runtimes, outcomes));
}
const output = process.env["AML_COUNTS"];
if (output) writeFileSync(output, JSON.stringify(total));
console.log(`runtimes: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed || !total.passed ? 1 : 0;
