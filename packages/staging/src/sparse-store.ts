import { link, open, rename, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { AmlError, type FileRef, type OperationOptions } from "@aml/core";
import { mergeRanges, sizeOf, withoutRanges, type ByteRange } from "./byte-ranges.ts";
import type { CacheFolder } from "./cache-folder.ts";
import { diskFull, isDiskFull, notHere } from "./download.ts";
import { createGate } from "./gate.ts";
import { planRequests, type RangeRequest, type RequestPart } from "./plan-requests.ts";
import type { RangeGate } from "./range-gate.ts";
import { appendJournal, readJournal, type WrittenRange } from "./range-journal.ts";
import { readRange } from "./read-range.ts";
import { runRequests } from "./run-requests.ts";
import type { TransferMeter } from "./transfer-meter.ts";
import { writeAt } from "./write-at.ts";

/** A local file of a remote one's full length that holds some of its ranges; other processes may add to it. */
export interface SparseStore {
  /** Fetches what is missing of some ranges, which do not overlap. Tells how many bytes that were. */
  fetch(ranges: readonly ByteRange[], options?: OperationOptions): Promise<number>;
  /** How many bytes of some ranges are not here. */
  missing(ranges: readonly ByteRange[], options?: OperationOptions): Promise<number>;
  /** Bytes that were fetched. */
  read(range: ByteRange): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface SparseStoreOptions {
  readonly file: FileRef;
  readonly path: string;
  readonly journal: string;
  readonly cache: CacheFolder;
  /** Lets some requests run at once, of all files together. */
  readonly gate: RangeGate;
  readonly meter: TransferMeter;
  /** Named in errors. */
  readonly folder: string;
  /** What is not here is refused. */
  readonly offline: boolean;
  /** Brings the file as a whole one. */
  readonly stageWhole: (
    file: FileRef,
    options: OperationOptions,
  ) => Promise<{ readonly localPath: string; release(): Promise<void> }>;
}

/**
 * The first bytes of a piece are written behind all others. So a piece that is not whole has zeros where Parquet has a
 * header, which no reader takes for one; without its end instead, some pages would be read as zeros, and nobody the wiser.
 */
const HEAD_BYTES = 64;
const CHECK_BYTES = 2 ** 20;
/** When more than this share of a file is missing and wanted, all of it comes as fast. */
const WHOLE_SHARE = 0.6;
/** When requests would bring along that much of a file, it is better to have all of it. */
const NEARLY_WHOLE = 0.85;

/** What is missing of a wanted range. */
interface Piece extends ByteRange {
  readonly head: Uint8Array;
  /** Bytes that have not come yet. */
  open: number;
  readonly written: WrittenRange[];
}

export function createSparseStore(options: SparseStoreOptions): SparseStore {
  const { file, path, journal, cache, gate, meter, folder, offline } = options;
  const { size } = file.stat;
  let isWhole = false;
  /** One at a time: the next one finds what this one brought. */
  const turn = createGate(1);
  const closing = new AbortController();
  let present: readonly ByteRange[] = [];
  const refuted = new Set<string>();
  const add = (ranges: readonly ByteRange[]): void => {
    if (ranges.length > 0) present = mergeRanges([...present, ...ranges]);
  };
  const without = (ranges: readonly ByteRange[]): ByteRange[] =>
    ranges.flatMap(({ start, end }) => {
      return withoutRanges({ start: Math.max(0, start), end: Math.min(size, end) }, present);
    });

  /** The file is open only while it is worked on: a table may have thousands. */
  const withFile = async <T>(task: (handle: FileHandle) => Promise<T>): Promise<T> => {
    const handle = await open(path, isWhole ? "r" : "r+");
    try {
      return await task(handle);
    } finally {
      await handle.close();
    }
  };

  /** Takes over what others have written, if it is what they say. */
  const adopt = async (
    handle: FileHandle,
    wanted: readonly ByteRange[],
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    const missing = mergeRanges(wanted);
    const found: ByteRange[] = [];
    for (const claim of await readJournal(journal, size)) {
      const name = `${claim.start}-${claim.end}-${claim.crc}`;
      const isOfUse = sizeOf(withoutRanges(claim, missing)) < claim.end - claim.start;
      if (!isOfUse || refuted.has(name) || sizeOf(withoutRanges(claim, present)) === 0) continue;
      signal?.throwIfAborted();
      if ((await checksum(handle, claim)) === claim.crc) found.push(claim);
      else refuted.add(name);
    }
    add(found);
  };

  const look = async (
    ranges: readonly ByteRange[],
    signal: AbortSignal | undefined,
  ): Promise<readonly ByteRange[]> => {
    const missing = without(ranges);
    if (missing.length === 0) return missing;
    await withFile((handle) => adopt(handle, missing, signal));
    return without(missing);
  };

  const download = async (
    handle: FileHandle,
    wanted: readonly ByteRange[],
    outer: AbortSignal | undefined,
  ): Promise<void> => {
    const signal = AbortSignal.any([closing.signal, ...(outer === undefined ? [] : [outer])]);
    const pieces = wanted.map(({ start, end }): Piece => {
      return {
        start,
        end,
        head: new Uint8Array(Math.min(HEAD_BYTES, end - start)),
        open: end - start,
        written: [],
      };
    });
    const done: ByteRange[] = [];
    const requests = planRequests(pieces, (left) => meter.gapFor(left));
    const plan = { requests, pieces: pieces.length, bytes: sizeOf(pieces), gate, signal };
    const ended = await runRequests(plan, async (request, buffer, stop) => {
      const writer = createPartWriter(handle, request, pieces);
      await readRange({ file, range: request, buffer, take: writer.take, signal: stop, meter });
      const whole = await writer.finish();
      if (whole.length === 0) return;
      await appendJournal(
        journal,
        whole.flatMap(({ written }) => written),
      );
      done.push(...whole);
    });
    add(done);
    cache.grown(sizeOf(done));
    if (ended === undefined) return;
    throw isDiskFull(ended.reason) ? diskFull(file, folder, sizeOf(wanted), ended.reason) : ended.reason;
  };

  /** Bytes that come along with some, as long as the store is as it was. */
  const requested = (ranges: readonly ByteRange[]): number =>
    sizeOf([...planRequests(ranges, (left) => meter.gapFor(left))]);

  /** Puts the whole file in the place of this one: it is not written to any more. */
  const takeWhole = async (signal: AbortSignal | undefined): Promise<void> => {
    const whole = await options.stageWhole(file, { signal });
    try {
      await link(whole.localPath, `${path}.whole`);
      await rename(`${path}.whole`, path);
    } finally {
      await whole.release();
    }
    isWhole = true;
    present = [{ start: 0, end: size }];
  };

  return {
    fetch: (ranges, { signal } = {}) =>
      turn.run(async () => {
        const missing = await look(ranges, signal);
        const bytes = sizeOf(missing);
        if (bytes === 0) return 0;
        if (offline) throw notHere(file, folder);
        if (bytes > WHOLE_SHARE * size || requested(missing) > NEARLY_WHOLE * size) {
          await takeWhole(signal);
          return bytes;
        }
        await cache.makeRoom(bytes);
        cache.account(bytes);
        try {
          await withFile((handle) => download(handle, missing, signal));
        } finally {
          cache.account(-bytes);
        }
        return bytes;
      }, signal),
    missing: (ranges, { signal } = {}) => turn.run(async () => sizeOf(await look(ranges, signal)), signal),
    read: (range) => turn.run(() => withFile((handle) => readAt(handle, range))),
    async close() {
      closing.abort(new AmlError("internal", "The file was released while it was fetched."));
      await turn.run(() => Promise.resolve());
    },
  };
}

interface PartWriter {
  /** Writes the wanted of some bytes, but for the heads of pieces. */
  readonly take: (bytes: Uint8Array, start: number) => Promise<void>;
  /** When all has come: gives the pieces that are whole with it, their heads written. */
  readonly finish: () => Promise<readonly Piece[]>;
}

/** Writes what a request brings. */
function createPartWriter(handle: FileHandle, { parts }: RangeRequest, pieces: readonly Piece[]): PartWriter {
  const sums = parts.map(() => 0);
  let first = 0;
  return {
    async take(bytes, start) {
      const end = start + bytes.byteLength;
      while ((parts[first]?.end ?? end) <= start) first += 1;
      for (let at = first; at < parts.length; at += 1) {
        const part = parts[at] as RequestPart;
        if (part.start >= end) return;
        const [from, to] = [Math.max(part.start, start), Math.min(part.end, end)];
        const some = bytes.subarray(from - start, to - start);
        sums[at] = crc32(some, sums[at]);
        const piece = pieces[part.piece] as Piece;
        const body = piece.start + piece.head.length;
        if (from < body) piece.head.set(some.subarray(0, body - from), from - piece.start);
        if (to > body) await writeAt(handle, some.subarray(Math.max(0, body - from)), Math.max(from, body));
      }
    },
    async finish() {
      const whole: Piece[] = [];
      for (const [at, { piece: index, start, end }] of parts.entries()) {
        const piece = pieces[index] as Piece;
        piece.written.push({ start, end, crc: sums[at] ?? 0 });
        piece.open -= end - start;
        if (piece.open === 0) whole.push(piece);
      }
      for (const { head, start } of whole) await writeAt(handle, head, start);
      return whole;
    },
  };
}

async function readAt(handle: FileHandle, { start, end }: ByteRange): Promise<Uint8Array> {
  const out = new Uint8Array(end - start);
  const { bytesRead } = await handle.read(out, 0, out.byteLength, start);
  return out.subarray(0, bytesRead);
}

async function checksum(handle: FileHandle, { start, end }: ByteRange): Promise<number> {
  let crc = 0;
  for (let from = start; from < end; from += CHECK_BYTES) {
    crc = crc32(await readAt(handle, { start: from, end: Math.min(end, from + CHECK_BYTES) }), crc);
  }
  return crc;
}
