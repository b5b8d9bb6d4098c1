import { AmlError } from "@aml/core/adapter";
import { networkError } from "./errors.ts";
import type { Attempt } from "./error-rows.ts";

/** A response's body, in memory of its reader's own: fewer or more bytes than announced are an error. */
export function checkedBody(
  source: ReadableStream<Uint8Array> | null,
  {
    attempt,
    expected,
    signal,
  }: { readonly attempt: Attempt; readonly expected: number; readonly signal: AbortSignal | undefined },
): ReadableStream<Uint8Array> {
  const reader = source?.getReader();
  let given = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(body) {
        try {
          const next = await reader?.read();
          signal?.throwIfAborted();
          given += next?.value?.byteLength ?? 0;
          if (given > expected) throw wrong("internal", attempt, given, expected);
          if (next?.value !== undefined) body.enqueue(next.value);
          else if (given < expected) throw wrong("unavailable", attempt, given, expected);
          else body.close();
        } catch (error) {
          void reader?.cancel(error).catch(() => undefined);
          throw networkError(error, attempt, signal);
        }
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function wrong(
  code: "internal" | "unavailable",
  { path }: Attempt,
  received: number,
  expected: number,
): AmlError {
  return new AmlError(code, `The service sent ${received} of the ${expected} bytes of file '${path}'.`, {
    operation: "read",
    hint: "Try again.",
    context: { path, received, expected },
  });
}
