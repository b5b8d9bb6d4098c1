import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

export interface Child {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  readonly lines: AsyncIterable<string>;
  /** Resolves when the process is gone and its output read. */
  readonly closed: Promise<unknown>;
}

/** Runs a script of this folder in a process of the same runtime. */
export function startChild(script: string, args: readonly string[], env: Record<string, string> = {}): Child {
  const condition = "--conditions=@aml/source";
  const runtime = process.versions["deno"] ? ["run", "-A", condition] : [condition];
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [...runtime, path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  return { process: child, lines: createInterface(child.stdout), closed: once(child, "close") };
}
