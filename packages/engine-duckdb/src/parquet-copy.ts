import { open, type FileHandle } from "node:fs/promises";
import { writeAt, type ByteRange } from "@aml/staging";

const CHUNK = 2 ** 20;
/** Bytes behind a footer: its length, and what says that this is Parquet. In front of all there are as many of the latter. */
const END_BYTES = 8;
const MAGIC_BYTES = 4;

/** The footer of a local Parquet file; no bytes where the file ends as none does. */
export async function readFooter(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const end = await readAt(handle, { start: size - END_BYTES, end: size });
    const length = end.length < END_BYTES ? 0 : new DataView(end.buffer).getUint32(0, true);
    const start = size - END_BYTES - length;
    return await readAt(handle, start < 0 ? { start: 0, end: 0 } : { start, end: start + length });
  } finally {
    await handle.close();
  }
}

/** Puts another footer into a local Parquet file, at least as long as its own. */
export async function writeFooter(path: string, footer: Uint8Array): Promise<void> {
  const { length } = await readFooter(path);
  const handle = await open(path, "r+");
  try {
    const { size } = await handle.stat();
    const start = size - END_BYTES - length;
    const end = await readAt(handle, { start: size - END_BYTES, end: size });
    new DataView(end.buffer).setUint32(0, footer.length, true);
    await writeAt(handle, footer, start);
    await writeAt(handle, end, start + footer.length);
  } finally {
    await handle.close();
  }
}

/** Copies parts of a local Parquet file to the same places of another, the ends included. The rest takes no room on the disk. */
export async function copyParts(
  from: string,
  to: string,
  ranges: readonly ByteRange[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const source = await open(from);
  try {
    const { size } = await source.stat();
    const { length } = await readFooter(from);
    const copy = await open(to, "wx");
    try {
      const ends = [
        { start: 0, end: MAGIC_BYTES },
        { start: size - END_BYTES - length, end: size },
      ];
      for (const { start, end } of [...ranges, ...ends]) {
        for (let at = start; at < Math.min(end, size); at += CHUNK) {
          signal?.throwIfAborted();
          await writeAt(copy, await readAt(source, { start: at, end: Math.min(at + CHUNK, end, size) }), at);
        }
      }
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
}

async function readAt(handle: FileHandle, { start, end }: ByteRange): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  if (bytes.length === 0) return bytes;
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, Math.max(0, start));
  return bytes.subarray(0, bytesRead);
}
