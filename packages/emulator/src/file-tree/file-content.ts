import type { TreeDatabase } from "./tree-database.ts";

/** Bytes from `start` up to, and without, `end`. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** What the files of a tree hold, by the number of the file: chunks that were written, zeros elsewhere. */
export interface FileContent {
  write(node: number, offset: number, bytes: Uint8Array): void;
  /** Takes a range out; it reads as zeros then. */
  clear(node: number, start: number, end: number): void;
  /** At most one chunk of it, from `start` on: bytes of the caller's own. */
  read(node: number, start: number, end: number): Uint8Array<ArrayBuffer>;
  extents(node: number, start: number, end: number): readonly Extent[];
  drop(node: number): void;
}

const CHUNK = 64 * 1024;

export function createFileContent(database: TreeDatabase): FileContent {
  const chunk = (node: number, number: number): Uint8Array | undefined =>
    database.get("SELECT bytes FROM chunk WHERE node = ? AND number = ?", node, number)?.["bytes"] as
      | Uint8Array
      | undefined;
  const put = (node: number, number: number, bytes: Uint8Array): void =>
    database.run("INSERT OR REPLACE INTO chunk VALUES (?, ?, ?)", node, number, bytes);
  return {
    write(node, offset, bytes) {
      for (let done = 0; done < bytes.byteLength;) {
        const at = (offset + done) % CHUNK;
        const number = (offset + done - at) / CHUNK;
        const part = bytes.subarray(done, done + CHUNK - at);
        put(node, number, part.byteLength === CHUNK ? part : patched(chunk(node, number), at, part));
        done += part.byteLength;
      }
      if (bytes.byteLength > 0) addExtent(database, node, offset, offset + bytes.byteLength);
    },
    clear(node, start, end) {
      if (start >= end) return;
      const first = Math.ceil(start / CHUNK);
      const last = Math.floor(end / CHUNK);
      database.run("DELETE FROM chunk WHERE node = ? AND number >= ? AND number < ?", node, first, last);
      const edges =
        first > last
          ? [[start, end] as const]
          : [[start, first * CHUNK] as const, [last * CHUNK, end] as const];
      for (const [from, to] of edges) {
        const number = Math.floor(from / CHUNK);
        const there = from < to ? chunk(node, number) : undefined;
        if (there === undefined) continue;
        put(node, number, there.fill(0, from - number * CHUNK, to - number * CHUNK));
      }
      removeExtent(database, node, start, end);
    },
    read(node, start, end) {
      const number = Math.floor(start / CHUNK);
      const at = start - number * CHUNK;
      const bytes = new Uint8Array(Math.max(0, Math.min(end - start, CHUNK - at)));
      // A chunk is stored as far as it was written.
      const there = bytes.byteLength === 0 ? undefined : chunk(node, number);
      if (there !== undefined) bytes.set(there.subarray(at, at + bytes.byteLength));
      return bytes;
    },
    extents(node, start, end) {
      const before = extentAt(database, node, start)?.start ?? start;
      return database
        .all(
          "SELECT start, end FROM extent WHERE node = ? AND start >= ? AND start < ? AND end > ? ORDER BY start",
          node,
          before,
          end,
          start,
        )
        .map((row) => ({
          start: Math.max(start, Number(row["start"])),
          end: Math.min(end, Number(row["end"])),
        }));
    },
    drop(node) {
      database.run("DELETE FROM chunk WHERE node = ?", node);
      database.run("DELETE FROM extent WHERE node = ?", node);
    },
  };
}

function patched(there: Uint8Array | undefined, at: number, part: Uint8Array): Uint8Array {
  const bytes =
    there !== undefined && there.byteLength >= at + part.byteLength
      ? there
      : new Uint8Array(at + part.byteLength);
  if (there !== undefined && there !== bytes) bytes.set(there);
  bytes.set(part, at);
  return bytes;
}

/** The last extent that starts at or before a place. Extents of a file neither overlap nor touch. */
function extentAt(database: TreeDatabase, node: number, at: number): Extent | undefined {
  const row = database.get(
    "SELECT start, end FROM extent WHERE node = ? AND start <= ? ORDER BY start DESC LIMIT 1",
    node,
    at,
  );
  return row && { start: Number(row["start"]), end: Number(row["end"]) };
}

function addExtent(database: TreeDatabase, node: number, start: number, end: number): void {
  const before = extentAt(database, node, start);
  const last = extentAt(database, node, end);
  const from = before !== undefined && before.end >= start ? before.start : start;
  const to = Math.max(end, last?.end ?? 0);
  database.run("DELETE FROM extent WHERE node = ? AND start >= ? AND start <= ?", node, from, end);
  database.run("INSERT INTO extent VALUES (?, ?, ?)", node, from, to);
}

function removeExtent(database: TreeDatabase, node: number, start: number, end: number): void {
  const before = extentAt(database, node, start);
  const last = extentAt(database, node, end);
  database.run("DELETE FROM extent WHERE node = ? AND start >= ? AND start < ?", node, start, end);
  if (before !== undefined && before.start < start && before.end > start)
    database.run("UPDATE extent SET end = ? WHERE node = ? AND start = ?", start, node, before.start);
  if (last !== undefined && last.start < end && last.end > end)
    database.run("INSERT INTO extent VALUES (?, ?, ?)", node, end, last.end);
}
