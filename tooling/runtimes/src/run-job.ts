import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { root, type Job } from "./jobs.ts";
import { noCounts, type Counts } from "./runner.ts";

export interface Outcome {
  readonly job: Job;
  readonly counts: Counts;
  readonly output: string;
  readonly seconds: number;
}

const LIMIT_MS = 600_000;

/** Runs a job as a process of its own. A process that ends without counts, or badly, is a failure. */
export async function runJob(job: Job, env: Readonly<Record<string, string>>): Promise<Outcome> {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "aml-runtimes-"));
  const file = join(folder, "counts.json");
  try {
    const { output, ending } = await run(job, { ...env, AML_COUNTS: file });
    const counts = read(file);
    if (!counts.passed && !counts.failed && !counts.skipped) note(counts, `no test ran (${ending})`);
    else if (ending !== "exit 0" && !counts.failed) note(counts, `the process ended badly (${ending})`);
    return { job, counts, output, seconds: (performance.now() - started) / 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function note(counts: Counts, failure: string): void {
  counts.failed++;
  counts.failures.push(failure);
}

function run(job: Job, more: Readonly<Record<string, string>>): Promise<{ output: string; ending: string }> {
  const child = spawn(job.runtime.command, job.args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...more, NO_COLOR: "1" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ output, ending: signal ? `killed by ${signal}` : `exit ${code}` });
    });
  });
}

function read(file: string): Counts {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Counts;
  } catch {
    // No file: the process died before its end, which runJob reports.
    return noCounts();
  }
}
