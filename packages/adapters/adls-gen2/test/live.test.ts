import process from "node:process";
import { storageConformance, type Fixture } from "@aml/adapter-testkit";
import { parseStorePath, Secret, type StorageAdapter, type StorePath } from "@aml/core/adapter";
import { adlsGen2 } from "@aml/adls-gen2";
import { afterAll, describe, test } from "vitest";

const accountName = process.env["AML_TEST_AZURE_STORAGE_ACCOUNT"] ?? "";
const filesystem = process.env["AML_TEST_AZURE_STORAGE_CONTAINER"] ?? "";
const key = process.env["AML_TEST_AZURE_STORAGE_KEY"];
const made: StorePath[] = [];

if (accountName === "" || filesystem === "") {
  test.skip("a real file system (AML_TEST_AZURE_STORAGE_ACCOUNT and AML_TEST_AZURE_STORAGE_CONTAINER name none)", () =>
    undefined);
} else {
  afterAll(async () => {
    for (const folder of made) await openReal().delete?.(folder, { recursive: true });
  });
  storageConformance({
    name: "azure_data_lake_gen2 on a real account",
    runner: { describe, test: (name, run) => test(name, run) },
    lacks: ["sortedList"],
    open: (): Fixture => {
      const folder = parseStorePath(`aml-tests-${crypto.randomUUID()}`);
      made.push(folder);
      return { storage: below(openReal(), folder), secrets: key === undefined ? [] : [key] };
    },
  });
}

function openReal(): StorageAdapter {
  return adlsGen2.open({
    options: adlsGen2.parseOptions({ accountName, filesystem }),
    credential:
      key === undefined ? { kind: "identity" } : { kind: "account_key", accountKey: new Secret(key) },
  });
}

/** A folder as a store of its own: cases want an empty one each. */
function below(storage: StorageAdapter, folder: StorePath): StorageAdapter {
  const inside = (path: StorePath): StorePath => parseStorePath(`${folder}/${parseStorePath(path)}`);
  const outside = <T extends { readonly path: StorePath }>(stat: T): T => ({
    ...stat,
    path: parseStorePath(stat.path.slice(folder.length)),
  });
  return {
    ...storage,
    stat: async (path, options) => {
      if (path !== "") return outside(await storage.stat(inside(path), options));
      return { path, kind: "directory", size: 0 };
    },
    async *list(path, options) {
      for await (const stat of storage.list(inside(path), options)) yield outside(stat);
    },
    read: async (path, options) => {
      const { body, stat } = await storage.read(inside(path), options);
      return { body, ...(stat && { stat: outside(stat) }) };
    },
    write: async (path, body, options) => {
      if (!storage.write) throw new Error("The store is read-only.");
      // The root is no file to write, and the folder that stands for it would be one.
      if (path === "") return storage.write(path, body, options);
      return outside(await storage.write(inside(path), body, options));
    },
    delete: async (path, options) => storage.delete?.(inside(path), options),
  };
}
