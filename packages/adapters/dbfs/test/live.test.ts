import process from "node:process";
import { parseStorePath, Secret, type StorePath } from "@aml/core/adapter";
import { dbfs } from "@aml/dbfs";
import { expect, test } from "vitest";

const {
  AML_TEST_DATABRICKS_HOST: host = "",
  AML_TEST_DATABRICKS_TOKEN: token = "",
  AML_TEST_DATABRICKS_FOLDER: folder = "",
} = process.env;
const missing = [host, token, folder].includes("");

test.skipIf(missing)(
  `a real workspace${missing ? " (skipped: AML_TEST_DATABRICKS_HOST, …_TOKEN and …_FOLDER name none)" : ""}`,
  { timeout: 300_000 },
  async () => {
    const base = `aml-tests-${crypto.randomUUID()}`;
    const at = (name: string): StorePath => parseStorePath(`${base}/${name}`);
    const storage = dbfs.open({
      options: dbfs.parseOptions({ host, path: folder }),
      credential: { kind: "access_token", token: new Secret(token) },
    });
    const large = at("d/large.bin");
    const content = new Uint8Array(3 * 1024 * 1024 + 17).map((_, index) => index % 251);
    try {
      for (const name of ["d/a %.txt", "d/é.txt"]) await storage.write?.(at(name), new Blob([name]).stream());
      for (let round = 0; round < 2; round += 1) await storage.write?.(large, new Blob([content]).stream());
      expect(await storage.stat(large)).toMatchObject({ kind: "file", size: content.byteLength });
      expect(await new Response((await storage.read(large)).body).bytes()).toEqual(content);
      const range = { offset: content.byteLength - 5, length: 99 };
      const end = await new Response((await storage.read(large, { range })).body).bytes();
      expect(end).toEqual(content.slice(-5));
      const found: string[] = [];
      for await (const item of storage.list(at(""), { recursive: true }))
        found.push(item.path.slice(base.length + 1));
      expect(found.toSorted()).toEqual(["d/a %.txt", "d/large.bin", "d/é.txt"]);
      const again = storage.write?.(large, new Blob(["x"]).stream(), { ifNoneMatch: "*" });
      await expect(again).rejects.toMatchObject({ code: "already_exists" });
      await expect(storage.stat(at("none"))).rejects.toMatchObject({ code: "not_found" });
      await expect(storage.read(at("d"))).rejects.toMatchObject({ code: "not_found" });
      await expect(storage.delete?.(at("d"))).rejects.toMatchObject({
        code: "precondition_failed",
      });
    } finally {
      await storage.delete?.(at(""), { recursive: true });
    }
  },
);
