import type { FileHandle } from "node:fs/promises";

/** Writes all of some bytes to a place of a file. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let from = 0; from < bytes.byteLength;) {
    from += (await handle.write(bytes, from, bytes.byteLength - from, position + from)).bytesWritten;
  }
}
