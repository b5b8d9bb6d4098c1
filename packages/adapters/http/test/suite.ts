import { canary, storageConformance, type Runner, type SupportMatrix } from "@aml/adapter-testkit";
import { http } from "@aml/http";
import { startFileServer } from "./file-server.ts";

export function suite(runner: Runner): SupportMatrix {
  return storageConformance({
    name: "http",
    runner,
    lacks: [
      "list",
      "write",
      "delete",
      "directories",
      "sortedList",
      "conditionalWrites",
      "atomicWrites",
      "properties",
      "md5",
      "copy",
      "resume",
    ],
    open: async () => {
      const { origin, files, openStreams, close } = await startFileServer();
      const { secret } = canary();
      const baseUrl = `${origin}?token=${encodeURIComponent(secret)}`;
      return {
        storage: http.open({ options: { baseUrl }, credential: { kind: "anonymous" } }),
        seed: async (content) => {
          for (const [path, bytes] of Object.entries(content)) files.set(path, bytes);
        },
        secrets: [secret],
        openStreams,
        close,
      };
    },
  });
}
