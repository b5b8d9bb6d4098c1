import type { FileHandle } from "node:fs/promises";

const LEAST = 16 * 1024;

/**
 * The length of the buffers to read a whole file with, at most `most` bytes. Buffers of megabytes for small files keep
 * the garbage collector busier than the files keep their reader.
 */
export async function pieceLength(handle: FileHandle, most: number): Promise<number> {
  const { size } = await handle.stat();
  return Math.min(most, Math.max(LEAST, size));
}
