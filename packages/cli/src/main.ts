#!/usr/bin/env node
import process from "node:process";
import { run } from "./run.ts";
import { closedPipe, Interruption, isClosedPipe } from "./terminal.ts";

/** How long a command that crashed may take to clear up. */
const CLEAR_UP_MS = 5000;

const controller = new AbortController();
let running = false;

// Once: a second Ctrl-C ends the process at once.
process.once("SIGINT", () => controller.abort(new Interruption("Interrupted.", 130)));
process.once("SIGTERM", () => controller.abort(new Interruption("Terminated.", 143)));
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => controller.abort(isClosedPipe(error) ? closedPipe() : error));
}
// A bug outside of every promise ends the command like any other error, without the stack of a crash.
process.once("uncaughtException", (error) => {
  const report = async (): Promise<void> => {
    const { reportError } = await import("./report-error.ts");
    const { argv, stderr } = process;
    const flags = { json: argv.includes("--json"), verbose: argv.includes("--verbose"), color: false };
    process.exit(reportError(error, stderr, flags));
  };
  if (!running) {
    void report();
    return;
  }
  controller.abort(error);
  setTimeout(() => void report(), CLEAR_UP_MS).unref();
});

const { argv, stdin, stdout, stderr, env } = process;
const cwd = process.cwd();
running = true;
process.exitCode = await run(argv.slice(2), { stdin, stdout, stderr, env, cwd, signal: controller.signal });
running = false;
