import { AmlError } from "@aml/core/adapter";
import { networkError } from "./errors.ts";

export interface BodyPlan {
  readonly path: string;
  /** Bytes to leave out at the start, where the server does not. */
  readonly skip: number;
  /** Bytes to give then; `Infinity` for all. */
  readonly take: number;
  /** Bytes that must come after those skipped, if they are known: fewer is an error, never a shorter file. */
  readonly expected: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A response's body, cut to what was asked for and checked for its length. */
export function bodyOf(
  source: ReadableStream<Uint8Array> | null,
  plan: BodyPlan,
): ReadableStream<Uint8Array> {
  const reader = (source ?? emptyBody()).getReader();
  const { path, skip, take, expected, signal } = plan;
  let skipped = 0;
  let given = 0;
  const next = async (): Promise<Uint8Array | undefined> => {
    while (given < take) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) {
        checkEnd(skipped, given, plan);
        return undefined;
      }
      const left = Math.min(skip - skipped, value.byteLength);
      skipped += left;
      const chunk = value.subarray(left, left + Math.min(take - given, value.byteLength - left));
      given += chunk.byteLength;
      if (given > (expected ?? take)) throw tooLong(path, expected ?? take);
      if (chunk.byteLength > 0) return chunk;
    }
    await reader.cancel();
    return undefined;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          signal?.throwIfAborted();
          const chunk = await next();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        } catch (error) {
          void reader.cancel(error).catch(() => undefined);
          throw signal?.aborted ? signal.reason : networkError(error, "read", path);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

export function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

function checkEnd(skipped: number, given: number, { path, skip, expected }: BodyPlan): void {
  if (skipped < skip) throw pastEnd(path, skip, skipped);
  if (expected !== undefined && given < expected) {
    throw new AmlError(
      "unavailable",
      `The body of ${JSON.stringify(path)} ended after ${given} of ${expected} bytes.`,
      {
        operation: "read",
        context: { path, given, expected },
      },
    );
  }
}

function tooLong(path: string, expected: number): AmlError {
  return new AmlError(
    "internal",
    `The server sent more than the ${expected} bytes of ${JSON.stringify(path)} it announced.`,
    {
      operation: "read",
      context: { path, expected },
    },
  );
}

export function pastEnd(path: string, offset: number, size: number | undefined): AmlError {
  const which = size === undefined ? "" : `, which has ${size} bytes`;
  return new AmlError(
    "range_not_satisfiable",
    `Offset ${offset} is past the end of ${JSON.stringify(path)}${which}.`,
    {
      operation: "read",
      context: { path, offset, size },
    },
  );
}
