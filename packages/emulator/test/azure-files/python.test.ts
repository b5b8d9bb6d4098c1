import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { azurePythons } from "@aml/kit/azure-pythons";
import { expect, test } from "vitest";
import { startFiles } from "./files-server.ts";

const pythons = azurePythons("azure/storage/fileshare/__init__.py");
const script = fileURLToPath(new URL("python_client.py", import.meta.url));

for (const { from, python } of pythons)
  test.skipIf(!python)(
    `Microsoft's Python client agrees (needs azure-storage of ${from})`,
    { timeout: 60_000 },
    async () => {
      await using server = await startFiles();
      const { accountName, accountKey } = server.files;
      const args = [script, server.endpoint, accountName, accountKey, "from-python"];
      const { stdout } = await promisify(execFile)(python ?? "", args, { maxBuffer: 1e7 });
      expect(JSON.parse(stdout)).toEqual({
        shares: ["from-python"],
        share: { owner: "me" },
        again: [409, "ShareAlreadyExists"],
        large: true,
        range: [250, 251, 252, 253, 254, 255, 0, 1, 2, 3],
        size: 10_240_000,
        list: [["a b", true], ...[0, 1, 2, 3, 4].map((index) => [`f${index}`, false])],
        prefix: 5,
        ranges: [{ start: 0, end: 4 }],
        renamed: "hello",
        gone: [404, "ResourceNotFound"],
        copy: "pending",
        copied: "success",
        leased: [412, "LeaseIdMissing"],
        full: [409, "DirectoryNotEmpty"],
        missing: [404, "ParentNotFound"],
        account_sas: "hello",
        account_sas_write: [403, "AuthorizationPermissionMismatch"],
        share_sas: 7,
        share_sas_read: [403, "AuthorizationPermissionMismatch"],
        wrong_key: [403, "AuthenticationFailed"],
        deleted: [404, "ShareNotFound"],
      });
    },
  );
