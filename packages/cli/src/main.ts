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

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: controller.signal,
});
