import process from "node:process";
import { azureFileShare } from "@aml/azure-file-share";
import { parseStorePath, Secret } from "@aml/core/adapter";
import { expect, test } from "vitest";

const account = process.env["AML_TEST_AZURE_FILES_ACCOUNT"];
const share = process.env["AML_TEST_AZURE_FILES_SHARE"];
const key = process.env["AML_TEST_AZURE_FILES_KEY"];

test.skipIf(!account || !share || !key)(
  "a real share (needs AML_TEST_AZURE_FILES_ACCOUNT, AML_TEST_AZURE_FILES_SHARE and AML_TEST_AZURE_FILES_KEY)",
  { timeout: 120_000 },
  async () => {
    const storage = azureFileShare.open({
      options: azureFileShare.parseOptions({ accountName: account, fileShareName: share }),
      credential: { kind: "account_key", accountKey: new Secret(key ?? "") },
    });
    const folder = `aml-test-${crypto.randomUUID()}`;
    const at = (path: string) => parseStorePath(`${folder}/${path}`);
    try {
      const bytes = crypto.getRandomValues(new Uint8Array(60_000));
      const large = new Blob(Array.from({ length: 120 }, () => bytes));
      const stat = await storage.write?.(at("é/dots..."), large.stream());
      expect(await storage.stat(at("é/dots..."))).toEqual(stat);
      const { body } = await storage.read(at("é/dots..."), { ifMatch: stat?.etag });
      expect(await new Response(body).bytes()).toEqual(await large.bytes());
      await expect(
        storage.write?.(at("é/dots..."), new Blob(["x"]).stream(), { ifNoneMatch: "*" }),
      ).rejects.toMatchObject({ code: "already_exists" });
      await expect(storage.read(at("é"))).rejects.toMatchObject({ code: "not_found" });
      await expect(storage.write?.(at("é"), new Blob(["x"]).stream())).rejects.toMatchObject({
        code: "already_exists",
      });
      const found: string[] = [];
      for await (const { path } of storage.list(parseStorePath(folder), { recursive: true }))
        found.push(path);
      expect(found).toEqual([at("é/dots...")]);
    } finally {
      await storage.delete?.(parseStorePath(folder), { recursive: true });
    }
    await expect(storage.stat(parseStorePath(folder))).rejects.toMatchObject({ code: "not_found" });
  },
);
