import {
  AmlError,
  type FileStat,
  type ReadOptions,
  type ReadResult,
  type StorePath,
} from "@aml/core/adapter";
import { absolute, stat } from "./dbfs-files.ts";
import { rowError } from "./errors.ts";
import { CHANGED } from "./error-rows.ts";
import { emptyBody, isFolder, pastEnd } from "./read-errors.ts";
import type { Workspace } from "./workspace.ts";

/** What the service gives in one answer. */
const CHUNK = 1024 * 1024;
/** Chunks under way or waiting at once. */
const AHEAD = 5;

/**
 * Reads a file in chunks of 1 MiB, some ahead in parallel. DBFS has no etags: size and modification time are looked
 * up before the first chunk and after the last, and must be the same.
 */
export async function read(
  workspace: Workspace,
  path: StorePath,
  { range, signal }: ReadOptions = {},
): Promise<ReadResult> {
  const offset = range?.offset ?? 0;
  const controller = new AbortController();
  const inner = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
  const fetchChunk = (at: number, length: number): Promise<Uint8Array> =>
    readChunk(workspace, path, at, length, inner);
  const wanted = Math.min(range?.length ?? CHUNK, CHUNK);
  const [found, first] = await Promise.allSettled([
    stat(workspace, path, signal, "read"),
    wanted === 0 ? Promise.resolve(new Uint8Array()) : fetchChunk(offset, wanted),
  ]);
  if (found.status === "rejected") throw found.reason;
  const before = found.value;
  if (before.kind === "directory") throw isFolder(path);
  if (offset > before.size) throw pastEnd(path, offset, before.size);
  if (first.status === "rejected") throw first.reason;
  const end = Math.min(before.size, offset + (range?.length ?? before.size));
  const changed = (): AmlError => rowError(CHANGED, workspace.attempt({ operation: "read", path, signal }));
  if (first.value.byteLength !== Math.min(CHUNK, end - offset)) throw changed();
  if (offset >= end) return { body: emptyBody(), stat: before };
  const plan: Plan = {
    first: first.value,
    offset,
    end,
    fetchChunk: async (at, length) => {
      const chunk = await fetchChunk(at, length);
      if (chunk.byteLength !== length) throw changed();
      return chunk;
    },
    async check() {
      if (!isSame(before, await stat(workspace, path, inner, "read"))) throw changed();
    },
    stop: (reason) => controller.abort(reason),
    signal,
  };
  return { body: bodyOf(plan), stat: before };
}

function isSame(one: FileStat, other: FileStat): boolean {
  return (
    one.kind === other.kind &&
    one.size === other.size &&
    one.modifiedAt?.getTime() === other.modifiedAt?.getTime()
  );
}

async function readChunk(
  workspace: Workspace,
  path: StorePath,
  offset: number,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { data = "" } = await workspace.dbfs({ operation: "read", path, signal }, "read", {
    path: absolute(workspace, path),
    offset,
    length,
  });
  // With its own memory: a chunk belongs to its reader.
  return Uint8Array.from(Buffer.from(String(data), "base64"));
}

interface Plan {
  readonly first: Uint8Array;
  readonly offset: number;
  readonly end: number;
  fetchChunk(offset: number, length: number): Promise<Uint8Array>;
  /** @throws when the file is no longer the one that was begun. */
  check(): Promise<void>;
  stop(reason: unknown): void;
  readonly signal: AbortSignal | undefined;
}

function bodyOf({ first, offset, end, fetchChunk, check, stop, signal }: Plan): ReadableStream<Uint8Array> {
  const queue: Promise<Uint8Array>[] = [Promise.resolve(first)];
  let given = offset;
  let asked = offset + first.byteLength;
  const fetchAhead = (): void => {
    while (asked < end && queue.length < AHEAD) {
      const length = Math.min(CHUNK, end - asked);
      const chunk = fetchChunk(asked, length);
      // Reported when its turn comes; if an earlier one fails, nobody asks.
      chunk.catch(() => undefined);
      queue.push(chunk);
      asked += length;
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(body) {
        try {
          signal?.throwIfAborted();
          // Whoever goes on after the first chunk wants more than a look at the beginning.
          if (given > offset) fetchAhead();
          const chunk = (await queue.shift()) as Uint8Array;
          given += chunk.byteLength;
          if (given >= end && chunk !== first) await check();
          signal?.throwIfAborted();
          body.enqueue(chunk);
          if (given >= end) body.close();
        } catch (error) {
          stop(error);
          throw signal?.aborted ? signal.reason : error;
        }
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}
