// <runtime> run-suite.ts FILE [--brief | --smoke] — runs the `suite` that FILE exports, in this runtime, with no test
// library; a brief run has a contract whole for one way to sign in to a store, a smoke test one case of each verb for all.
// Prints what fails, and writes the counts as JSON to the file that AML_COUNTS names.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { oncePerVerb } from "./once-per-verb.ts";
import { collect, noCounts, runAll, type Suite } from "./runner.ts";

/** How long the process may linger after the last test before that counts as a leak. */
const LINGER_MS = 30_000;

const file = process.argv[2];
const output = process.env["AML_COUNTS"];
if (!file || !output) throw new Error("usage: AML_COUNTS=counts.json <runtime> run-suite.ts <suite.ts>");

const counts = noCounts();
process.on("unhandledRejection", (reason) => {
  fail("an unhandled rejection", reason);
  save(); // it may come after the last test
});
try {
  const { suite, skip } = (await import(pathToFileURL(file).href)) as { suite: Suite; skip?: string };
  // A suite whose server cannot run on this machine says why; that is counted and listed.
  if (skip === undefined) {
    const cases = await collect(suite);
    const smoke = process.argv.includes("--smoke");
    const brief = smoke || process.argv.includes("--brief");
    await runAll(brief ? oncePerVerb(cases, !smoke) : cases, counts, (text) => console.log(text));
  } else {
    counts.skipped++;
    counts.skips.push(skip);
  }
} catch (error) {
  fail("the suite cannot be loaded", error);
}
save();

if (process.versions["bun"] || process.versions["deno"]) {
  // Their pools of idle connections may outlive a program by minutes: whether it ends by itself is for Node to say.
  setTimeout(() => process.exit(), 100);
} else {
  // An unreferenced timer fires only while something else keeps the process alive.
  setTimeout(() => {
    fail("something is still open after the last test", `alive ${LINGER_MS / 1000} s later`);
    save();
    process.exit();
  }, LINGER_MS).unref();
}

function fail(what: string, why: unknown): void {
  console.log(`✗ ${what}: ${why instanceof Error ? why.stack : String(why)}`);
  counts.failed++;
  counts.failures.push(what);
}

function save(): void {
  writeFileSync(output ?? "", JSON.stringify(counts));
  process.exitCode = counts.failed ? 1 : 0;
}
