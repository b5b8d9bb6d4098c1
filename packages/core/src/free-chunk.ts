/**
 * Gives the memory of a chunk back at once, not when the garbage collector comes by: its bytes are gone for everybody.
 * For the last reader of a chunk that is nobody else's, see `StorageCapabilities.ownChunks`. A chunk that is a part of
 * a larger buffer stays as it is, and so does any where the runtime cannot.
 */
export function freeChunk({ buffer, byteLength }: Uint8Array): void {
  const { transfer } = buffer as { transfer?: (length: number) => unknown };
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) transfer?.call(buffer, 0);
}
