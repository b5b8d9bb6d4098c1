import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { type Expr, type Plan, type Step, type StorageAdapter, type TabularResult } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { createGate, type Gate } from "@aml/staging";
import { afterAll, expect, test, vi } from "vitest";
import { compileConversion } from "../src/compile-convert.ts";
import { createInstancePool } from "../src/instance-pool.ts";
import { openScope } from "../src/scope.ts";
import { streamRows } from "../src/stream-rows.ts";
import { allRows, createHarness, failureOf, listed, textOf } from "./harness.ts";

const h = await createHarness();
const read = { op: "read_delimited" };
const text = { op: "read_delimited", infer_column_types: false };
const instance = await DuckDBInstance.create(":memory:");
const bare: DuckDBConnection = await instance.connect();
afterAll(async () => {
  await instances.close();
  bare.disconnectSync();
  instance.closeSync();
});
const instances = createInstancePool({ memoryLimit: undefined, threads: 1 });
const lateFault = `a,b\n${"1,2\n".repeat(300_000)}1,2,3\n`;

test("T1: an error in mid-stream is an error, not an early end", async () => {
  const files = await h.files({ "a.csv": lateFault });
  const path = decodeURI(new URL(files[0]?.uri ?? "").pathname);
  const stream = await bare.stream(
    `SELECT * FROM read_csv('${path}', auto_detect = false, header = true, columns = {a: 'VARCHAR', b: 'VARCHAR'})`,
  );
  let seen = 0;
  for await (const rows of stream.yieldRows()) seen += rows.length;
  // DuckDB itself still ends early without a word; when it no longer does, this guard can go.
  expect(seen).toBeLessThan(300_000);
  expect(await failureOf(h.rows([text], files))).toMatchObject({
    code: "parse_failed",
    context: { line: 300_002 },
  });
});

test("T2: two open streams of one table do not end each other", async () => {
  const table = await h.open(
    [read],
    await h.files({ "a.csv": `n\n${Array.from({ length: 50_000 }, (_, n) => n).join("\n")}\n` }),
  );
  const [one, two] = [table.batches()[Symbol.asyncIterator](), table.batches()[Symbol.asyncIterator]()];
  const counts = [0, 0];
  for (let open = true; open;) {
    const [a, b] = [await one.next(), await two.next()];
    counts[0] = (counts[0] ?? 0) + (a.done === true ? 0 : a.value.length);
    counts[1] = (counts[1] ?? 0) + (b.done === true ? 0 : b.value.length);
    open = a.done !== true || b.done !== true;
  }
  expect(counts).toEqual([50_000, 50_000]);
});

test("T3, T13: nothing is registered with DuckDB", async () => {
  const folder = join(import.meta.dirname, "../src");
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".ts"));
  expect(names.length).toBeGreaterThan(30);
  for (const name of names) {
    expect(await readFile(join(folder, name), "utf8")).not.toMatch(
      /register(Scalar|Table)Function|\bTableFunction\b/,
    );
  }
});

test("T4: queries run within the gate, so threads are left for files", async () => {
  const inner = createGate(2);
  let running = 0;
  const seen: number[] = [];
  const gate: Gate = {
    run: (task, signal) =>
      inner.run(async () => {
        seen.push((running += 1));
        try {
          return await task();
        } finally {
          running -= 1;
        }
      }, signal),
  };
  const scope = await openScope({ parentFolder: h.folder, instances, gate });
  await Promise.all(Array.from({ length: 6 }, () => scope.run("SELECT sum(range) FROM range(300000)")));
  expect(seen).toHaveLength(6);
  expect(Math.max(...seen)).toBe(2);
  const query = {
    sql: "SELECT range::INTEGER AS c0, false AS done FROM range(5000) UNION ALL SELECT NULL, true",
    failing: [],
    masks: 0,
  };
  const columns = [{ name: "n", id: "n", sqlType: "INTEGER", nullable: false }];
  const nothing = async (): Promise<void> => undefined;
  seen.length = 0;
  let rows = 0;
  const stream = streamRows({
    scope,
    query: { ...query, columns },
    explain: nothing,
    locate: nothing,
    verify: nothing,
  });
  for await (const batch of stream) {
    // While its rows are being used one more chunk is fetched, and then no thread is taken.
    await vi.waitFor(() => expect(running).toBe(0));
    const calls = seen.length;
    await setTimeout(5);
    expect(seen).toHaveLength(calls);
    rows += batch.length;
  }
  expect(rows).toBe(5000);
  expect(seen.length).toBeGreaterThanOrEqual(4);
  await scope.close();
});

test("a stream that is left does not wait for the chunk that is being fetched", async () => {
  let running = 0;
  const gate: Gate = {
    async run(task) {
      running += 1;
      try {
        return await task();
      } finally {
        running -= 1;
      }
    },
  };
  const scope = await openScope({ parentFolder: h.folder, instances, gate });
  const nothing = async (): Promise<void> => undefined;
  const hours = "SELECT 1, false FROM range(1000000000) a, range(20000) b WHERE a.range + b.range < 0";
  const stream = streamRows({
    scope,
    query: {
      // More than what DuckDB makes ahead.
      sql: `SELECT range::INTEGER AS c0, false AS done FROM range(250000) UNION ALL ${hours}`,
      columns: [{ name: "n", id: "n", sqlType: "INTEGER", nullable: false }],
      failing: [],
      masks: 0,
    },
    explain: nothing,
    locate: nothing,
    verify: nothing,
  });
  let left = false;
  for await (const _ of stream) {
    await setTimeout(10);
    left = running > 0;
    if (left) break;
  }
  expect(left).toBe(true);
  await scope.close();
});

test("T5: a ragged file is an error or all of its rows, never none", async () => {
  const files = await h.files({ "a.csv": "a,b,c\n1,2\n3,4,5\n6,7,8,9\n" });
  expect(await failureOf(h.rows([text], files))).toMatchObject({
    code: "parse_failed",
    context: { line: 4 },
  });
  expect(await h.rows([text], await h.files({ "a.csv": "a,b,c\n1,2\n3,4,5\n" }))).toHaveLength(2);
  const utf16be = Buffer.from("\ufeffa\n1\n", "utf16le").swap16();
  expect(await h.rows([{ ...text, encoding: "utf16" }], await h.files({ "a.csv": utf16be }))).toEqual([
    { a: "1" },
  ]);
  expect(
    await failureOf(h.rows([{ ...text, encoding: "utf16" }], await h.files({ "a.csv": "a\n1\n2" }))),
  ).toMatchObject({ code: "parse_failed" });
});

test("T6: a file with its columns in another order does not swap them", async () => {
  const files = await h.files({ "1.csv": "a,b\n1,2\n", "2.csv": "b,a\n3,4\n" });
  expect(await failureOf(h.rows([text], files))).toMatchObject({
    code: "schema_mismatch",
    context: { uri: files[1]?.uri },
  });
  expect(await h.rows([{ ...text, header: "all_files_different_headers" }], files)).toEqual([
    { a: "1", b: "2" },
    { a: "4", b: "3" },
  ]);
});

test("T7: stray quotes and mixed line ends lose no character", async () => {
  expect(await failureOf(h.rows([text], await h.files({ "a.csv": 'a,b\n"bad"tail,2\n' })))).toMatchObject({
    code: "parse_failed",
  });
  expect(await h.rows([text], await h.files({ "a.csv": 'a,b\r\n"x",1\ny"z,2\r\n' }))).toEqual([
    { a: "x", b: "1" },
    { a: 'y"z', b: "2" },
  ]);
});

test("T8: dropped lines are dropped, and one bad field does not null its row", async () => {
  const files = await h.files({ "a.jsonl": '{"a":1,"b":"x"}\n{"a":\n{"a":"y","b":"z"}\n' });
  expect(await h.rows([{ op: "read_json_lines", invalid_lines: "drop" }], files)).toEqual([
    { a: 1, b: "x" },
    { a: "y", b: "z" },
  ]);
});

test("T9: conversions are exact", async () => {
  const cast = async (value: string, type: "int" | "float" | "boolean"): Promise<unknown> => {
    const { sql } = compileConversion("x", "VARCHAR", type);
    return (await (await bare.run(`SELECT ${sql} FROM (SELECT '${value}' AS x)`)).getRows())[0]?.[0];
  };
  for (const value of ["1.5", "1e-3", "1e19", "9007199254740993.5", "1_000", "0x1F", "0b1", "", "-", "."])
    expect(await cast(value, "int")).toBeNull();
  for (const [value, int] of [
    ["1", 1n],
    ["+5", 5n],
    ["-0", 0n],
    ["007", 7n],
    [" 12 ", 12n],
    ["12\u00a0", 12n],
    ["1.", 1n],
    ["9007199254740993.00", 9007199254740993n],
    ["1e3", 1000n],
    ["-1.5E1 ", -15n],
  ] as const)
    expect(await cast(value, "int")).toBe(int);
  for (const value of ["1_000", "nano", "infinit", "1e400", "-1e400", "x", "1,5", "e5", "\u00a0"])
    expect(await cast(value, "float")).toBeNull();
  for (const [value, float] of [
    ["1e3", 1000],
    [".5", 0.5],
    ["-1.", -1],
    ["1.5\u3000", 1.5],
    [" NaN", Number.NaN],
    ["-INF", -Infinity],
    ["infinity", Infinity],
  ] as const)
    expect(await cast(value, "float")).toBe(float);
  for (const value of ["yes", "tRuE", "y", "no", "on", "2", "01"])
    expect(await cast(value, "boolean")).toBeNull();
  for (const [value, truth] of [
    ["TRUE", true],
    ["false", false],
    ["1", true],
    ["0", false],
  ] as const)
    expect(await cast(value, "boolean")).toBe(truth);
});

test("T10: no function of a plan reaches DuckDB but those of the list", async () => {
  const files = await h.files({ "a.csv": "s\nx\n" });
  for (const fn of ["repeat", "read_text", "getenv"]) {
    const where = { fn, args: [{ col: "s" }, { lit: "x" }] } as unknown as Expr;
    const steps: Step[] = [{ op: "read_delimited" }, { op: "filter", where }];
    const plan: Plan = { version: 1, source: { from: "paths", paths: [] }, steps };
    expect(await failureOf(h.engine().open(plan, listed(files)))).toMatchObject({ code: "plan_invalid" });
    expect(() => parseFilter(`${fn}(s, 4000000000) == 'x'`)).toThrow(/./);
  }
});

test("T10: text times a number is refused, and never text", async () => {
  const files = await h.files({ "a.csv": "s\nx\n" });
  const steps = [text, { op: "filter", where: parseFilter("s * 4 == 'xxxx'") }];
  expect(await failureOf(h.rows(steps, files))).toMatchObject({ code: "plan_invalid" });
});

test("T11: a file that changed since it was listed is refused before DuckDB sees it", async () => {
  const [file] = await h.remote({ "a.csv": "a\n1\n" });
  if (file === undefined) throw new Error("no file");
  // Of the same length, in a store that tells nothing with its answer.
  await file.storage.write?.(file.stat.path, new Blob(["a\n2\n"]).stream());
  const storage: StorageAdapter = {
    ...file.storage,
    read: async (path, options) => ({ body: (await file.storage.read(path, options)).body }),
  };
  expect(await failureOf(h.rows([read], [{ ...file, storage }]))).toMatchObject({
    code: "precondition_failed",
  });
  const cut: StorageAdapter = {
    ...storage,
    read: () => Promise.resolve({ body: new Blob(["a\n"]).stream() }),
  };
  expect(await failureOf(h.rows([read], [{ ...file, storage: cut }]))).toMatchObject({ code: "unavailable" });
});

test("T12: rows come in the same order on any number of threads", async () => {
  const path = join(h.folder, "many.parquet");
  await bare.run(
    `COPY (SELECT range AS n, repeat('x', (range % 97)::BIGINT) AS s FROM range(400000)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 4096)`,
  );
  const files = await h.files({ "a.parquet": await readFile(path), "b.parquet": await readFile(path) });
  const steps = [{ op: "read_parquet" }, { op: "filter", where: parseFilter("n % 3 == 0") }];
  const expected = Array.from({ length: 266_668 }, (_, at) => BigInt((at % 133_334) * 3));
  for (const threads of [1, 4]) {
    const rows = await h.rows(steps, files, { threads });
    expect(rows).toHaveLength(expected.length);
    expect(rows.findIndex(({ n }, at) => n !== expected[at])).toBe(-1);
  }
});

test("an abort ends a query with its own reason, and leaving the loop ends it too", async () => {
  const files = await h.files({ "a.csv": `n\n${"1\n".repeat(500_000)}` });
  const table = await h.open([read], files);
  const reason = new Error("enough");
  const controller = new AbortController();
  const failure = await failureOf(
    (async () => {
      for await (const _ of table.batches({ signal: controller.signal })) controller.abort(reason);
    })(),
  );
  expect(failure).toBe(reason);
  for await (const _ of table.batches()) break;
  expect(await allRows(table)).toHaveLength(500_000);
  expect(await failureOf(allRows(table))).toMatchObject({ code: "query_failed" });
});

test("disposing of a table ends what runs on it", async () => {
  // More than a stream reads ahead.
  const files = await h.files({ "a.csv": `n\n${"1\n".repeat(8_000_000)}` });
  const table = await h.open([read], files);
  const suspended = table.batches()[Symbol.asyncIterator]();
  await suspended.next();
  const running = [allBatches(table), allBatches(table), textOf(table.encode("parquet"))].map(failureOf);
  await setTimeout(20);
  await table[Symbol.asyncDispose]();
  for (const failure of await Promise.all(running)) expect(failure).toMatchObject({ code: "query_failed" });
  expect(await failureOf(suspended.next())).toMatchObject({ code: "query_failed" });
});

test("cancelling what is encoded stops the query and deletes the file", async () => {
  const table = await h.open([read], await h.files({ "a.csv": `n\n${"1\n".repeat(500_000)}` }));
  const reader = table.encode("csv").getReader();
  const first = reader.read();
  await reader.cancel();
  expect((await first).done).toBe(true);
  expect(await textOf(table.encode("csv"))).toHaveLength(2 + 2 * 500_000);
});

async function allBatches(table: TabularResult): Promise<void> {
  for await (const _ of table.batches());
}

test("a table's DuckDB reads its own files only", async () => {
  const files = await h.files({ "a.csv": "a\n1\n", "secret.csv": "s\nno\n" });
  const table = await h.open([{ op: "read_parquet" }], []).catch((error: unknown) => error);
  expect(table).toMatchObject({ code: "not_found" });
  const scope = await openScope({
    parentFolder: h.folder,
    instances,
    gate: createGate(1),
  });
  const path = decodeURI(new URL(files[0]?.uri ?? "").pathname);
  await scope.lock(new Map([[path, files[0]?.uri ?? ""]]));
  await scope.run(`SELECT * FROM read_csv('${path}')`);
  const secret = path.replace("a.csv", "secret.csv");
  for (const sql of [
    `SELECT * FROM read_csv('${secret}')`,
    `SELECT * FROM read_text('/etc/passwd')`,
    "SET memory_limit = '90%'",
    "LOAD httpfs",
    "INSTALL httpfs",
    `ATTACH '${secret}.db'`,
  ]) {
    expect(await failureOf(scope.run(sql))).toMatchObject({ name: "AmlError" });
  }
  await scope.close();
});

test("nothing is left behind", async () => {
  const cacheFolder = join(h.folder, "cache");
  const engine = h.engine({ cacheFolder });
  const plan: Plan = { version: 1, source: { from: "paths", paths: [] }, steps: [{ op: "read_delimited" }] };
  await engine.open(plan, listed(await h.remote({ "a.csv": "a\n1\n" })));
  await engine[Symbol.asyncDispose]();
  expect(await readdir(join(cacheFolder, "sessions"))).toEqual([]);
});
