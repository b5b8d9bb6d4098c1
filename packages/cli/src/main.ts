#!/usr/bin/env node
import process from "node:process";
import { run } from "./run.ts";
import { closedPipe, Interruption, isClosedPipe } from "./terminal.ts";

const controller = new AbortController();

// Once: a second Ctrl-C ends the process at once.
process.once("SIGINT", () => controller.abort(new Interruption("Interrupted.", 130)));
process.once("SIGTERM", () => controller.abort(new Interruption("Terminated.", 143)));
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => {
    if (!isClosedPipe(error)) throw error;
    controller.abort(closedPipe());
  });
}

// A bug outside of every promise: said like any other error, without the stack of a crash.
process.once("uncaughtException", (error) => {
  const { argv, stderr } = process;
  void import("./report-error.ts").then(({ reportError }) => {
    const flags = { json: argv.includes("--json"), verbose: argv.includes("--verbose"), color: false };
    process.exit(reportError(error, stderr, flags));
  });
});

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: controller.signal,
});
