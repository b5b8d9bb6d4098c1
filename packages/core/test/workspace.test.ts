import {
  AmlError,
  type AnyAdapterDefinition,
  defineStorageAdapter,
  type FileRef,
  isAmlError,
  type Plan,
  Secret,
  type Row,
  type StorageAdapter,
  type TabularEngine,
  type Workspace,
} from "@aml/core";
import { createWorkspace } from "@aml/core/workspace";
import { memoryRegistry, memorySecrets, memoryStorage } from "@aml/core/memory";
import { describe, expect, it } from "vitest";

/** A store whose options name one of some disks, and whose key must be "right". */
function vaultedDisk(disks: Readonly<Record<string, StorageAdapter>>): AnyAdapterDefinition {
  return defineStorageAdapter({
    type: "disk",
    credentialKinds: ["account_key", "anonymous"],
    parseOptions: (input) => input as { readonly disk: string },
    locate: (uri) => {
      const [, disk, path = ""] = /^disk:\/\/(\w+)\/?(.*)$/.exec(uri) ?? [];
      return disk === undefined ? undefined : { options: { disk }, path };
    },
    open({ options, credential }): StorageAdapter {
      const disk = disks[options.disk];
      if (disk === undefined) throw new Error(`no disk ${options.disk}`);
      if (credential.kind === "anonymous") return disk;
      const wrongKey = new AmlError("auth_failed", "The key is wrong.", { hint: "Give the right one." });
      const denied = (): AsyncIterable<never> => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(wrongKey) }),
      });
      return credential.accountKey.reveal() === "right" ? disk : { ...disk, list: denied };
    },
  });
}

/** Counts the lines of its files: enough of an engine to see which files reach it. */
const lineEngine: TabularEngine = {
  contract: "aml.engine/1",
  ops: new Set(["read_delimited"]),
  async open(plan: Plan, files: AsyncIterable<FileRef>) {
    const rows: Row[] = [];
    for await (const { uri, storage, stat } of files) {
      const { body } = await storage.read(stat.path, { ifMatch: stat.etag });
      rows.push({ uri, lines: (await new Response(body).text()).split("\n").length });
    }
    return {
      schema: { columns: [] },
      sql: JSON.stringify(plan.steps),
      async *batches() {
        yield rows;
      },
      encode: () => new Response(JSON.stringify(rows)).body as ReadableStream<Uint8Array>,
      async [Symbol.asyncDispose]() {},
    };
  },
  async [Symbol.asyncDispose]() {},
};

interface Bench {
  readonly workspace: Workspace;
  readonly lake: StorageAdapter;
  readonly local: StorageAdapter;
  readonly secretNames: Set<string>;
}

function bench(files: Readonly<Record<string, string>> = {}): Bench {
  const lake = memoryStorage({ uri: "disk://lake", files });
  const local = memoryStorage({ uri: "disk://local" });
  const secretNames = new Set<string>();
  const kept = memorySecrets();
  const workspace = createWorkspace({
    adapters: [vaultedDisk({ lake, local })],
    registry: memoryRegistry(),
    secrets: {
      get: (name) => kept.get(name),
      async set(name, value) {
        secretNames.add(name);
        await kept.set?.(name, value);
      },
      async delete(name) {
        secretNames.delete(name);
        await kept.delete?.(name);
      },
    },
    engine: lineEngine,
    baseUri: "disk://local/",
    permanentDatastores: ["builtin"],
  });
  return { workspace, lake, local, secretNames };
}

const key = (accountKey: string) => ({ kind: "account_key", accountKey }) as const;
const lakeSpec = { name: "Lake", type: "disk", options: { disk: "lake" } };

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function failure(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; hint: string | undefined }> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isAmlError(error)) throw new Error(`expected an AmlError, got ${String(error)}`);
  return { code: error.code, message: error.message, hint: error.hint };
}

const bytes = (text: string): ReadableStream<Uint8Array> =>
  new Response(text).body as ReadableStream<Uint8Array>;

describe("datastores", () => {
  it("lower-cases the name and keeps the secret out of the registry", async () => {
    const { workspace } = bench({ "a.csv": "1" });
    const record = await workspace.datastores.register({ ...lakeSpec, credential: key("right") });
    expect(record.name).toBe("lake");
    expect(JSON.stringify(record)).not.toContain("right");
    expect(await collect((await workspace.datastores.open("LAKE")).list("" as never))).toHaveLength(1);
  });

  it("refuses a wrong key at registration and keeps neither record nor secret", async () => {
    const { workspace, secretNames } = bench();
    expect(
      await failure(workspace.datastores.register({ ...lakeSpec, credential: key("wrong") })),
    ).toMatchObject({
      code: "auth_failed",
    });
    expect(secretNames.size).toBe(0);
    expect((await failure(workspace.datastores.get("lake"))).code).toBe("not_found");
  });

  it("registers without a look when validation is skipped", async () => {
    const { workspace } = bench();
    await workspace.datastores.register({ ...lakeSpec, credential: key("wrong") }, { skipValidation: true });
    expect((await failure(workspace.datastores.test("lake"))).code).toBe("auth_failed");
  });

  it("rotates a secret in place with overwrite, and leaves no old secret behind", async () => {
    const { workspace, secretNames } = bench();
    await workspace.datastores.register({ ...lakeSpec, credential: key("wrong") }, { skipValidation: true });
    const [old] = secretNames;
    expect(
      (await failure(workspace.datastores.register({ ...lakeSpec, credential: key("right") }))).code,
    ).toBe("already_exists");
    await workspace.datastores.register({ ...lakeSpec, credential: key("right") }, { overwrite: true });
    await workspace.datastores.test("lake");
    expect(secretNames.size).toBe(1);
    expect(secretNames.has(String(old))).toBe(false);
  });

  it("keeps the working secret when a rotation fails its check", async () => {
    const { workspace, secretNames } = bench();
    await workspace.datastores.register({ ...lakeSpec, credential: key("right") });
    expect((await failure(workspace.datastores.update("lake", { credential: key("wrong") }))).code).toBe(
      "auth_failed",
    );
    expect(secretNames.size).toBe(1);
    await workspace.datastores.test("lake");
  });

  it("registers several or none", async () => {
    const { workspace, secretNames } = bench();
    const { datastores } = workspace;
    const names = async () => (await collect(datastores.list())).map(({ name }) => name);
    const one = { ...lakeSpec, name: "one", credential: key("right") };
    const two = { ...lakeSpec, name: "two", credential: key("wrong") };
    expect((await failure(datastores.registerAll([one, two]))).code).toBe("auth_failed");
    expect((await failure(datastores.registerAll([one, { ...one, name: "ONE" }]))).code).toBe(
      "config_invalid",
    );
    expect(await names()).toEqual([]);
    expect(secretNames.size).toBe(0);
    expect(
      (await datastores.registerAll([one, { ...two, credential: key("right") }])).map((r) => r.name),
    ).toEqual(["one", "two"]);
    expect(secretNames.size).toBe(2);
  });

  it("puts back what was saved when saving a later one fails", async () => {
    const registry = memoryRegistry();
    const kept = new Map<string, string>();
    let failing = false;
    const workspace = createWorkspace({
      adapters: [vaultedDisk({ lake: memoryStorage({ uri: "disk://lake" }) })],
      registry: {
        ...registry,
        async putDatastore(spec, options) {
          if (failing && spec.name === "c") throw new AmlError("unavailable", "The registry is busy.");
          return registry.putDatastore(spec, options);
        },
      },
      secrets: {
        get: async (name) => new Secret(String(kept.get(name))),
        set: async (name, value) => void kept.set(name, value.reveal()),
        delete: async (name) => void kept.delete(name),
      },
    });
    const spec = (name: string, description: string) => ({
      ...lakeSpec,
      name,
      description,
      credential: key("right"),
    });
    await workspace.datastores.register(spec("a", "before"));
    const secrets = [...kept.keys()];
    failing = true;
    const call = workspace.datastores.registerAll([spec("a", "after"), spec("b", "new"), spec("c", "new")], {
      overwrite: true,
    });
    expect((await failure(call)).message).toBe("The registry is busy.");
    const found = await collect(workspace.datastores.list());
    expect(found.map(({ name, description }) => [name, description])).toEqual([["a", "before"]]);
    expect([...kept.keys()]).toEqual(secrets);
    await workspace.datastores.test("a");
  });

  it("updates a description without touching the credential", async () => {
    const { workspace, secretNames } = bench();
    await workspace.datastores.register({ ...lakeSpec, credential: key("right") });
    const before = [...secretNames];
    const record = await workspace.datastores.update("lake", { description: "trips" });
    expect(record.description).toBe("trips");
    expect([...secretNames]).toEqual(before);
    await workspace.datastores.test("lake");
  });

  it("names the credential kinds when a wrong one is given", async () => {
    const { workspace } = bench();
    const wrong = { kind: "sas", sasToken: "x" } as const;
    expect(await failure(workspace.datastores.register({ ...lakeSpec, credential: wrong }))).toMatchObject({
      code: "config_invalid",
      hint: "Kinds it takes: account_key, anonymous.",
    });
  });

  it("refuses names with dashes, dots, spaces and slashes", async () => {
    const { workspace } = bench();
    for (const name of ["a-b", "a.b", "a b", "a/b", ""]) {
      expect((await failure(workspace.datastores.register({ ...lakeSpec, name }))).code).toBe(
        "config_invalid",
      );
    }
  });

  it("changes the default, and deletes neither the default nor a permanent one", async () => {
    const { workspace } = bench();
    const anonymous = { kind: "anonymous" } as const;
    await workspace.datastores.register({ ...lakeSpec, name: "builtin", credential: anonymous });
    await workspace.datastores.register({ ...lakeSpec, credential: anonymous });
    await workspace.datastores.setDefault("lake");
    expect((await workspace.datastores.getDefault()).name).toBe("lake");
    expect((await failure(workspace.datastores.delete("lake"))).code).toBe("config_invalid");
    expect((await failure(workspace.datastores.delete("builtin"))).code).toBe("config_invalid");
    await workspace.datastores.setDefault("builtin");
    await workspace.datastores.delete("lake");
    expect((await failure(workspace.datastores.get("lake"))).code).toBe("not_found");
  });
});

describe("files", () => {
  const files = { "t/2024/a.csv": "1", "t/2025/b.csv": "22", "t/2025/c.txt": "3", "t/MLTable": "paths: []" };

  async function withLake(): Promise<Bench> {
    const made = bench(files);
    await made.workspace.datastores.register({ ...lakeSpec, credential: { kind: "anonymous" } });
    return made;
  }

  it("lists a glob with paths relative to its literal folder", async () => {
    const { workspace } = await withLake();
    const found = await collect(workspace.files("azureml://datastores/lake/paths/t/*/*.csv").files());
    expect(found.map(({ uri, relativePath, stat }) => [uri, relativePath, stat.size])).toEqual([
      ["azureml://datastores/lake/paths/t/2024/a.csv", "2024/a.csv", 1],
      ["azureml://datastores/lake/paths/t/2025/b.csv", "2025/b.csv", 2],
    ]);
  });

  it("leaves the recipe out of its own folder", async () => {
    const { workspace } = await withLake();
    const found = await collect(workspace.files("azureml://datastores/lake/paths/t/").files());
    expect(found.map(({ relativePath }) => relativePath)).toEqual(["2024/a.csv", "2025/b.csv", "2025/c.txt"]);
  });

  it("reads listed duplicates twice and shares the common folder of all entries", async () => {
    const { workspace } = await withLake();
    const file = "azureml://datastores/lake/paths/t/2025/b.csv";
    const found = await collect(
      workspace.files([file, "azureml://datastores/lake/paths/t/2024/*.csv", file]).files(),
    );
    expect(found.map(({ relativePath }) => relativePath)).toEqual(["2025/b.csv", "2024/a.csv", "2025/b.csv"]);
  });

  it("says which path matched nothing", async () => {
    const { workspace } = await withLake();
    const error = await failure(
      collect(workspace.files("azureml://datastores/lake/paths/t/*.parquet").files()),
    );
    expect(error).toMatchObject({
      code: "not_found",
      message: "No file matches azureml://datastores/lake/paths/t/*.parquet.",
    });
  });

  it("splits files into disjoint halves that are the whole, the same each time", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`f/${String(i).padStart(3, "0")}`, "x"]),
    );
    const { workspace } = bench(many);
    const [left, right] = workspace.files("disk://lake/f/").randomSplit(0.3, 7);
    const names = async (half: typeof left) =>
      (await collect(half.files())).map(({ relativePath }) => relativePath);
    const [a, b] = [await names(left), await names(right)];
    expect([...a, ...b].sort()).toEqual(Object.keys(many).map((name) => name.slice(2)));
    expect(a.length).toBeGreaterThan(35);
    expect(a.length).toBeLessThan(90);
    expect(await names(left)).toEqual(a);
  });

  it("takes and skips files in order", async () => {
    const { workspace } = await withLake();
    const found = await collect(workspace.files("disk://lake/t/").skip(1).take(1).files());
    expect(found.map(({ relativePath }) => relativePath)).toEqual(["2025/b.csv"]);
  });
});

describe("download", () => {
  const files = { "t/a.csv": "alpha", "t/sub/b.csv": "beta" };

  it("keeps relative paths and tells what it copied", async () => {
    const { workspace, local } = bench(files);
    const report = await workspace.files("disk://lake/t/").download("out");
    expect(report).toEqual({ files: ["disk://local/out/a.csv", "disk://local/out/sub/b.csv"], bytes: 9 });
    const { body } = await local.read("out/sub/b.csv" as never);
    expect(await new Response(body).text()).toBe("beta");
  });

  it("finds conflicts before it writes anything", async () => {
    const { workspace, local } = bench(files);
    await local.write?.("out/sub/b.csv" as never, bytes("mine"));
    const error = await failure(workspace.files("disk://lake/t/").download("out"));
    expect(error).toMatchObject({
      code: "already_exists",
      message: "1 of 2 files exist already, e.g. disk://local/out/sub/b.csv.",
    });
    expect(await collect(local.list("out" as never, { recursive: true }))).toHaveLength(1);
    await workspace.files("disk://lake/t/").download("out", { overwrite: true });
    expect(await new Response((await local.read("out/sub/b.csv" as never)).body).text()).toBe("beta");
  });

  it("frees the source when the target is read-only", async () => {
    let cancelled = 0;
    const source = memoryStorage({ uri: "disk://lake", files });
    const lake: StorageAdapter = {
      ...source,
      async read(path, options) {
        const { stat } = await source.read(path, options);
        return {
          stat,
          body: new ReadableStream({ cancel: () => void (cancelled += 1) }, { highWaterMark: 0 }),
        };
      },
    };
    const { write: _write, ...local } = memoryStorage({ uri: "disk://local" });
    const workspace = createWorkspace({
      adapters: [vaultedDisk({ lake, local })],
      registry: memoryRegistry(),
      secrets: memorySecrets(),
      baseUri: "disk://local/",
      layers: [],
    });
    expect((await failure(workspace.files("disk://lake/t/a.csv").download("out"))).code).toBe("unsupported");
    expect(cancelled).toBe(1);
  });

  it("leaves nothing behind when one file fails", async () => {
    const { workspace, lake, local } = bench(files);
    await workspace.files("disk://lake/t/").register("trips");
    await lake.write?.("t/sub/b.csv" as never, bytes("changed"));
    const trips = await workspace.datasets.get("trips");
    if (trips.kind !== "file") throw new Error("expected files");
    expect((await failure(trips.download("out"))).code).toBe("precondition_failed");
    expect(await collect(local.list("" as never, { recursive: true }))).toEqual([]);
  });
});

describe("datasets", () => {
  it("have no profile where the engine makes none", async () => {
    const { workspace } = bench({ "a.csv": "x" });
    const table = workspace.tabular.fromDelimitedFiles("disk://lake/*.csv");
    expect((await failure(table.profile())).code).toBe("unsupported");
  });

  it("numbers versions, pins their bytes, and gives an equal one back", async () => {
    const { workspace, lake } = bench({ "t/a.csv": "x\n1\n2" });
    const trips = workspace.tabular.fromDelimitedFiles("disk://lake/t/*.csv");
    const first = await trips.register("trips", { description: "raw" });
    expect(first).toMatchObject({ name: "trips", version: 1, kind: "tabular", description: "raw" });
    expect((await trips.register("trips")).version).toBe(1);
    await lake.write?.("t/b.csv" as never, bytes("x\n3"));
    expect((await trips.register("trips")).version).toBe(2);

    const rows = async (reference: string) => {
      const dataset = await workspace.datasets.get(reference);
      if (dataset.kind !== "tabular") throw new Error("expected a table");
      return collect(dataset.rows());
    };
    expect(await rows("azureml:trips:1")).toEqual([{ uri: "disk://lake/t/a.csv", lines: 3 }]);
    expect(await rows("trips")).toEqual([
      { uri: "disk://lake/t/a.csv", lines: 3 },
      { uri: "disk://lake/t/b.csv", lines: 2 },
    ]);
    expect((await collect(workspace.datasets.list({ name: "trips" }))).map(({ version }) => version)).toEqual(
      [2, 1],
    );

    await lake.write?.("t/a.csv" as never, bytes("x\n9"));
    expect((await failure(rows("trips:1"))).code).toBe("precondition_failed");
  });

  it("follows the files when a version is not pinned", async () => {
    const { workspace, lake } = bench({ "t/a.csv": "1" });
    await workspace.files("disk://lake/t/").register("live", { pin: false });
    await lake.write?.("t/b.csv" as never, bytes("2"));
    const live = await workspace.datasets.get("live");
    expect(await collect(live.files())).toHaveLength(2);
  });

  it("hands file steps before the read to the listing and row steps to the engine", async () => {
    const { workspace } = bench({ "t/a.csv": "1", "t/b.csv": "2" });
    const table = workspace.tabular.fromPlan({
      version: 1,
      source: { from: "paths", paths: [{ folder: "disk://lake/t" }] },
      steps: [{ op: "skip", count: 1 }, { op: "read_delimited" }, { op: "take", count: 5 }],
    });
    const result = await table.open();
    expect(JSON.parse(result.sql)).toEqual([{ op: "read_delimited" }, { op: "take", count: 5 }]);
    expect(await collect(result.batches())).toEqual([[{ uri: "disk://lake/t/b.csv", lines: 1 }]]);
  });

  it("writes a table to a store once", async () => {
    const { workspace, local } = bench({ "t/a.csv": "1" });
    const table = workspace.tabular.fromDelimitedFiles("disk://lake/t/a.csv");
    await table.write("out.jsonl", "jsonl");
    expect(await new Response((await local.read("out.jsonl" as never)).body).json()).toEqual([
      { uri: "disk://lake/t/a.csv", lines: 1 },
    ]);
    expect((await failure(table.write("out.jsonl", "jsonl"))).code).toBe("already_exists");
    for (const target of ["folder/", "*.jsonl", "."]) {
      expect((await failure(table.write(target, "jsonl"))).code).toBe("path_invalid");
    }
  });

  it("turns camelCase options into the step's own names", () => {
    const { workspace } = bench();
    const { plan } = workspace.tabular
      .fromDelimitedFiles("t.csv", { supportMultiLine: true, inferColumnTypes: { sampleSize: 5 } })
      .convertColumnTypes({ When: { datetime: { formats: ["%Y"], dateConstant: "x" } } });
    expect(plan).toMatchObject({
      source: { paths: [{ file: "disk://local/t.csv" }] },
      steps: [
        { op: "read_delimited", support_multi_line: true, infer_column_types: { sample_size: 5 } },
        {
          op: "convert_column_types",
          columns: [{ columns: "When", column_type: { datetime: { formats: ["%Y"], date_constant: "x" } } }],
        },
      ],
    });
  });

  it("explains what does not name a dataset, and what is no path", async () => {
    const { workspace } = bench();
    expect((await failure(workspace.datasets.get("a/b:c"))).code).toBe("path_invalid");
    expect((await failure(workspace.datasets.get("nothing"))).code).toBe("not_found");
    expect((await failure(collect(workspace.files("s3://bucket/x").files()))).code).toBe("unsupported");
  });
});
