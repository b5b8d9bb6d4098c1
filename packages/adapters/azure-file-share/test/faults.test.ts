import { faultyFetch, storageConformance, type FetchFault, type Fixture } from "@aml/adapter-testkit";
import { parseStorePath } from "@aml/core/adapter";
import { withRetry } from "@aml/core/layers";
import { someOf } from "@aml/kit/runs";
import { describe, test } from "vitest";
import { newShare, openStore, sharedFiles } from "./files-server.ts";
import { gaps, lacks } from "./gaps.ts";

const busy = { does: "status", status: 503, headers: { "x-ms-error-code": "ServerBusy" } } as const;
const scripts: Readonly<Record<string, readonly FetchFault[]>> = {
  "that is busy at first": [
    { call: 1, method: "GET", ...busy },
    { call: 1, method: "HEAD", ...busy },
    { call: 1, method: "DELETE", ...busy },
  ],
  "that loses connections": [
    { call: 1, method: "GET", does: "network_error" },
    { call: 3, method: "GET", does: "cut", afterBytes: 4 },
    { call: 4, method: "GET", does: "truncate", afterBytes: 2 },
    { call: 2, method: "HEAD", does: "network_error" },
    { call: 2, method: "DELETE", does: "network_error" },
  ],
};

for (const [name, script] of Object.entries(scripts)) {
  storageConformance({
    name: `azure_file over a network ${name}`,
    runner: { describe, test: someOf(test, 3) },
    lacks: [...lacks, "secrets"],
    gaps,
    async open(): Promise<Fixture> {
      const server = await sharedFiles();
      const share = await newShare(server);
      const faulty = openStore(server, share.name, undefined, { fetch: faultyFetch(fetch, script) });
      const clean = openStore(server, share.name);
      return {
        storage: withRetry({ sleep: () => Promise.resolve() })(faulty),
        async seed(files) {
          for (const [path, bytes] of Object.entries(files)) {
            const body = new Blob([new Uint8Array(bytes)]).stream();
            await clean.write?.(parseStorePath(path), body);
          }
        },
      };
    },
  });
}
