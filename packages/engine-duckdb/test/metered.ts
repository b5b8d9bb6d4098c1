import type { FileRef, StorageAdapter } from "@aml/core";

/** The same files, with a count of the bytes that are read of them. */
export function metered(files: readonly FileRef[]): { files: FileRef[]; bytes(): number } {
  let bytes = 0;
  const wrap = (storage: StorageAdapter): StorageAdapter => ({
    ...storage,
    async read(path, options) {
      const result = await storage.read(path, options);
      const count = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          bytes += chunk.length;
          controller.enqueue(chunk);
        },
      });
      return { ...result, body: result.body.pipeThrough(count) };
    },
  });
  return { files: files.map((file) => ({ ...file, storage: wrap(file.storage) })), bytes: () => bytes };
}
