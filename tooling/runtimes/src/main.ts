// node tooling/runtimes/src/main.ts [--brief | --write] [--workers=2] [WORD…]
//
// Runs every `test/suite.ts` in Node, Bun and Deno as processes of their own, and the whole vitest suites of
// the packages that promise to run anywhere in Bun and Deno too (Node runs them in `npm test`'s first stage).
// --brief runs a contract whole in Node for one way to sign in to a store, else one case of each verb.
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

const SECOND_TRIES = 4;

const words = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const runtimes = findRuntimes();
const suites = findSuites().filter(
  ({ folder }) => !words.length || words.some((word) => folder.includes(word)),
);
const brief = process.argv.includes("--brief");
const [workers = 2] = process.argv.flatMap((arg) =>
  arg.startsWith("--workers=") ? [Number(arg.slice(10))] : [],
);
const jobs = jobsOf(suites, runtimes, brief);
const outcomes: Outcome[] = [];
const trusted = await trustedCertificate();

function namesOf({ job }: Outcome, names: readonly string[]): readonly string[] {
  return names.map((name) => `${job.runtime.name} ${job.suite.folder} › ${name}`);
}

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
await Promise.all(Array.from({ length: workers }, () => worker(queue)));

const total = noCounts();
const unsteady: string[] = [];
const broken = outcomes.filter(({ counts }) => counts.failed);
// A few suites that fail get a second try, one after another; more than these fail for a reason.
for (const first of broken.length > SECOND_TRIES ? [] : broken) {
  outcomes.splice(outcomes.indexOf(first), 1);
  console.log("a second try:");
  await worker([first.job][Symbol.iterator]());
  if (outcomes.at(-1)?.counts.failed === 0) unsteady.push(...namesOf(first, first.counts.failures));
}
for (const outcome of outcomes) {
  const { counts } = outcome;
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  total.failures.push(...namesOf(outcome, counts.failures));
  total.skips.push(...namesOf(outcome, counts.skips));
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
  if (brief || words.length || total.failed || total.skipped || unsteady.length)
    throw new Error("only a full run that passes is written down");
  writeFileSync(new URL("../../../docs/runtimes.md", import.meta.url), table);
  writeFileSync(new URL("../../../docs/stores.md", import.meta.url), contractTables(runtimes, outcomes));
}
const output = process.env["AML_COUNTS"];
if (output) writeFileSync(output, JSON.stringify({ ...total, unsteady }));
for (const name of unsteady) console.log(`! failed, then passed a second try: ${name}`);
console.log(`runtimes: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed || !total.passed ? 1 : 0;
