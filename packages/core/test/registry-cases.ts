import { isAmlError } from "../src/aml-error.ts";
import type { AmlErrorCode } from "../src/aml-error.ts";
import type { Plan } from "../src/plan.ts";
import type { DatasetSpec, DatastoreSpec, Registry } from "../src/registry.ts";
import { Secret } from "../src/secret.ts";

/** What every registry must do, for any test runner and any runtime. */
export interface RegistryCase {
  readonly id: string;
  readonly run: (registry: Registry) => Promise<void>;
}

export function datastore(name: string, change: Partial<DatastoreSpec> = {}): DatastoreSpec {
  const credential = {
    kind: "account_key",
    accountKey: { secret: `datastores/${name}/account_key` },
  } as const;
  return { name, type: "azure_blob", options: { containerName: "trips", port: 443 }, credential, ...change };
}

export function dataset(
  name: string,
  hash: string,
  change: Partial<DatasetSpec> = {},
): DatasetSpec & { readonly hash: string } {
  const plan: Plan = {
    version: 1,
    source: { from: "paths", paths: [{ pattern: `azureml://datastores/lake/paths/${hash}/*.csv` }] },
    steps: [
      { op: "read_delimited", delimiter: "\u0000;" },
      { op: "take", count: 3 },
    ],
  };
  return { name, kind: "tabular", plan, hash: `sha256:${hash}`, ...change };
}

export const registryCases: readonly RegistryCase[] = [
  {
    id: "datastore/round-trip",
    async run(registry) {
      const spec = datastore("lake", {
        options: { accountName: "ü€😀\u0000", nested: { list: [1, null, true] } },
        description: "a lone surrogate \ud800",
        tags: { team: "a", ["__proto__"]: "b" },
      });
      const made = await registry.putDatastore(spec);
      const { createdAt, updatedAt, ...rest } = await registry.getDatastore("lake");
      same(rest, spec);
      same(made, { ...spec, createdAt, updatedAt });
      same(new Date(createdAt).toISOString(), createdAt);
      same(updatedAt, createdAt);
    },
  },
  {
    id: "datastore/already-exists",
    async run(registry) {
      await registry.putDatastore(datastore("lake"));
      await fails(registry.putDatastore(datastore("lake", { type: "local" })), "already_exists");
      await fails(registry.putDatastore(datastore("LAKE")), "already_exists");
      same((await registry.getDatastore("lake")).type, "azure_blob");
    },
  },
  {
    id: "datastore/overwrite-in-place",
    async run(registry) {
      const first = await registry.putDatastore(datastore("lake", { description: "old" }), {
        overwrite: true,
      });
      const second = await registry.putDatastore(datastore("lake", { type: "local" }), { overwrite: true });
      same(second.createdAt, first.createdAt);
      same(second.updatedAt >= first.updatedAt, true);
      same(await registry.getDatastore("lake"), second);
      same(second.description, undefined);
      same((await all(registry.listDatastores())).length, 1);
    },
  },
  {
    id: "datastore/case",
    async run(registry) {
      same((await registry.putDatastore(datastore("MyLake_2"))).name, "mylake_2");
      same((await registry.getDatastore("MYLAKE_2")).name, "mylake_2");
      await registry.deleteDatastore("MyLake_2");
      await fails(registry.getDatastore("mylake_2"), "not_found");
    },
  },
  {
    id: "datastore/list-by-name",
    async run(registry) {
      for (const name of ["b", "a_1", "a10", "z", "a", "_"]) await registry.putDatastore(datastore(name));
      const names = (await all(registry.listDatastores())).map((record) => record.name);
      same(names, ["_", "a", "a10", "a_1", "b", "z"]);
    },
  },
  {
    id: "datastore/list-while-changing",
    async run(registry) {
      for (const name of ["a", "b", "c"]) await registry.putDatastore(datastore(name));
      const seen: string[] = [];
      for await (const { name } of registry.listDatastores()) {
        seen.push(name);
        await registry.deleteDatastore(name);
      }
      same(seen, ["a", "b", "c"]);
      same(await all(registry.listDatastores()), []);
    },
  },
  {
    id: "datastore/not-found",
    async run(registry) {
      for (const name of ["nothing", "", "__proto__", "constructor", "a/b", "'; drop table datastores; --"]) {
        await fails(registry.getDatastore(name), "not_found");
        await fails(registry.deleteDatastore(name), "not_found");
      }
    },
  },
  {
    id: "datastore/names",
    async run(registry) {
      for (const name of [
        "",
        "a-b",
        "a b",
        "a.b",
        "a/b",
        "ä",
        "a\n",
        "\u212a",
        "x".repeat(256),
        1 as unknown as string,
      ])
        await fails(registry.putDatastore(datastore(name)), "config_invalid");
      for (const name of ["__proto__", "constructor", "x".repeat(255), "0"]) {
        await registry.putDatastore(datastore(name));
        same((await registry.getDatastore(name)).name, name);
      }
      same((await all(registry.listDatastores())).length, 4);
    },
  },
  {
    id: "datastore/keeps-no-secret",
    async run(registry) {
      const bad: unknown[] = [
        { kind: "account_key", accountKey: "c2VjcmV0" },
        { kind: "account_key", accountKey: new Secret("c2VjcmV0") },
        { kind: "account_key", accountKey: { secret: "name", value: "c2VjcmV0" } },
        { kind: "account_key", accountKey: { secret: "" } },
        { kind: "account_key" },
        { kind: "anonymous", accountKey: { secret: "name" }, key: "c2VjcmV0" },
        { kind: "identity", clientId: new Secret("c2VjcmV0") },
        { kind: "__proto__" },
        { kind: "unheard_of" },
        "c2VjcmV0",
        null,
      ];
      for (const credential of bad) {
        const spec = datastore("lake", { credential } as Partial<DatastoreSpec>);
        const error = await fails(registry.putDatastore(spec), "config_invalid");
        same(`${error.message} ${JSON.stringify(error)}`.includes("c2VjcmV0"), false);
      }
      const url = "https://x.blob.core.windows.net/c?sv=2024&sig=c2VjcmV0";
      await fails(registry.putDatastore(datastore("lake", { options: { url } })), "config_invalid");
      const extra = { ...datastore("stray"), accountKey: "c2VjcmV0" };
      same(JSON.stringify(await registry.putDatastore(extra)).includes("c2VjcmV0"), false);
      await registry.deleteDatastore("stray");
      const options = { key: new Secret("c2VjcmV0") };
      await fails(registry.putDatastore(datastore("lake", { options })), "config_invalid");
      const plan: Plan = { version: 1, source: { from: "paths", paths: [{ file: url }] }, steps: [] };
      await fails(registry.registerDataset(dataset("a", "1", { plan })), "config_invalid");
      same(await all(registry.listDatastores()), []);
    },
  },
  {
    id: "datastore/plain-json-only",
    async run(registry) {
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      for (const value of [
        1n,
        NaN,
        Infinity,
        () => 1,
        Symbol("a"),
        new Map(),
        new Date(0),
        [undefined],
        cycle,
      ])
        await fails(registry.putDatastore(datastore("lake", { options: { value } })), "config_invalid");
      const tags = { count: 1 } as unknown as Record<string, string>;
      await fails(registry.putDatastore(datastore("lake", { tags })), "config_invalid");
      await fails(registry.registerDataset(dataset("trips", "a", { tags })), "config_invalid");
      const made = await registry.putDatastore(datastore("lake", { options: { a: undefined, b: 1 } }));
      same(made.options, { b: 1 });
    },
  },
  {
    id: "datastore/records-are-copies",
    async run(registry) {
      const options = { list: [1] };
      const made = await registry.putDatastore(datastore("lake", { options }));
      options.list.push(2);
      (made.options as typeof options).list.push(3);
      same((await registry.getDatastore("lake")).options, { list: [1] });
    },
  },
  {
    id: "dataset/versions",
    async run(registry) {
      const first = await registry.registerDataset(
        dataset("trips", "a", { description: "x", tags: { k: "v" } }),
      );
      const second = await registry.registerDataset(dataset("trips", "b"));
      same([first.version, second.version], [1, 2]);
      same(await registry.getDataset("trips"), second);
      same(await registry.getDataset("trips", 1), first);
      const { createdAt, ...rest } = first;
      same(rest, { ...dataset("trips", "a", { description: "x", tags: { k: "v" } }), version: 1 });
      same(new Date(createdAt).toISOString(), createdAt);
      same((await registry.registerDataset(dataset("other", "a"))).version, 1);
    },
  },
  {
    id: "dataset/same-as-latest",
    async run(registry) {
      const first = await registry.registerDataset(dataset("trips", "a", { description: "x" }));
      same(await registry.registerDataset(dataset("trips", "a")), first);
      const renewed = { ...first, description: "y", tags: { k: "v" } };
      same(
        await registry.registerDataset(dataset("trips", "a", { description: "y", tags: { k: "v" } })),
        renewed,
      );
      same(await registry.getDataset("trips"), renewed);
      same((await registry.registerDataset(dataset("trips", "a", { kind: "file" }))).version, 2);
      same((await registry.registerDataset(dataset("trips", "b", { kind: "file" }))).version, 3);
      same((await registry.registerDataset(dataset("trips", "a"))).version, 4);
    },
  },
  {
    id: "dataset/names",
    async run(registry) {
      for (const name of ["", "a b", "a/b", "a:1", "ä", "a\n", "x".repeat(256)])
        await fails(registry.registerDataset(dataset(name, "a")), "config_invalid");
      for (const name of ["Trips-2025.v1_x", "trips-2025.v1_x", "__proto__", "constructor", "x".repeat(255)])
        same((await registry.registerDataset(dataset(name, "a"))).version, 1);
      same((await registry.getDataset("Trips-2025.v1_x")).name, "Trips-2025.v1_x");
      const wrong = { ...dataset("trips", "a"), kind: "table" } as unknown as ReturnType<typeof dataset>;
      await fails(registry.registerDataset(wrong), "config_invalid");
    },
  },
  {
    id: "dataset/not-found",
    async run(registry) {
      await registry.registerDataset(dataset("trips", "a"));
      for (const version of [0, 2, -1, 1.5, NaN]) {
        const error = await fails(registry.getDataset("trips", version), "not_found");
        same(error.hint, "Its only version is 1.");
      }
      for (const name of ["nothing", "TRIPS", "__proto__", "constructor"])
        await fails(registry.getDataset(name), "not_found");
    },
  },
  {
    id: "dataset/list",
    async run(registry) {
      for (const name of ["b", "B", "a-1", "a"])
        for (const hash of ["1", "2", "3"]) await registry.registerDataset(dataset(name, hash));
      const newest = (await all(registry.listDatasets())).map(({ name, version }) => `${name}:${version}`);
      same(newest, ["B:3", "a:3", "a-1:3", "b:3"]);
      const ofOne = (await all(registry.listDatasets({ name: "a" }))).map(
        ({ name, version }) => `${name}:${version}`,
      );
      same(ofOne, ["a:3", "a:2", "a:1"]);
      same(await all(registry.listDatasets({ name: "none" })), []);
    },
  },
  {
    id: "dataset/concurrent",
    async run(registry) {
      const calls = Array.from({ length: 30 }, (_, i) => registry.registerDataset(dataset("trips", `${i}`)));
      const versions = (await Promise.all(calls)).map((record) => record.version).toSorted((a, b) => a - b);
      same(
        versions,
        Array.from({ length: 30 }, (_, i) => i + 1),
      );
    },
  },
  {
    id: "setting/round-trip",
    async run(registry) {
      same(await registry.getSetting("default_datastore"), undefined);
      await registry.setSetting("default_datastore", "a");
      await registry.setSetting("default_datastore", "lake\u0000\ud800ü");
      await registry.setSetting("__proto__", "");
      same(await registry.getSetting("default_datastore"), "lake\u0000\ud800ü");
      same(await registry.getSetting("__proto__"), "");
      same(await registry.getSetting("constructor"), undefined);
    },
  },
  {
    id: "abort/before",
    async run(registry) {
      await registry.putDatastore(datastore("lake"));
      const reason = new Error("enough");
      const options = { signal: AbortSignal.abort(reason) };
      const calls = [
        () => registry.putDatastore(datastore("other"), options),
        () => registry.getDatastore("lake", options),
        () => all(registry.listDatastores(options)),
        () => registry.deleteDatastore("lake", options),
        () => registry.registerDataset(dataset("trips", "a"), options),
        () => registry.getDataset("trips", undefined, options),
        () => registry.getSetting("a", options),
        () => registry.setSetting("a", "b", options),
      ];
      for (const call of calls) same((await rejection(call())) === reason, true);
      same((await all(registry.listDatastores())).length, 1);
      same(await all(registry.listDatasets()), []);
    },
  },
];

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function rejection(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("The call succeeded");
}

async function fails(
  call: Promise<unknown>,
  code: AmlErrorCode,
): Promise<{ message: string; hint?: string | undefined }> {
  const error = await rejection(call);
  if (!isAmlError(error, code)) throw new Error(`Not ${code}: ${String(error)}`, { cause: error });
  return error;
}

function same(actual: unknown, expected: unknown): void {
  const [left, right] = [canonical(actual), canonical(expected)];
  if (left !== right) throw new Error(`${left} is not ${right}`);
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? { object: Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)) }
      : item,
  );
}
