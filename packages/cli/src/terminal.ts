import type { Readable, Writable } from "node:stream";

/** Where a command reads, writes and looks around: the process, or a test. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Current folder. */
  readonly cwd: string;
  /** Aborted by Ctrl-C, or when nobody reads the output any more. */
  readonly signal: AbortSignal;
}

export type Output = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
};

/** Why a command ended early without being wrong. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Waits until a stream has taken a chunk: whoever reads slowly slows us down. */
export async function write(stream: Output, chunk: string | Uint8Array, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
    stream.write(chunk, (error) => {
      signal?.removeEventListener("abort", abort);
      if (error) reject(isClosedPipe(error) ? closedPipe() : error);
      else resolve();
    });
  });
}

/** True for the error of writing to a pipe that nobody reads any more, as `| head` leaves it. */
export function isClosedPipe(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

/** The output was cut by its reader, which is no failure. */
export function closedPipe(): Interruption {
  return new Interruption("Nobody reads the output any more.", 0);
}
