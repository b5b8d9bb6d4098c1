import { createReadStream, createWriteStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

const CHUNK = 256 * 1024;
const LF = 0x0a;

/**
 * Where the partitions of a text file begin: each line is of the partition in which it starts, one that starts just behind
 * a partition's last byte of that.
 *
 * @param count - partitions of equal size.
 * @returns `count` + 1 offsets, the last of them the end of the file.
 */
export async function partitionStarts(path: string, count: number, bytes: number): Promise<number[]> {
  const { size } = await stat(path);
  const handle = await open(path);
  try {
    const starts = [0];
    for (let at = 1; at < count; at += 1) {
      const from = Math.round(at * bytes);
      const last = starts.at(-1) ?? 0;
      // A line that is longer than a partition leaves it without a line.
      starts.push(last > from ? last : await behindLine(handle, from, size));
    }
    return [...starts, size];
  } finally {
    await handle.close();
  }
}

async function behindLine(
  handle: Awaited<ReturnType<typeof open>>,
  from: number,
  size: number,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = from; at < size;) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, at);
    const found = buffer.subarray(0, bytesRead).indexOf(LF);
    if (found >= 0) return at + found + 1;
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return size;
}

/** Copies the bytes from `start` to `end`, which is not of them. */
export async function copyRange(
  path: string,
  start: number,
  end: number,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  await pipeline(createReadStream(path, { start, end: end - 1 }), createWriteStream(target), { signal });
}
