import type { ConversionErrors } from "@aml/core";
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { isAmlError, type AmlErrorCode, type Row } from "@aml/core";
import { parseFilter } from "@aml/core/plan";
import { allRows, createWorkbench, listed, planOf, textOf, type Workbench } from "./workbench.ts";

export interface Runner {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
}

type Check = (bench: Workbench) => Promise<void>;

/** What the engine promises, in little: for any runtime and any test library. */
export function suite({ describe, test }: Runner): void {
  const check = (name: string, body: Check): void =>
    test(name, async () => {
      const bench = await createWorkbench();
      try {
        await body(bench);
      } finally {
        await bench.close();
      }
    });
  describe("read", () => readCases(check));
  describe("read of a store", () => remoteCases(check));
  describe("steps", () => stepCases(check));
  describe("whole or an error", () => errorCases(check));
  describe("encode", () => encodeCases(check));
  describe("profile", () => profileCases(check));
  describe("lifetime", () => lifetimeCases(check));
}

type Case = (name: string, body: Check) => void;

const csv = { op: "read_delimited" };
const json = { op: "read_json_lines" };
const parquet = { op: "read_parquet" };
const where = (filter: string): object => ({ op: "filter", where: parseFilter(filter) });

async function fails(work: Promise<unknown>, code: AmlErrorCode, context: object = {}): Promise<void> {
  await assert.rejects(work, (error) => {
    if (!isAmlError(error)) throw error;
    assert.equal(error.code, code);
    assert.partialDeepStrictEqual(error.context, context);
    return true;
  });
}

function readCases(check: Case): void {
  check("delimited: types, quotes, line breaks, nulls", async (bench) => {
    const content =
      '\ufeffi,f,b,t,when\r\n1,1.5,true,"a, ""b""\r\nc",2020-01-02 03:04:05\r\n\r\n9007199254740993,,FALSE\r\n';
    const rows = await bench.rows(
      [{ ...csv, support_multi_line: true }],
      await bench.files({ "a.csv": content }),
    );
    assert.deepEqual(rows, [
      { i: 1n, f: 1.5, b: true, t: 'a, "b"\r\nc', when: new Date("2020-01-02T03:04:05Z") },
      { i: 9007199254740993n, f: null, b: false, t: null, when: null },
    ]);
  });
  check(
    "delimited: a store elsewhere, headers by name, a long delimiter, another encoding",
    async (bench) => {
      const files = await bench.remote({ "1.csv": "a||b\n1||x\n", "2.csv": "b||a\ny||2\n" });
      const step = { ...csv, delimiter: "||", header: "all_files_different_headers" };
      assert.deepEqual(await bench.rows([step], files), [
        { a: 1n, b: "x" },
        { a: 2n, b: "y" },
      ]);
      const utf16 = Buffer.from("\ufeffa\né😀\n", "utf16le");
      const text = await bench.rows([{ ...csv, encoding: "utf16" }], await bench.files({ "a.csv": utf16 }));
      assert.deepEqual(text, [{ a: "é😀" }]);
    },
  );
  check("JSON lines: late keys, exact numbers, structures, dropped lines", async (bench) => {
    const files = await bench.files({
      "a.jsonl":
        '{"a":9007199254740993,"n":{"x":[1,null,18446744073709551615]}}\r\n{"a":01}\n{"b":"\\ud83d\\ude00"}',
    });
    assert.deepEqual(await bench.rows([{ ...json, invalid_lines: "drop" }], files), [
      { a: 9007199254740993n, n: { x: [1, null, 18446744073709551615n] }, b: null },
      { a: null, n: null, b: "😀" },
    ]);
    await fails(bench.rows([json], files), "parse_failed", { line: 2 });
  });
  check("Parquet: what was written comes back", async (bench) => {
    const source = await bench.open(
      [csv],
      await bench.files({ "a.csv": "i,t,d\n9007199254740993,é,2020-01-02\n,,\n" }),
    );
    const bytes = new Uint8Array(await new Response(source.encode("parquet")).arrayBuffer());
    const files = await bench.files({ "a.parquet": bytes });
    assert.deepEqual(await bench.rows([{ ...parquet, include_path_column: true }], files), [
      { Path: files[0]?.uri, i: 9007199254740993n, t: "é", d: new Date("2020-01-02") },
      { Path: files[0]?.uri, i: null, t: null, d: null },
    ]);
    await fails(
      bench.rows([parquet], await bench.files({ "a.parquet": bytes.subarray(0, bytes.length / 2) })),
      "parse_failed",
    );
  });
}

function remoteCases(check: Case): void {
  check("Parquet of a store: a part of it, and the rows of a local file", async (bench) => {
    const noise = (at: number): string => ((at * 2_654_435_761) % 4_294_967_291).toString(36);
    const lines = Array.from(
      { length: 150_000 },
      (_, at) => `${at},${noise(at)}${noise(at * 31)},${at * 1.37}`,
    );
    const source = await bench.open([csv], await bench.files({ "a.csv": `a,b,c\n${lines.join("\n")}\n` }));
    const content = new Uint8Array(await new Response(source.encode("parquet")).arrayBuffer());
    await source[Symbol.asyncDispose]();
    // Smaller ones are staged whole.
    assert.ok(content.length > 2 ** 20);
    const steps = [parquet, where('col("a") > 149000'), { op: "keep_columns", columns: ["a", "c"] }];
    const rows = await bench.rows(steps, await bench.files({ "a.parquet": content }));
    assert.equal(rows.length, 999);
    assert.deepEqual(await bench.rows(steps, await bench.remote({ "a.parquet": content })), rows);
  });
}

function stepCases(check: Case): void {
  const numbers = { "a.csv": `n,t\n${Array.from({ length: 500 }, (_, n) => `${n},t${n % 3}`).join("\n")}\n` };
  const column = (rows: readonly Row[]): number[] => rows.map(({ n }) => Number(n));
  check("take, skip, filter, keep, drop", async (bench) => {
    const files = await bench.files(numbers);
    const steps = [csv, where('n >= 10 and t == "t1"'), { op: "skip", count: 2 }, { op: "take", count: 3 }];
    assert.deepEqual(column(await bench.rows(steps, files)), [16, 19, 22]);
    const kept = await bench.rows(
      [csv, { op: "take", count: 1 }, { op: "keep_columns", columns: "t" }],
      files,
    );
    assert.deepEqual(kept, [{ t: "t0" }]);
    const left = await bench.rows(
      [csv, { op: "take", count: 1 }, { op: "drop_columns", columns: { pattern: "^t" } }],
      files,
    );
    assert.deepEqual(left, [{ n: 0n }]);
  });
  check("samples split exactly", async (bench) => {
    const files = await bench.files(numbers);
    const part = (probability_lower_bound: number, probability: number): Promise<Row[]> => {
      const sampler_arguments = { probability, probability_lower_bound, seed: 7 };
      return bench.rows([csv, { op: "sample", sampler: "random_percent", sampler_arguments }], files);
    };
    const both = [...column(await part(0, 0.3)), ...column(await part(0.3, 1))];
    assert.deepEqual(
      both.toSorted((a, b) => a - b),
      Array.from({ length: 500 }, (_, n) => n),
    );
  });
  check("conversions, and what cannot be converted", async (bench) => {
    const heard: unknown[] = [];
    const onConversionErrors = (errors: readonly ConversionErrors[]): void => void heard.push(...errors);
    const files = await bench.files({ "a.csv": "a,b\n7,2020-01-02\nx,?\n" });
    const types = [
      { columns: "a", column_type: "int" },
      { columns: "b", column_type: { datetime: { formats: ["%Y-%m-%d"] } } },
    ];
    const steps = [
      { ...csv, infer_column_types: false },
      { op: "convert_column_types", columns: types },
    ];
    assert.deepEqual(await bench.rows(steps, files, { onConversionErrors }), [
      { a: 7n, b: new Date("2020-01-02") },
      { a: null, b: null },
    ]);
    const { uri } = files[0] ?? {};
    assert.deepEqual(heard, [
      { column: "a", count: 1, first: [{ uri, row: 2, value: "x" }] },
      { column: "b", count: 1, first: [{ uri, row: 2, value: "?" }] },
    ]);
    await fails(bench.rows(steps, files, { onError: "fail" }), "parse_failed", {
      column: "a",
      row: 2,
      value: "x",
    });
  });
  check("comparisons with null keep nothing, text is no number", async (bench) => {
    const files = await bench.files({ "a.jsonl": '{"a":1,"b":"1"}\n{"a":null,"b":"2"}\n' });
    const kept = async (filter: string): Promise<number> =>
      (await bench.rows([json, where(filter)], files)).length;
    assert.deepEqual(
      await Promise.all(["a != 2", "not (a == 2)", "a == None", "b == 1", "b != 1", "b < 2"].map(kept)),
      [1, 1, 1, 0, 2, 0],
    );
  });
  check("partitions and files as rows", async (bench) => {
    const files = await bench.files({ "2020/x.csv": "a\n1\n", "2021/y.csv": "a\n2\n" });
    const step = { op: "extract_columns_from_partition_format", partition_format: "/{year}/{name}.csv" };
    const rows = await bench.rows([csv, step, where('year == "2021"')], files);
    assert.deepEqual(
      rows.map(({ name, a }) => [name, a]),
      [["y", 2n]],
    );
    const paths = await bench.rows([{ op: "skip", count: 1 }], files);
    assert.deepEqual(paths, [{ Path: files[1]?.uri }]);
  });
}

function errorCases(check: Case): void {
  check("an error late in the file is an error, not an early end", async (bench) => {
    const files = await bench.files({ "a.csv": `a,b\n${"1,2\n".repeat(200_000)}1,2,3\n` });
    await fails(bench.rows([csv], files), "parse_failed", { uri: files[0]?.uri, line: 200_002 });
    const table = await bench.open([csv], files);
    await fails(textOf(table.encode("jsonl")), "parse_failed", { line: 200_002 });
  });
  check("a file that changes while it is read", async (bench) => {
    const files = await bench.files({ "a.csv": "a,b\n1,2\n" });
    const table = await bench.open([csv], files);
    await writeFile(fileURLToPath(files[0]?.uri ?? ""), "a,b\n3,4\n5,6\n");
    await fails(allRows(table), "precondition_failed", { uri: files[0]?.uri });
  });
  check("plans that cannot run", async (bench) => {
    const files = await bench.files({ "a.csv": "a\n1\n" });
    await fails(bench.rows([csv, where("b == 1")], files), "plan_invalid", { column: "b" });
    await fails(bench.rows([csv], []), "not_found");
    await fails(bench.rows([{ op: "read_delta_lake" }], files), "not_found");
    const other = await bench.files({ "a.csv": "a,b\n1,2\n", "b.csv": "b,a\n2,1\n" });
    await fails(bench.rows([csv], other), "schema_mismatch", { uri: other[1]?.uri });
  });
}

function encodeCases(check: Case): void {
  check("csv and jsonl are exact", async (bench) => {
    const content = '{"i":9223372036854775807,"t":"a,\\"b\\n","f":0.1,"n":[1,{"x":null}],"z":null}\n';
    const files = await bench.files({ "a.jsonl": content });
    const jsonl = await textOf((await bench.open([json], files)).encode("jsonl"));
    assert.equal(jsonl, content);
    const text = await textOf((await bench.open([json], files)).encode("csv"));
    assert.equal(text, 'i,t,f,n,z\n9223372036854775807,"a,""b\n",0.1,"[1,{""x"":null}]",\n');
  });
  check("what is read early can be cancelled", async (bench) => {
    const files = await bench.files({ "a.csv": `a\n${"1\n".repeat(300_000)}` });
    const table = await bench.open([csv], files);
    const reader = table.encode("csv").getReader();
    assert.equal((await reader.read()).done, false);
    await reader.cancel();
    assert.equal((await allRows(table)).length, 300_000);
  });
}

function profileCases(check: Case): void {
  check("counts, ends and moments", async (bench) => {
    const table = await bench.open(
      [csv],
      await bench.files({ "a.csv": "n,t\n1,x\n3,\n9007199254740993,x\n" }),
    );
    const [n, t] = (await table.profile?.())?.columns ?? [];
    assert.deepEqual([n?.min, n?.max, n?.distinct], [1n, 9007199254740993n, 3]);
    // The double that is nearest to 9007199254740997 / 3.
    assert.equal(n?.distribution?.mean, 3002399751580332.5);
    assert.deepEqual([t?.missing, t?.top], [1, [{ value: "x", count: 2 }]]);
  });
}

function lifetimeCases(check: Case): void {
  check("an abort rejects with its own reason", async (bench) => {
    const files = await bench.files({ "a.csv": `a\n${"1\n".repeat(300_000)}` });
    const table = await bench.open([csv], files);
    const controller = new AbortController();
    const reason = new Error("enough");
    const seen = (async () => {
      for await (const rows of table.batches({ signal: controller.signal })) {
        if (rows.length > 0) controller.abort(reason);
      }
    })();
    await assert.rejects(seen, (error) => error === reason);
    assert.equal((await allRows(table)).length, 300_000);
  });
  check("many tables, one after another and at once", async (bench) => {
    const files = await bench.files({ "a.csv": "a\n1\n2\n" });
    for (let turn = 0; turn < 5; turn += 1) assert.equal((await bench.rows([csv], files)).length, 2);
    const all = await Promise.all(Array.from({ length: 6 }, () => bench.rows([csv], files)));
    assert.deepEqual(
      all.map((rows) => rows.length),
      [2, 2, 2, 2, 2, 2],
    );
  });
  check("disposing ends what runs and leaves nothing behind", async (bench) => {
    const cacheFolder = `${bench.folder}/cache`;
    const engine = bench.engine({ cacheFolder });
    const files = await bench.files({ "a.csv": `a\n${"1\n".repeat(300_000)}` });
    const table = await engine.open(planOf([csv]), listed(files));
    const iterator = table.batches()[Symbol.asyncIterator]();
    await iterator.next();
    await engine[Symbol.asyncDispose]();
    await fails(
      (async () => {
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next());
      })(),
      "query_failed",
    );
    await fails(engine.open(planOf([csv]), listed(files)), "config_invalid");
    const sessions = await readdir(`${cacheFolder}/sessions`).catch(() => []);
    assert.deepEqual(sessions, []);
  });
}
