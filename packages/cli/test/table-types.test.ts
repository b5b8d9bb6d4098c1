import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sample } from "@aml/kit/runs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { aml, type Outcome } from "./aml.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-cli-types-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Outcome> => aml(args, { cwd: folder });
const parsed = async (...args: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await run(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
};

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const DATA = {
  "data/a.csv": "code,when,price,flag\n007,01/02/2020,1,true\n012,03/04/2020,2.50,false\n",
  "data/b.csv": "code,when,price,flag\nx,05/06/2020,,true\n",
};
const MLTABLE = `# trips
paths:
  - pattern: ./*.csv # all of them
transformations:
  # how they are read
  - read_delimited:
      delimiter: "," # plain
      encoding: utf8
  - take: 100 # enough
`;

test("schema --explain tells what forced each type, and what is doubtful", async () => {
  await write(DATA);
  const { code, stdout, stderr } = await run("table", "schema", "data/*.csv", "--explain", "--rows", "2");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(
    [
      "From the first 2 rows:",
      "column  type               because",
      'code    int                "007" in data/a.csv, row 1',
      'when    datetime %m/%d/%Y  "01/02/2020" in data/a.csv, row 1',
      'price   float              "2.50" in data/a.csv, row 2',
      'flag    boolean            "true" in data/a.csv, row 1',
      '! code: as int it does not keep "007" in data/a.csv, row 1; --lossless keeps it as text.',
      "! when: every date could be read day first just as well; it is read month first.",
      "",
    ].join("\n"),
  );
  expect(await parsed("table", "schema", "data/*.csv", "--explain", "--rows", "all")).toMatchObject({
    source: "delimited",
    rows: 3,
    complete: true,
    columns: [
      {
        name: "code",
        type: "string",
        forcedBy: { row: 1, value: "x", uri: expect.stringMatching(/b\.csv$/) },
      },
      { name: "when", type: { datetime: { formats: ["%m/%d/%Y"] } }, dates: { ambiguous: true } },
      { name: "price", type: "float", values: 2 },
      { name: "flag", type: "boolean" },
    ],
  });
  expect(await run("table", "schema", "data/*.csv", "--rows", "0")).toMatchObject({ code: 2 });
});

test("--save writes the types into the MLTable as overrides, and keeps its comments", async () => {
  await write({ ...DATA, "data/MLTable": MLTABLE });
  const { code, stdout } = await run("table", "schema", "data", "--lossless", "--save");
  expect(code).toBe(0);
  expect(stdout).toContain("Written into the MLTable file of data.\n");
  expect(await readFile(join(folder, "data/MLTable"), "utf8")).toBe(
    MLTABLE.replace("      encoding: utf8\n", (line) =>
      [
        line,
        "      infer_column_types:\n",
        "        column_type_overrides:\n",
        "          - columns: code\n            column_type: string\n",
        "          - columns: when\n            column_type:\n              datetime:\n",
        '                formats:\n                  - "%m/%d/%Y"\n',
        "          - columns: price\n            column_type: float\n",
        "          - columns: flag\n            column_type: boolean\n",
      ].join(""),
    ),
  );
  expect(await parsed("table", "show", "data")).toMatchObject({
    source: "mltable",
    rows: [{ code: "007" }, { code: "012" }, { code: "x", price: null, flag: true }],
    conversionErrors: [],
  });
  const again = await readFile(join(folder, "data/MLTable"), "utf8");
  expect(await parsed("table", "schema", "data", "--explain", "--save")).toMatchObject({
    saved: "data",
    columns: [{ name: "code", type: "string", by: "override" }, {}, {}, {}],
  });
  expect(await readFile(join(folder, "data/MLTable"), "utf8")).toBe(again);
});

test("--save of data without an MLTable makes one in the folder that is named", async () => {
  await write(DATA);
  expect(await run("table", "schema", "data/*.csv", "--save")).toMatchObject({
    code: expect.toSatisfy((code) => code !== 0),
    stderr: expect.stringContaining("--save FOLDER"),
  });
  expect((await run("table", "schema", "data/*.csv", "--rows", "all", "--save", "typed")).code).toBe(0);
  expect(await readFile(join(folder, "typed/MLTable"), "utf8")).toContain("column_type_overrides:");
  expect(await parsed("table", "head", "typed", "--limit", "1")).toMatchObject({
    rows: [{ code: "007", price: 1, flag: true }],
  });
  const again = await run("table", "schema", "data/*.csv", "--save", "typed");
  expect(again.stderr).toContain("already");
});

const LINES = {
  "lines/a.jsonl":
    '{"id":1,"code":"007","tags":["x"],"price":2,"ok":true,"mixed":1,"none":null}\n' +
    '\n{"id":2,"price":2.5,"ok":false,"mixed":"a"}\n',
  "lines/b.jsonl": '{"id":9007199254740993,"a.b":"é","price":0.1234567890123456789,"":"no name"}\n',
};
const LINES_MLTABLE = `paths:
  - pattern: ./*.jsonl # all of them
transformations:
  # how they are read
  - read_json_lines:
      invalid_lines: error # none
  - take: 100 # enough
`;

test("schema --explain of JSON lines tells what forced each type", async () => {
  await write(LINES);
  const { code, stdout, stderr } = await run("table", "schema", "lines/*.jsonl", "--explain");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(
    [
      "From all 3 rows:",
      "column  type     because",
      "id      int      1 in lines/a.jsonl, row 1",
      'code    string   "007" in lines/a.jsonl, row 1',
      'tags    json     ["x"] in lines/a.jsonl, row 1',
      "price   float    2.5 in lines/a.jsonl, row 2",
      "ok      boolean  true in lines/a.jsonl, row 1",
      'mixed   json     "a" in lines/a.jsonl, row 2; 1 in lines/a.jsonl, row 1',
      "none    string   there is no value",
      'a.b     string   "é" in lines/b.jsonl, row 1',
      '        string   "no name" in lines/b.jsonl, row 1',
      "! price: as float it does not keep 0.1234567890123456789 in lines/b.jsonl, row 1; written as a string it would be kept.",
      "",
    ].join("\n"),
  );
  await write({ "days.jsonl": '{"day":"2020-01-31"}\n{"day":"2021-02-01"}\n' });
  expect((await run("table", "schema", "days.jsonl", "--explain")).stdout).toContain(
    "! day: every string would convert to datetime %Y-%m-%d; JSON lines keep strings.\n",
  );
  expect(await parsed("table", "schema", "lines/*.jsonl", "--rows", "1")).toMatchObject({
    source: "json_lines",
    rows: 1,
    complete: false,
    columns: [{}, {}, { type: "json", forcedBy: { row: 1, value: '["x"]' } }, { type: "int" }, {}, {}, {}],
  });
  await write({ "lines/b.jsonl": '{"id":01}\n' });
  const bad = await run("table", "schema", "lines/*.jsonl", "--explain");
  expect(bad.stderr).toContain("b.jsonl, line 1");
  expect((await run("table", "export", "lines/*.jsonl", "--format", "csv")).stderr).toBe(bad.stderr);
});

test("schema --explain of a file that is not there says so, whatever its kind", async () => {
  for (const file of ["none.parquet", "none.csv", "none/*.parquet"]) {
    const { code, stdout, stderr } = await run("table", "schema", file, "--explain");
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toContain("code: not_found");
  }
});

test("--save of JSON lines writes conversions behind the reading step, and rows stay as they are", async () => {
  await write({ ...LINES, "lines/MLTable": LINES_MLTABLE });
  const before = await run("table", "export", "lines", "--format", "csv");
  const schema = await parsed("table", "schema", "lines");
  const { code, stdout } = await run("table", "schema", "lines", "--save");
  expect(code).toBe(0);
  expect(stdout).toContain(
    'Written into the MLTable file of lines, but for tags, mixed, "": there is no way to say their types there.\n',
  );
  const saved = await readFile(join(folder, "lines/MLTable"), "utf8");
  expect(saved).toBe(
    LINES_MLTABLE.replace("  - take", (line) =>
      [
        "  - convert_column_types:\n",
        "      - columns: id\n        column_type: int\n",
        "      - columns:\n          - code\n          - none\n          - a.b\n        column_type: string\n",
        "      - columns: price\n        column_type: float\n",
        "      - columns: ok\n        column_type: boolean\n",
        line,
      ].join(""),
    ),
  );
  expect(await run("table", "export", "lines", "--format", "csv")).toEqual(before);
  expect(before.stdout.split("\n")).toHaveLength(5);
  expect(await parsed("table", "schema", "lines")).toEqual(schema);
  expect(await parsed("table", "schema", "lines", "--save")).toMatchObject({
    saved: "lines",
    untyped: ["tags", "mixed", ""],
  });
  expect(await readFile(join(folder, "lines/MLTable"), "utf8")).toBe(saved);
  // Types that are written down hold for files that come later.
  await write({ "lines/c.jsonl": '{"id":"7","price":3,"ok":null,"code":8}\n' });
  expect(await parsed("table", "show", "lines", "--filter", "code == '8'")).toMatchObject({
    rows: [{ id: 7, code: "8", price: 3, ok: null }],
    conversionErrors: [],
  });
});

test("--save names no column that reading does not find, and keeps conversions that are there", async () => {
  const steps = [
    "  - take: 1\n",
    "  - convert_column_types:\n      - columns: id\n        column_type: string\n",
  ];
  for (const step of [steps[0], steps[1], `${steps[1]}${steps[0]}`]) {
    const text = LINES_MLTABLE.replace("  - take: 100 # enough\n", step ?? "");
    await write({ ...LINES, "lines/MLTable": text });
    const before = await run("table", "export", "lines", "--format", "csv");
    expect(before.code).toBe(0);
    for (const rows of sample([[], ["--rows", "all"], ["--rows", "2"]], 2)) {
      await write({ "lines/MLTable": text });
      expect((await run("table", "schema", "lines", "--save", ...rows)).code).toBe(0);
      const saved = await readFile(join(folder, "lines/MLTable"), "utf8");
      expect(saved.match(/convert_column_types/g)).toHaveLength(1);
      const after = await run("table", "export", "lines", "--format", "csv");
      // From more rows than are read, a type may be another.
      const expected =
        step?.includes("take") && rows.length > 0 ? before.stdout.replace("2,", "2.0,") : before.stdout;
      expect([step, rows, after.stdout]).toEqual([step, rows, expected]);
      expect((await run("table", "schema", "lines", "--save", ...rows)).code).toBe(0);
      expect(await readFile(join(folder, "lines/MLTable"), "utf8")).toBe(saved);
    }
  }
  const pattern =
    "  - convert_column_types:\n      - columns:\n          pattern: ^i\n        column_type: string\n";
  await write({ ...LINES, "lines/MLTable": LINES_MLTABLE.replace("  - take: 100 # enough\n", pattern) });
  const before = await run("table", "export", "lines", "--format", "csv");
  expect((await run("table", "schema", "lines", "--save")).code).toBe(0);
  expect(await run("table", "export", "lines", "--format", "csv")).toEqual(before);
  const saved = await readFile(join(folder, "lines/MLTable"), "utf8");
  expect((await run("table", "schema", "lines", "--save")).code).toBe(0);
  expect(await readFile(join(folder, "lines/MLTable"), "utf8")).toBe(saved);
});

test("values that cannot be converted are told with their place, or are an error", async () => {
  await write({
    ...DATA,
    "data/MLTable": MLTABLE.replace("encoding: utf8", "infer_column_types: { sample_size: 1 }"),
  });
  const shown = await run("table", "show", "data");
  expect(shown.code).toBe(0);
  expect(shown.stderr).toBe(
    'note: 1 value of column code cannot be converted and is null, e.g. "x" in data/b.csv, row 1.\n' +
      'note: 1 value of column price cannot be converted and is null, e.g. "2.50" in data/a.csv, row 2.\n',
  );
  expect(await parsed("table", "head", "data")).toMatchObject({
    conversionErrors: [
      { column: "code", count: 1, first: [{ row: 1, value: "x" }] },
      { column: "price", count: 1, first: [{ row: 2, value: "2.50" }] },
    ],
  });
  const exported = await run("table", "export", "data", "--format", "csv", "--output", "out.csv");
  expect(exported.stderr).toContain("column code cannot be converted");
  const failed = await run("table", "export", "data", "--format", "csv", "--on-error", "fail");
  expect(failed.code).not.toBe(0);
  expect(failed.stdout).toBe("");
  expect(failed.stderr).toMatch(/a\.csv, row 2: A value of column price cannot be converted: "2\.50"/);
});

test("what is there decides: a Delta table, a folder of files of one format, a Parquet file of any name", async () => {
  await write(DATA);
  expect((await run("table", "export", "data/*.csv", "--format", "parquet", "-o", "t.parquet")).code).toBe(0);
  await rename(join(folder, "t.parquet"), join(folder, "table"));
  const rows = [{ flag: true }, { flag: false }, { flag: true }];
  const cases = [
    ["data", "delimited", "note: data is read as delimited text.\n"],
    ["table", "parquet", "note: table is read as Parquet.\n"],
  ] as const;
  for (const [source, kind, note] of cases) {
    expect((await run("table", "head", source)).stderr).toBe(note);
    expect(await parsed("table", "head", source, "--keep", "flag")).toMatchObject({ source: kind, rows });
    expect(await parsed("table", "schema", source)).toMatchObject({
      source: kind,
      columns: [{ name: "code" }, {}, {}, {}],
    });
  }
  const bytes = await readFile(join(folder, "table"));
  const schemaString = JSON.stringify({
    type: "struct",
    fields: [{ name: "flag", type: "boolean", nullable: true, metadata: {} }],
  });
  const format = { provider: "parquet", options: {} };
  const actions = [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    { metaData: { id: "0", format, schemaString, partitionColumns: [], configuration: {} } },
    {
      add: {
        path: "p.parquet",
        partitionValues: {},
        size: bytes.length,
        modificationTime: 0,
        dataChange: true,
      },
    },
  ];
  await write({
    "delta/_delta_log/00000000000000000000.json": actions.map((one) => JSON.stringify(one)).join("\n"),
  });
  await writeFile(join(folder, "delta/p.parquet"), bytes);
  expect((await run("table", "show", "delta")).stderr).toBe("note: delta is read as a Delta table.\n");
  expect(await parsed("table", "head", "delta/")).toEqual({
    source: "delta",
    columns: [{ name: "flag", type: "boolean", nullable: true }],
    rows,
    conversionErrors: [],
  });
  await write({ "mixed/a.csv": "a\n1\n", "mixed/b.jsonl": "{}\n", "none/a.txt": "x", x: "no data" });
  expect((await run("table", "head", "mixed")).stderr).toContain("several formats: .csv, .jsonl");
  expect((await run("table", "head", "none")).stderr).toContain("There is no file named MLTable");
  expect((await run("table", "head", "x")).stderr).toContain("does not tell its format");
  expect((await run("table", "head", "x")).stderr).toContain("add --read 'delimiter=,'");
  expect((await run("table", "head", "gone")).stderr).toContain("There is nothing at");
});

test("options that one format has tell how files of any name are read", async () => {
  await write({
    "part-0": "a;b\n1;x\n",
    "part-1": "a;b\n2;y\n",
    "log.out": '{"a":1}\nno JSON\n',
    "c.txt": "1,2\n",
  });
  const rowsOf = async (...args: string[]): Promise<unknown> =>
    ((await parsed("table", "head", ...args)) as { rows: unknown }).rows;
  expect(await rowsOf("part-1", "--read", "delimiter=;")).toEqual([{ a: 2, b: "y" }]);
  expect(await rowsOf("part-*", "--read", "delimiter=;")).toEqual([
    { a: 1, b: "x" },
    { a: 2, b: "y" },
  ]);
  expect(await rowsOf("log.out", "--read", "invalid_lines=drop")).toEqual([{ a: 1 }]);
  expect(await rowsOf("c.txt", "--read", "header=no_header")).toEqual([{ Column1: 1, Column2: 2 }]);
  expect((await run("table", "head", "c.txt", "--read", "encoding=utf8")).stderr).toContain(
    "does not tell its format",
  );
  expect((await run("table", "show", "c.txt", "--read", "header=no_header")).stderr).toBe(
    "note: c.txt is read as delimited text.\n",
  );
});
