import process from "node:process";
import { parseStorePath, type FileRef } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";
import { createStager } from "@aml/staging";
import { readFile } from "node:fs/promises";

export interface ChildTask {
  readonly folder: string;
  /** Content by name, all of etag `"1"`. */
  readonly files: Readonly<Record<string, string>>;
  readonly maxBytes?: number;
  /** A read hangs behind its first half, and `half` is told. */
  readonly hang?: boolean;
}

/** Stages files, and tells how many reads that took, and of which the content is right; then it waits to be ended. */
process.once("message", async ({ folder, files, maxBytes, hang }: ChildTask) => {
  const inner = memoryStorage({ uri: "memory://children", files });
  let reads = 0;
  const storage: typeof inner = {
    ...inner,
    async read(path) {
      reads += 1;
      const { body } = await inner.read(path);
      if (hang !== true) return { body };
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      const half = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(bytes.subarray(0, bytes.length / 2)),
        pull: () => new Promise(() => process.send?.("half")),
      });
      return { body: half };
    },
  };
  const stager = createStager({ folder, maxBytes });
  const right: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    const stat = { ...(await inner.stat(parseStorePath(name))), etag: '"1"' };
    const file: FileRef = { uri: `memory://children/${name}`, relativePath: name, stat, storage };
    const staged = await stager.stage(file);
    if ((await readFile(staged.localPath, "utf8")) === content) right.push(name);
    await staged.release();
  }
  process.send?.({ reads, right });
});
