#!/usr/bin/env node
import process from "node:process";
import { run } from "./run.ts";

const controller = new AbortController();
// Once each: a second Ctrl-C ends the process at once.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => controller.abort());
}
process.exitCode = await run(
  process.argv.slice(2),
  { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
  controller.signal,
);
