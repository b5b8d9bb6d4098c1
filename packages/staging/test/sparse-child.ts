import process from "node:process";
import { parseStorePath } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";
import { createStager } from "@aml/staging";

// Fetches a first range and tells so, then hangs while it fetches the second of two parts.
const MIB = 2 ** 20;
const [, , folder = "", uri = "", storageUri = ""] = process.argv;
// A promise that is never kept keeps no process.
setInterval(() => undefined, 1000);
process.once("disconnect", () => process.exit());
process.once("message", async ({ etag, content }: { etag: string; content: string }) => {
  const bytes = Buffer.from(content, "base64");
  const inner = memoryStorage({ uri: storageUri, files: { "a.bin": bytes } });
  const path = parseStorePath("a.bin");
  const storage: typeof inner = {
    ...inner,
    async read(asked, options) {
      if ((options?.range?.offset ?? 0) > MIB) {
        process.send?.("fetching");
        return new Promise(() => undefined);
      }
      const { ifMatch: _, ...rest } = options ?? {};
      const { body } = await inner.read(asked, rest);
      return { body };
    },
  };
  const stat = { ...(await inner.stat(path)), etag };
  const file = { uri, relativePath: "a.bin", stat, storage };
  const sparse = await createStager({ folder }).stageSparse(file);
  await sparse?.fetch([{ start: 0, end: MIB }]);
  await sparse?.fetch([{ start: MIB, end: 8 * MIB }]);
});
