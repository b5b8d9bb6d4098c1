import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A value as `judge.py` writes it: text, booleans and null are themselves. */
export type Cell =
  | string
  | boolean
  | null
  | readonly Cell[]
  | { readonly i: string }
  | { readonly f: string }
  | { readonly t: string }
  | { readonly b: string }
  | { readonly o: { readonly [key: string]: Cell } }
  | { readonly other: string; readonly text: string };

export interface Frame {
  readonly columns: readonly { readonly name: string; readonly dtype: string }[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The frame that the Python package reads, or what it raised. */
export type Answer = Frame | { readonly error: string; readonly message?: string };

export interface Judge extends AsyncDisposable {
  /** Reads the MLTable of a folder; rejects if Python ended, or says nothing for two minutes. */
  read(folder: string): Promise<Answer>;
}

/** A machine under load takes its time, above all for the first answer, which waits for the imports. */
const PATIENCE_MS = 120_000;

/** Starts a Python that has the package `mltable`; it answers one question after the other. */
export function startJudge(python: string): Judge {
  // The package leaves what it has read in the folder for temporary files.
  const scratch = mkdtempSync(join(tmpdir(), "aml-judge-"));
  const child = spawn(python, [join(import.meta.dirname, "judge.py")], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, PYTHONIOENCODING: "utf-8", TZ: "UTC", TMPDIR: scratch },
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  // What is written to a Python that has ended: the answer that does not come tells it.
  child.stdin.on("error", () => undefined);
  let late = false;
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => resolve(signal ?? `code ${code}`));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async read(folder) {
      const timer = setTimeout(() => {
        late = true;
        child.kill("SIGKILL");
      }, PATIENCE_MS);
      try {
        child.stdin.write(`${JSON.stringify(folder)}\n`);
        const { value, done } = await lines.next();
        if (done !== true) return JSON.parse(value) as Answer;
        const why = late ? `said nothing for ${PATIENCE_MS / 1000} s` : `ended with ${await ended}`;
        throw new Error(`Python ${why} at ${folder}; the last that it wrote:\n${said}`);
      } finally {
        clearTimeout(timer);
      }
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
