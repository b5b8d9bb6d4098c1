import { AmlError, type FileRef } from "@aml/core";
import { freeChunk } from "@aml/core/adapter";
import type { ByteRange } from "./byte-ranges.ts";
import { changed } from "./download.ts";
import type { TransferMeter } from "./transfer-meter.ts";

export interface RangeReading {
  readonly file: FileRef;
  readonly range: ByteRange;
  /** What comes is gathered in it. */
  readonly buffer: Uint8Array;
  /** Takes a part of the buffer, the bytes of the file from `start` on; the buffer is used again when it is done. */
  readonly take: (bytes: Uint8Array, start: number) => Promise<void> | void;
  readonly signal: AbortSignal | undefined;
  readonly meter?: TransferMeter | undefined;
}

/**
 * Reads a range of a file in order, and to its end or an error: what was taken until then is of the file all the same.
 *
 * @throws `precondition_failed` for another version than the listed one; `unavailable` when the store ended early, or
 * gave more; what the store and `take` throw.
 */
export async function readRange(reading: RangeReading): Promise<void> {
  const { file, range, signal, meter } = reading;
  const { etag, path } = file.stat;
  const length = range.end - range.start;
  const asked = performance.now();
  const result = await file.storage.read(path, {
    signal,
    range: { offset: range.start, length },
    ...(etag === undefined ? {} : { ifMatch: etag }),
  });
  meter?.began(performance.now() - asked);
  const { stat } = result;
  let received: number;
  try {
    if (etag !== undefined && stat?.etag !== undefined && stat.etag !== etag) {
      await result.body.cancel();
      throw changed(file, `its etag is ${stat.etag}, not ${etag}`);
    }
    received = await gather(result.body, reading);
  } finally {
    meter?.ended();
  }
  if (received === length) return;
  const { start, end } = range;
  if (etag === undefined) throw changed(file, `its bytes ${start} to ${end} came as ${received}`);
  throw new AmlError(
    "unavailable",
    `The store ended bytes ${start} to ${end} of ${file.uri} after ${received} of ${length}.`,
    { hint: "Try again.", context: { uri: file.uri, start, end, receivedBytes: received } },
  );
}

/** Tells how many bytes there were. */
async function gather(
  body: AsyncIterable<Uint8Array>,
  { file, range, buffer, take, meter }: RangeReading,
): Promise<number> {
  const { start, end } = range;
  let taken = start;
  let held = 0;
  for await (const chunk of body) {
    if (taken + held + chunk.byteLength > end) throw tooLong(file, range);
    meter?.came(chunk.byteLength);
    for (let from = 0; from < chunk.byteLength;) {
      const some = chunk.subarray(from, from + buffer.byteLength - held);
      buffer.set(some, held);
      from += some.byteLength;
      held += some.byteLength;
      if (held < buffer.byteLength) continue;
      await take(buffer, taken);
      taken += held;
      held = 0;
    }
    if (file.storage.capabilities.ownChunks === true) freeChunk(chunk);
  }
  if (held > 0) await take(buffer.subarray(0, held), taken);
  return taken + held - start;
}

function tooLong(file: FileRef, { start, end }: ByteRange): AmlError {
  const { uri } = file;
  return new AmlError(
    "unavailable",
    `The store gave more than the ${end - start} bytes of ${uri} asked for.`,
    {
      hint: "Check whether a proxy changes requests on their way.",
      context: { uri, start, end },
    },
  );
}
