import {
  AmlError,
  defineStorageAdapter,
  type Row,
  type SqlResult,
  type TabularEngine,
  type TabularPlan,
} from "@aml/core";
import { defineSqlAdapter } from "@aml/core/adapter";
import { memoryRegistry, memorySecrets, memoryStorage } from "@aml/core/memory";
import { createSqlSource, type BoundStatement } from "@aml/core/sql";
import { createWorkspace } from "@aml/core/workspace";
import { describe, expect, test } from "vitest";

/** A database that knows one table of ten rows, and keeps a log. */
function bench(failures: AmlError[] = []) {
  const log: string[] = [];
  const schema = { columns: [{ name: "n", type: "int32", nullable: true }] } as const;
  const database = defineSqlAdapter({
    type: "ledger",
    credentialKinds: ["password"],
    parseOptions: (input) => input as { readonly host: string },
    open: ({ credential }) =>
      createSqlSource({
        type: "ledger",
        uri: "ledger://host/db",
        dialect: { placeholder: () => "?", positional: true, quotes: { "'": "'" } },
        async start({ text, values }: BoundStatement, { timestamps }) {
          log.push(`${text} ${JSON.stringify(values)} ${timestamps}`);
          const failure = failures.shift();
          if (failure !== undefined) throw failure;
          if (credential.password.reveal() !== "right") throw new AmlError("auth_failed", "Wrong password.");
          let n = 0;
          return {
            schema,
            read: async () => (n < 10 ? [{ n: (n += 1) }] : undefined),
            cancel: async () => void log.push("cancel"),
          };
        },
        close: async () => void log.push("close"),
      }),
  });
  const files = defineStorageAdapter({
    type: "disk",
    credentialKinds: ["anonymous"],
    parseOptions: () => ({}),
    open: () => memoryStorage(),
  });
  const engine: TabularEngine = {
    contract: "aml.engine/1",
    ops: new Set(["take"]),
    open: () => Promise.reject(new Error("no files here")),
    async openRows(plan: TabularPlan, rows: SqlResult) {
      let count = 0;
      let disposed = false;
      for await (const batch of rows.batches) count += batch.length;
      return {
        schema,
        sql: JSON.stringify(plan.steps),
        async *batches() {
          yield [{ n: count }];
        },
        encode: () => new Response(String(count)).body as ReadableStream<Uint8Array>,
        async profile() {
          if (disposed) throw new Error("The table was disposed of before.");
          return { rows: count, columns: [] };
        },
        async [Symbol.asyncDispose]() {
          disposed = true;
        },
      };
    },
    async [Symbol.asyncDispose]() {},
  };
  const workspace = createWorkspace({
    adapters: [database, files],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
    engine,
    baseUri: "disk://lake/",
  });
  const register = (password = "right") =>
    workspace.datastores.register({
      name: "db",
      type: "ledger",
      options: { host: "h" },
      credential: { kind: "password", username: "ada", password },
    });
  return { workspace, log, register };
}

async function all(rows: AsyncIterable<Row>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { n } of rows) found.push(n);
  return found;
}

describe("a database as a datastore", () => {
  test("is asked for a row at registration and by test, and closed with what it had open", async () => {
    const { workspace, log, register } = bench();
    await expect(register("wrong")).rejects.toMatchObject({ code: "auth_failed" });
    expect(log).toEqual(["SELECT 1 [] date", "close"]);
    await register();
    await workspace.datastores.test("db");
    await workspace[Symbol.asyncDispose]();
    expect(log.slice(2)).toEqual(["SELECT 1 [] date", "close", "SELECT 1 [] date", "close"]);
  });

  test("holds no files, and a store of files is no database", async () => {
    const { workspace, register } = bench();
    await register();
    await workspace.datastores.register({ name: "lake", type: "disk", options: {} });
    await expect(workspace.datastores.open("db")).rejects.toMatchObject({
      code: "unsupported",
      hint: expect.stringContaining("fromSqlQuery"),
    });
    await expect(
      all(
        workspace.tabular.fromParquetFiles("azureml://datastores/db/paths/x").files() as AsyncIterable<never>,
      ),
    ).rejects.toMatchObject({ code: "unsupported" });
    await workspace.datastores.open("lake");
    await expect(workspace.datastores.openSql("lake")).rejects.toMatchObject({
      code: "unsupported",
      hint: expect.stringContaining("azureml://datastores/lake/paths/"),
    });
    const files = workspace.tabular.fromSqlQuery({ datastore: "db", query: "q" }).files();
    await expect(all(files as AsyncIterable<never>)).rejects.toMatchObject({ code: "unsupported" });
  });

  test("a query without steps streams from the database; leaving early cancels", async () => {
    const { workspace, log, register } = bench();
    await register();
    const query = { datastore: "DB", query: "q :a :b", parameters: { a: "x", b: 2 }, timeoutMs: 1000 };
    const table = workspace.tabular.fromSqlQuery(query);
    log.length = 0;
    expect(await all(table.rows())).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(log).toEqual(['q ? ? ["x",2] date']);
    for await (const row of table.rows()) {
      expect(row).toEqual({ n: 1 });
      break;
    }
    expect(log.slice(1)).toEqual(['q ? ? ["x",2] date', "cancel"]);
    expect(await table.schema()).toMatchObject({ columns: [{ name: "n", type: "int32" }] });
    const result = await table.open();
    for (let reading = 0; reading < 2; reading += 1) {
      let count = 0;
      for await (const batch of result.batches()) count += batch.length;
      expect(count).toBe(10);
    }
    await result[Symbol.asyncDispose]();
  });

  test("with steps, and as a file, the engine takes the rows in with exact timestamps", async () => {
    const { workspace, log, register } = bench();
    await register();
    const table = workspace.tabular.fromSqlQuery({ datastore: "db", query: "q" });
    log.length = 0;
    expect(await all(table.take(3).rows())).toEqual([10]);
    expect(await new Response(table.encode("csv")).text()).toBe("10");
    expect(await table.profile()).toEqual({ rows: 10, columns: [] });
    expect(log).toEqual(["q [] text", "q [] text", "q [] text"]);
  });

  test("is explained without rows, and without the values of parameters", async () => {
    const { workspace, log, register } = bench();
    await register();
    log.length = 0;
    const table = workspace.tabular.fromSqlQuery({
      datastore: "db",
      query: "select n from t where n > :least",
      parameters: { least: 73 },
    });
    const explained = await table.explain();
    expect(explained).toMatchObject({
      query: {
        datastore: "db",
        sent: "select n from t where n > :least",
        parameters: { least: "number" },
        pushedSteps: [],
      },
      notes: [expect.stringContaining("straight from the database")],
    });
    expect(JSON.stringify(explained.query)).not.toContain("73");
    // This engine does not explain itself.
    await expect(table.take(3).explain()).rejects.toMatchObject({ code: "unsupported" });
    expect(log.filter((line) => line === "cancel")).toHaveLength(log.length / 2);
  });

  test("a registered query reads again what the database has", async () => {
    const { workspace, register } = bench();
    await register();
    const table = workspace.tabular.fromSqlQuery({ datastore: "db", query: "q :a", parameters: { a: null } });
    const first = await table.register("people");
    expect((await table.register("people")).version).toBe(first.version);
    const again = await workspace.datasets.get("people");
    expect(again.plan.source).toEqual({
      from: "query",
      datastore: "db",
      query: "q :a",
      parameters: { a: null },
    });
    if (again.kind !== "tabular") throw new Error("It is no table.");
    expect(await all(again.rows())).toHaveLength(10);
  });

  test("parameters that JSON cannot hold are plan_invalid", () => {
    const { workspace } = bench();
    for (const value of [1n, new Date(), Number.NaN, [], {}]) {
      const parameters = { a: value as never };
      expect(() => workspace.tabular.fromSqlQuery({ datastore: "db", query: "q", parameters })).toThrow(
        expect.objectContaining({ code: "plan_invalid" }),
      );
    }
  });

  test("a start that failed for now is tried again, a timeout is not", async () => {
    const { workspace, log, register } = bench([new AmlError("unavailable", "Down.")]);
    await register();
    expect(log.slice(0, 2)).toEqual(["SELECT 1 [] date", "SELECT 1 [] date"]);
    const failing = bench([new AmlError("timeout", "Slow.")]);
    await expect(failing.register()).rejects.toMatchObject({ code: "timeout" });
    await workspace[Symbol.asyncDispose]();
  });
});
