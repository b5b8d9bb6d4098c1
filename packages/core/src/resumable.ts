import { AmlError, isAmlError } from "./aml-error.ts";
import { pullStream } from "./storage-layer.ts";
import type { ReadOptions, ReadResult, StorageAdapter, StorePath } from "./storage.ts";

/** Decides after a number of failures in a row: waits and returns, or throws `error`. */
export type Pause = (error: unknown, failures: number, signal: AbortSignal | undefined) => Promise<void>;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** The body of `first`, gone on with by further reads at the next byte wherever it breaks off. */
export function resumable(
  inner: StorageAdapter,
  path: StorePath,
  options: ReadOptions,
  first: ReadResult,
  pause: Pause,
): ReadableStream<Uint8Array> {
  const ifMatch = options.ifMatch ?? first.stat?.etag;
  const { offset = 0, length = Infinity } = options.range ?? {};
  const announced = first.stat && Math.max(0, Math.min(first.stat.size - offset, length));
  const cancelled = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, cancelled.signal]) : cancelled.signal;
  let reader: Reader | undefined = first.body.getReader();
  let given = 0;
  let failures = 0;

  const reopen = async (): Promise<Reader> => {
    const rest = { offset: offset + given, length: length === Infinity ? undefined : length - given };
    const again = await inner.read(path, { ...options, ifMatch, range: given > 0 ? rest : options.range });
    const next = again.body.getReader();
    if (!signal.aborted && sameFile(first, again)) return next;
    const error = signal.aborted ? signal.reason : changed(path, offset + given);
    await next.cancel(error).catch(() => undefined);
    throw error;
  };
  const pull = async (): Promise<Uint8Array | undefined> => {
    reader ??= await reopen();
    const { done, value } = await reader.read();
    if (done) {
      if (given < (announced ?? 0)) throw wrongLength("unavailable", path, given, announced);
      return undefined;
    }
    given += value.byteLength;
    if (given > (announced ?? length)) throw wrongLength("internal", path, given, announced ?? length);
    if (value.byteLength > 0) failures = 0;
    return value;
  };
  const persist = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      try {
        return await pull();
      } catch (error) {
        void reader?.cancel(error).catch(() => undefined);
        reader = undefined;
        failures += 1;
        const complete = given === announced && isAmlError(error) && error.retryable;
        if (complete && !signal.aborted) return undefined;
        if (given > 0 && ifMatch === undefined) throw options.signal?.aborted ? options.signal.reason : error;
        await pause(error, failures, signal);
      }
    }
  };
  return pullStream(persist, async (reason) => {
    cancelled.abort(reason);
    await reader?.cancel(reason);
  });
}

function sameFile({ stat: one }: ReadResult, { stat: other }: ReadResult): boolean {
  if (one === undefined || other === undefined) return true;
  return one.size === other.size && one.etag === other.etag;
}

function changed(path: StorePath, offset: number): AmlError {
  return new AmlError("precondition_failed", `${JSON.stringify(path)} changed while it was read.`, {
    operation: "read",
    hint: "Read it again from the start.",
    context: { path, offset },
  });
}

function wrongLength(
  code: "unavailable" | "internal",
  path: StorePath,
  given: number,
  announced: number | undefined,
): AmlError {
  return new AmlError(
    code,
    `The body of ${JSON.stringify(path)} ended after ${given} bytes, not the ${announced} announced.`,
    { operation: "read", context: { path, given, announced } },
  );
}
