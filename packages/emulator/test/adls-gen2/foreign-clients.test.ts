import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { azurePythons } from "@aml/kit/azure-pythons";
import { program } from "@aml/kit/needs";
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
} from "@azure/storage-file-datalake";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGen2, type Gen2Server } from "./gen2-server.ts";

const run = promisify(execFile);
const pythons = azurePythons("azure/storage/filedatalake/__init__.py");
const rclone = program("rclone");

let gen2: Gen2Server;
beforeAll(async () => {
  gen2 = await startGen2();
});
afterAll(() => gen2.close());

for (const { from, python } of pythons)
  test.skipIf(!python)(
    `Microsoft's Python client agrees (needs azure-storage of ${from})`,
    async () => {
      const script = fileURLToPath(new URL("python-sdk.py", import.meta.url));
      const { accountName, accountKey } = gen2.gen2;
      const { stdout } = await run(python ?? "", ["-B", script, gen2.endpoint, accountName, accountKey]);
      expect(JSON.parse(stdout)).toEqual({
        content: "first,second",
        range: "sec",
        size: 12,
        big: true,
        paths: [
          ["big.bin", false, 10_240_000],
          ["data", true, 0],
          ["data/2025", true, 0],
          ["data/2025/a.csv", false, 12],
          ["empty", true, 0],
        ],
        folder: ["data/2025"],
        pages: [["big.bin", "data"], ["data/2025", "data/2025/a.csv"], ["empty"]],
        moved: ["moved/2025", "moved/2025/a.csv"],
        renamed: true,
        access: ["me", "rwxr-xr-x"],
        acl: 2,
        metadata: { hdi: "no" },
        missing: [404, "BlobNotFound"],
        full: [409, "DirectoryNotEmpty"],
        flush: [400, "InvalidFlushPosition"],
        exists: [409, "PathAlreadyExists"],
        wrong_key: [403, "AuthenticationFailed"],
        sas_read: "first,second",
        sas_list: ["moved/2025", "moved/2025/a.csv"],
        sas_outside: [403, "AuthenticationFailed"],
        sas_write: [403, "AuthorizationPermissionMismatch"],
        sas_rename: "sas",
        left: ["big.bin", "by-sas-2", "empty"],
        gone: false,
      });
    },
    60_000,
  );

test.skipIf(!rclone)(
  "rclone copies, lists, moves and checks through the blob surface (needs rclone)",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "aml-gen2-rclone-"));
    try {
      await writeFile(join(folder, "a b.txt"), "one");
      await writeFile(join(folder, "big.bin"), Buffer.alloc(9_000_000, "x"));
      const sas = generateAccountSASQueryParameters(
        {
          services: AccountSASServices.parse("b").toString(),
          resourceTypes: AccountSASResourceTypes.parse("sco").toString(),
          permissions: AccountSASPermissions.parse("rwdlac"),
          expiresOn: new Date(Date.now() + 3_600_000),
        },
        gen2.key,
      ).toString();
      const call = async (...args: string[]): Promise<string> => {
        const env = {
          ...process.env,
          RCLONE_CONFIG: join(folder, "none.conf"),
          RCLONE_CONFIG_G_TYPE: "azureblob",
          // This rclone addresses servers by IP with a SAS only.
          RCLONE_CONFIG_G_SAS_URL: `${gen2.endpoint}?${sas}`,
          RCLONE_CONFIG_G_CHUNK_SIZE: "4M",
        };
        return (await run(rclone ?? "rclone", args, { env })).stdout;
      };
      await call("mkdir", "g:rclone");
      await call("copy", "--exclude", "none.conf", folder, "g:rclone/sub/dir");
      expect((await call("lsf", "-R", "g:rclone")).split("\n").filter(Boolean).sort()).toEqual([
        "sub/",
        "sub/dir/",
        "sub/dir/a b.txt",
        "sub/dir/big.bin",
      ]);
      await call("check", "--exclude", "none.conf", folder, "g:rclone/sub/dir");
      await call("copyto", "g:rclone/sub/dir/a b.txt", "g:rclone/copied/c.txt");
      expect(await call("cat", "g:rclone/copied/c.txt")).toBe("one");
      await call("copy", "g:rclone/sub/dir/big.bin", join(folder, "back"));
      expect((await readFile(join(folder, "back/big.bin"))).length).toBe(9_000_000);
      // Both surfaces see the same tree.
      const fs = gen2.client.getFileSystemClient("rclone");
      expect(await fs.getDirectoryClient("sub/dir").exists()).toBe(true);
      const flushed = fs.getFileClient("copied/c.txt").append("x", 3, 1);
      await expect(flushed).rejects.toMatchObject({ code: "InvalidFlushOperation" });
      await call("deletefile", "g:rclone/copied/c.txt");
      expect(await fs.getFileClient("copied/c.txt").exists()).toBe(false);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
