import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { local } from "@aml/local";
import { scanPolars, toPolars } from "@aml/polars";
import pl from "nodejs-polars";
import { afterAll, expect, test } from "vitest";

const folder = await mkdtemp(join(tmpdir(), "aml-polars-test-"));
const workspace = createWorkspace({
  adapters: [local],
  registry: memoryRegistry(),
  secrets: memorySecrets(),
  engine: createDuckDBEngine(),
  baseUri: `${pathToFileURL(folder).href}/`,
});
afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const rows = [
  {
    id: 2n ** 53n + 1n,
    name: "Grüße \u{1F600}",
    price: "12345678901234567890.0123456789",
    when: new Date(1234),
    nested: { a: [1, null] },
  },
  { id: null, name: null, price: null, when: null, nested: null },
];
const schema = {
  columns: [
    { name: "id", type: "int64", nullable: true },
    { name: "name", type: "string", nullable: true },
    { name: "price", type: "decimal", nullable: true },
    { name: "when", type: "timestamp", nullable: true },
    { name: "nested", type: "json", nullable: true },
  ],
} as const;
const table = await workspace.tabular.fromRows(rows, "rows/", { schema });

test("a frame has the types and every value", async () => {
  const frame = await toPolars(table);
  // polars hands JavaScript neither decimals nor bytes, nor integers beyond 2⁵³: as text it does.
  const text = frame.select(
    pl.col("id").cast(pl.String),
    "name",
    pl.col("price").cast(pl.String),
    "when",
    pl.col("nested").cast(pl.String),
  );
  expect(frame.select("id", "name", "price", "when").dtypes.map(String)).toEqual([
    "DataType(Int64)",
    "DataType(String)",
    "DataType(Decimal(30,10))",
    "DataType(Datetime(us,))",
  ]);
  expect(text.toRecords()).toEqual([
    { ...rows[0], id: "9007199254740993", nested: '{"a":[1,null]}' },
    { ...rows[1] },
  ]);
});

test("a frame of filtered rows of CSV, as many as there are", async () => {
  const lines = Array.from({ length: 100_000 }, (_, at) => `${at},${at % 3 === 0 ? "" : `text ${at}`}`);
  await writeFile(join(folder, "a.csv"), `n,t\n${lines.join("\n")}\n`);
  const frame = await toPolars(workspace.tabular.fromDelimitedFiles("a.csv").filter("n >= 10"));
  expect(frame.height).toBe(99_990);
  expect(frame.getColumn("n").sum()).toBe(4_999_949_955);
  expect(frame.getColumn("t").nullCount()).toBe(33_330);
});

test("a lazy frame reads its file until it is disposed of; a failure leaves nothing", async () => {
  const scratch = join(folder, "scratch");
  await mkdir(scratch);
  {
    await using scan = await scanPolars(table, { folder: scratch });
    expect((await scan.frame.select("name").collect()).getColumn("name").toArray()).toEqual([
      rows[0]?.name,
      null,
    ]);
    expect(await readdir(scratch)).toHaveLength(1);
  }
  expect(await readdir(scratch)).toEqual([]);
  await writeFile(join(folder, "ragged.csv"), "a,b\n1,2,3\n");
  const ragged = workspace.tabular.fromDelimitedFiles("ragged.csv");
  await expect(scanPolars(ragged, { folder: scratch })).rejects.toMatchObject({ code: "parse_failed" });
  const reason = new Error("enough");
  await expect(scanPolars(table, { folder: scratch, signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
  expect(await readdir(scratch)).toEqual([]);
});

test("a program that ends without a dispose leaves no file", async () => {
  const scratch = join(folder, "left");
  await mkdir(scratch);
  const program = `
    import { readdirSync } from "node:fs";
    import { createWorkspace } from "@aml/core/workspace";
    import { memoryRegistry, memorySecrets } from "@aml/core/memory";
    import { createDuckDBEngine } from "@aml/engine-duckdb";
    import { local } from "@aml/local";
    import { scanPolars } from "@aml/polars";
    const workspace = createWorkspace({
      adapters: [local],
      engine: createDuckDBEngine(),
      registry: memoryRegistry(),
      secrets: memorySecrets(),
    });
    await scanPolars(workspace.tabular.fromDelimitedFiles(process.env.FILE), { folder: process.env.SCRATCH });
    console.log(readdirSync(process.env.SCRATCH).length);
  `;
  await writeFile(join(folder, "two.csv"), "n\n1\n2\n");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@aml/source", "--input-type=module", "--eval", program],
    {
      cwd: join(import.meta.dirname, ".."),
      env: { ...process.env, SCRATCH: scratch, FILE: pathToFileURL(join(folder, "two.csv")).href },
    },
  );
  expect(stdout).toBe("1\n");
  expect(await readdir(scratch)).toEqual([]);
});
