import { spawn } from "node:child_process";
import { PassThrough, Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { run } from "../src/run.ts";
import type { Terminal } from "../src/terminal.ts";

/** What a command line printed. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AmlOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  /** The three streams are a terminal of 80 columns. */
  readonly tty?: boolean;
}

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The arguments that run the command line from its sources. */
export const FROM_SOURCE: readonly string[] = ["--conditions=@aml/source", MAIN];

/** What a process gets of ours. */
export const ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(
  ["PATH", "HOME", "NODE_COMPILE_CACHE"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** Runs a command line in a process of its own. */
export async function spawnAml(args: readonly string[], options: AmlOptions): Promise<Outcome> {
  const child = spawn(process.execPath, [...FROM_SOURCE, ...args], {
    cwd: options.cwd,
    env: { ...ENVIRONMENT, ...options.env },
    stdio: "pipe",
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(options.stdin ?? "");
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? -1));
  });
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Runs a command line in this process: the same code from the first argument on. */
export async function aml(args: readonly string[], options: AmlOptions): Promise<Outcome> {
  const stdout = new Collected(options.tty);
  const stderr = new Collected(options.tty);
  const terminal: Terminal = {
    stdin:
      options.tty === true
        ? Object.assign(new PassThrough(), { isTTY: true })
        : Readable.from([options.stdin ?? ""]),
    stdout,
    stderr,
    env: options.env ?? {},
    cwd: options.cwd,
    signal: options.signal ?? new AbortController().signal,
  };
  const code = await run(args, terminal);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

class Collected extends Writable {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly #chunks: Buffer[] = [];

  constructor(tty = false) {
    super();
    this.isTTY = tty;
    this.columns = tty ? 80 : undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
