import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseStorePath, type FileRef, type TabularDataset } from "@aml/core";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { local } from "@aml/local";
import { createDuckDBEngine } from "../src/index.ts";
import { add, commit, deltaStore, field, lines, metaData, parquet, protocol, values } from "./delta-table.ts";
import { createHarness, failureOf, listed } from "./harness.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const read = { op: "read_delta_lake" };
const id = field("id", "long");
const made = (select: string, options = ""): Promise<Buffer> => parquet(h.folder, select, options);

type Files = Record<string, string | Uint8Array>;
const rowsOf = async (files: Files, steps: readonly object[] = [read]) => {
  return h.rows(steps, await deltaStore(files).log());
};
const failing = async (files: Files, steps: readonly object[] = [read]) => failureOf(rowsOf(files, steps));

/** Three versions: rows 0 to 1, then 10 as well, then without the first file. */
async function three(): Promise<Files> {
  const a = await made("SELECT range AS id FROM range(2)");
  const b = await made("SELECT 10::BIGINT AS id");
  return {
    "t/a.parquet": a,
    "t/b.parquet": b,
    [commit(0)]: lines(protocol(), metaData([id]), add("a.parquet", a)),
    [commit(1)]: lines({ commitInfo: {} }, add("b.parquet", b)),
    [commit(2)]: lines({ remove: { path: "a.parquet", dataChange: true } }),
  };
}

test("the newest version, older ones, and their paths", async () => {
  const files = await three();
  expect(await rowsOf(files)).toEqual([{ id: 10n }]);
  expect(values(await rowsOf(files, [{ ...read, version_as_of: 0 }]), "id")).toEqual([0n, 1n]);
  expect(values(await rowsOf(files, [{ ...read, version_as_of: 1 }]), "id")).toEqual([0n, 1n, 10n]);
  const [row] = await rowsOf(files, [{ ...read, include_path_column: true }]);
  expect(row).toEqual({ Path: expect.stringMatching(/^memory:\/\/.*\/t\/b\.parquet$/), id: 10n });
  expect(await failing(files, [{ ...read, version_as_of: 3 }])).toMatchObject({
    code: "not_found",
    message: expect.stringContaining("no version 3"),
    hint: "Its log has the versions 0 to 2.",
  });
});

test("all partition types, special characters, nulls; filters leave files out", async () => {
  const columns: [string, string, string, unknown][] = [
    ["s", "string", "a/b %=ü'\"", "a/b %=ü'\""],
    ["l", "long", "9007199254740993", 9007199254740993n],
    ["i", "integer", "-5", -5],
    ["h", "short", "7", 7],
    ["y", "byte", "-128", -128],
    ["f", "float", "1.5", 1.5],
    ["d", "double", "-1.0E-300", -1e-300],
    ["b", "boolean", "false", false],
    ["x", "binary", "\u0001\u0002", new Uint8Array([1, 2])],
    ["day", "date", "2020-02-29", "2020-02-29"],
    ["ts", "timestamp", "2020-01-01 10:00:00.123", new Date("2020-01-01T10:00:00.123Z")],
    ["iso", "timestamp", "2020-01-01T10:00:00.123000Z", new Date("2020-01-01T10:00:00.123Z")],
    ["n", "timestamp_ntz", "2020-01-01 10:00:00", new Date("2020-01-01T10:00:00Z")],
    ["m", "decimal(10,2)", "12345.60", "12345.60"],
  ];
  const a = await made("SELECT 1::BIGINT AS id");
  const texts = Object.fromEntries(columns.map(([name, , text]) => [name, text]));
  const empty = Object.fromEntries(columns.map(([name], at) => [name, at % 2 === 0 ? null : ""]));
  const fields = [id, ...columns.map(([name, type]) => field(name, type))];
  const files = {
    "t/s=a%2Fb x/a.parquet": a,
    [commit(0)]: lines(
      protocol(["timestampNtz"]),
      metaData(
        fields,
        columns.map(([name]) => name),
      ),
      add("s=a%252Fb%20x/a.parquet", a, { partitionValues: texts }),
      add("missing.parquet", a, { partitionValues: empty }),
    ),
  };
  expect(await failing(files)).toMatchObject({ code: "not_found", hint: expect.stringContaining("VACUUM") });
  const expected = { id: 1n, ...Object.fromEntries(columns.map(([name, , , value]) => [name, value])) };
  const filter = (where: object) => [read, { op: "filter", where }];
  const isFive = { fn: "==", args: [{ col: "i" }, { lit: -5 }] };
  expect(await rowsOf(files, filter(isFive))).toEqual([expected]);
  expect(
    await rowsOf(
      files,
      filter({
        fn: "and",
        args: [
          { fn: "is_not_null", args: [{ col: "s" }] },
          { fn: "==", args: [{ col: "id" }, { lit: 1 }] },
        ],
      }),
    ),
  ).toEqual([expected]);
  expect(
    await rowsOf({ ...files, "t/missing.parquet": a }, filter({ fn: "is_null", args: [{ col: "day" }] })),
  ).toEqual([{ id: 1n, ...Object.fromEntries(columns.map(([name]) => [name, null])) }]);
  expect(await rowsOf(files, filter({ fn: "==", args: [{ col: "i" }, { lit: 6 }] }))).toEqual([]);
});

const INLINE = "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L"; // rows 3, 4, 7, 11, 18, 29: the protocol's own example

test("deletion vectors in the log and in files; rows keep their order", async () => {
  const a = await made("SELECT range AS id FROM range(30)");
  const dv = { storageType: "i", pathOrInlineDv: INLINE, sizeInBytes: 40, cardinality: 6 };
  const head = [protocol(["deletionVectors"]), metaData([id])];
  const left = [...Array(30).keys()].filter((at) => ![3, 4, 7, 11, 18, 29].includes(at)).map(BigInt);
  const files: Files = {
    "t/a.parquet": a,
    [commit(0)]: lines(...head, add("a.parquet", a)),
    [commit(1)]: lines({ remove: { path: "a.parquet" } }, add("a.parquet", a, { deletionVector: dv })),
  };
  expect(values(await rowsOf(files), "id")).toEqual(left);
  expect(
    await failing({
      ...files,
      [commit(1)]: lines(
        { remove: { path: "a.parquet" } },
        add("a.parquet", a, { deletionVector: { ...dv, cardinality: 5 } }),
      ),
    }),
  ).toMatchObject({ code: "parse_failed" });
  // A file with most rows deleted: 64-bit bitmap of one 32-bit bitmap with a container of each kind.
  const big = await made("SELECT range AS id FROM range(140000)", ", ROW_GROUP_SIZE 20000");
  const { bytes, rows } = containers();
  const file = vectorFile(bytes);
  const name = "ab^-aqEH.-t@S}K{vb[*k^";
  const vector = {
    storageType: "u",
    pathOrInlineDv: name,
    offset: 1,
    sizeInBytes: bytes.length,
    cardinality: rows.size,
  };
  const one: Files = {
    "t/b.parquet": big,
    "t/a.parquet": a,
    "t/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin": file,
    [commit(0)]: lines(...head, add("b.parquet", big, { deletionVector: vector }), add("a.parquet", a)),
  };
  const all = await rowsOf(one, [read, { op: "skip", count: 30 }]);
  expect(values(all, "id")).toEqual([...Array(140_000).keys()].filter((at) => !rows.has(at)).map(BigInt));
  const damaged = Uint8Array.from(file);
  damaged[60] = (damaged[60] ?? 0) ^ 1;
  expect(
    await failing({ ...one, "t/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin": damaged }),
  ).toMatchObject({ code: "parse_failed", message: expect.stringContaining("deletion vector") });
});

/** Rows 1, 5 (array), all even rows of the second 65,536 (bits), and 131,100 to 139,999 (a run). */
function containers(): { bytes: Uint8Array; rows: ReadonlySet<number> } {
  const rows = new Set([1, 5]);
  for (let at = 65_536; at < 131_072; at += 2) rows.add(at);
  for (let at = 131_100; at < 140_000; at += 1) rows.add(at);
  const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  const u16 = (value: number) => [value & 255, value >> 8];
  const bytes = Uint8Array.from([
    ...u32(1_681_511_377),
    ...u32(1),
    ...u32(0),
    ...u32(0),
    ...u32(12_347 | (2 << 16)),
    0b100,
    ...u16(0),
    ...u16(1),
    ...u16(1),
    ...u16(32_767),
    ...u16(2),
    ...u16(8899),
    ...u16(1),
    ...u16(5),
    ...new Uint8Array(8192).fill(0x55),
    ...u16(1),
    ...u16(28),
    ...u16(8899),
  ]);
  return { bytes, rows };
}

function vectorFile(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 9);
  const view = new DataView(out.buffer);
  out[0] = 1;
  view.setUint32(1, bytes.length);
  out.set(bytes, 5);
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  view.setUint32(5 + bytes.length, ~crc >>> 0);
  return out;
}

test.each(["name", "id"])("columns mapped by %s, nested ones too", async (mode) => {
  const mapped = (name: string, number: number, type: unknown, physical = `col-${number}`) =>
    field(name, type, { "delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical });
  const struct = (from: number) => ({
    type: "struct",
    fields: [mapped("x", from + 3, "long", "col-3"), mapped("new", from + 4, "string")],
  });
  const inner = struct(0);
  const list = { type: "array", elementType: struct(10), containsNull: true };
  const map = { type: "map", keyType: "string", valueType: struct(20), valueContainsNull: true };
  const names = mode === "name" ? ["col-1", "col-2", "col-3"] : ["other", "else", "third"];
  const [one, two, third] = names;
  const a = await made(
    `SELECT 1::BIGINT AS "${one}", {'${third}': 5::BIGINT} AS "${two}", [{'${third}': 6::BIGINT}, NULL] AS "col-5", ` +
      `MAP {'k': {'${third}': 7::BIGINT}} AS "col-6"`,
    mode === "name"
      ? ""
      : `, FIELD_IDS {"${one}": 1, "${two}": {__duckdb_field_id: 2, "${third}": 3}, ` +
          `"col-5": {__duckdb_field_id: 5, element: {__duckdb_field_id: 50, "${third}": 13}}, ` +
          `"col-6": {__duckdb_field_id: 6, key: 51, value: {__duckdb_field_id: 52, "${third}": 23}}}`,
  );
  const files = {
    "t/a.parquet": a,
    [commit(0)]: lines(
      { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
      metaData(
        [
          mapped("renamed", 1, "long"),
          mapped("s", 2, inner),
          mapped("l", 5, list),
          mapped("m", 6, map),
          mapped("p", 7, "integer"),
        ],
        ["p"],
        { "delta.columnMapping.mode": mode },
      ),
      add("a.parquet", a, { partitionValues: { "col-7": "9" } }),
    ),
  };
  expect(await rowsOf(files)).toEqual([
    {
      renamed: 1n,
      s: { x: 5, new: null },
      l: [{ x: 6, new: null }, null],
      m: { k: { x: 7, new: null } },
      p: 9,
    },
  ]);
});

test("columns that came later are null, widened ones have the type of now", async () => {
  const a = await made(
    "SELECT 1::INTEGER AS id, DATE '2020-01-01' AS day, 1.5::DECIMAL(4,1) AS m, {'x': 1::TINYINT} AS s",
  );
  const b = await made(
    "SELECT 9007199254740993 AS id, TIMESTAMP '2021-01-01' AS day, 2.25::DECIMAL(9,2) AS m, {'x': 70000::INTEGER} AS s, 'b' AS late",
  );
  const struct = { type: "struct", fields: [field("x", "integer")] };
  const files = {
    "t/a.parquet": a,
    "t/b.parquet": b,
    [commit(0)]: lines(
      protocol(["typeWidening", "timestampNtz"]),
      metaData([
        id,
        field("day", "timestamp_ntz"),
        field("m", "decimal(9,2)"),
        field("s", struct),
        field("late", "string"),
      ]),
      add("a.parquet", a),
      add("b.parquet", b),
    ),
  };
  expect(await rowsOf(files)).toEqual([
    { id: 1n, day: new Date("2020-01-01Z"), m: "1.50", s: { x: 1 }, late: null },
    { id: 9007199254740993n, day: new Date("2021-01-01Z"), m: "2.25", s: { x: 70_000 }, late: "b" },
  ]);
  const text = await made("SELECT 1.5 ::DOUBLE AS id");
  const wrong = {
    "t/a.parquet": text,
    [commit(0)]: lines(protocol(), metaData([id]), add("a.parquet", text)),
  };
  expect(await failing(wrong)).toMatchObject({ code: "schema_mismatch" });
});

const CHECKPOINT = "CAST(NULL AS STRUCT(path VARCHAR, size BIGINT, partitionValues MAP(VARCHAR, VARCHAR)))";
const addRow = (path: string, size: number) =>
  `SELECT {'path': '${path}', 'size': ${size}::BIGINT, 'partitionValues': MAP {}::MAP(VARCHAR, VARCHAR)} AS add, NULL::STRUCT(minReaderVersion INTEGER) AS protocol, NULL::STRUCT(schemaString VARCHAR, partitionColumns VARCHAR[]) AS metaData`;
const schemaString = JSON.stringify({ type: "struct", fields: [id] });
const headRow = `SELECT ${CHECKPOINT} AS add, {'minReaderVersion': 1} AS protocol, NULL::STRUCT(schemaString VARCHAR, partitionColumns VARCHAR[]) AS metaData UNION ALL SELECT NULL, NULL, {'schemaString': '${schemaString}', 'partitionColumns': []::VARCHAR[]}`;
const at = (version: number): string => `t/_delta_log/${String(version).padStart(20, "0")}.checkpoint`;

test("checkpoints: one part, several, of v2 with sidecars; incomplete ones are passed over", async () => {
  const files = await three();
  const a = files["t/a.parquet"]?.length ?? 0;
  const b = files["t/b.parquet"]?.length ?? 0;
  const { [commit(0)]: _, ...rest } = files;
  const first = await made(`${headRow} UNION ALL ${addRow("a.parquet", a)}`);
  const second = await made(addRow("b.parquet", b));
  const last = [{ ...read, version_as_of: 1 }];
  const all = [0n, 1n, 10n];
  expect(values(await rowsOf({ ...rest, [`${at(0)}.parquet`]: first }, last), "id")).toEqual(all);
  const parts = {
    [`${at(1)}.0000000001.0000000002.parquet`]: first,
    [`${at(1)}.0000000002.0000000002.parquet`]: second,
  };
  expect(values(await rowsOf({ ...rest, ...parts }, last), "id")).toEqual(all);
  // Without its second part it is none, and nothing else tells of version 0.
  expect(await failing({ ...rest, [`${at(1)}.0000000001.0000000002.parquet`]: first }, last)).toMatchObject({
    code: "not_found",
    message: expect.stringContaining("lacks 00000000000000000000.json"),
  });
  const name = "3a0d65cd-4056-49b8-937b-95f9e3ee90e5";
  const sidecar = { "t/_delta_log/_sidecars/one.parquet": second };
  const json = lines(
    { checkpointMetadata: { version: 1 } },
    protocol(["v2Checkpoint"]),
    metaData([id]),
    add("a.parquet", files["t/a.parquet"] as Uint8Array),
    { sidecar: { path: "one.parquet", sizeInBytes: second.length, modificationTime: 0 } },
  );
  expect(values(await rowsOf({ ...rest, ...sidecar, [`${at(1)}.${name}.json`]: json }, last), "id")).toEqual(
    all,
  );
  const v2 = await made(
    `SELECT *, NULL::STRUCT(path VARCHAR) AS sidecar FROM (${headRow} UNION ALL ${addRow("a.parquet", a)}) UNION ALL SELECT NULL, NULL, NULL, {'path': 'one.parquet'}`,
  );
  const parquetV2 = { ...rest, ...sidecar, [`${at(1)}.${name}.parquet`]: v2 };
  expect(values(await rowsOf(parquetV2, last), "id")).toEqual(all);
  expect(await rowsOf(parquetV2)).toEqual([{ id: 10n }]);
  const elsewhere = { ...rest, [`${at(1)}.${name}.json`]: json.replace("one.parquet", "../../one.parquet") };
  expect(await failing(elsewhere, last)).toMatchObject({ code: "unsupported" });
});

test("an instant: by the files' times, made to rise, or by the commits' own", async () => {
  const times = [1000, 1000, 5000, 4000, 9000].map((ms) => Date.UTC(2026, 0, 1) + ms);
  let calls = 0;
  const files = await three();
  const store = deltaStore(files, () => times[Math.min(calls++, 4)] ?? 0);
  // In the order in which the store got them: a, b, then commits at 5 s, 4 s (so 5.001 s) and 9 s.
  const asOf = async (timestamp: string) =>
    values(await h.rows([{ ...read, timestamp_as_of: timestamp }], await store.log()), "id");
  expect(await asOf("2026-01-01T00:00:05Z")).toEqual([0n, 1n]);
  expect(await asOf("2026-01-01T01:00:05.001+01:00")).toEqual([0n, 1n, 10n]);
  expect(await asOf("2027-01-01T00:00:00")).toEqual([10n]);
  expect(await failureOf(asOf("2026-01-01T00:00:04Z"))).toMatchObject({ code: "not_found" });
  const own = { ...files };
  const ict = { "delta.enableInCommitTimestamps": "true" };
  const a = files["t/a.parquet"] as Uint8Array;
  own[commit(0)] = lines(
    { commitInfo: { inCommitTimestamp: 1000 } },
    protocol(),
    metaData([id], [], ict),
    add("a.parquet", a),
  );
  own[commit(1)] = lines(
    { commitInfo: { inCommitTimestamp: 2000 } },
    add("b.parquet", files["t/b.parquet"] as Uint8Array),
  );
  own[commit(2)] = lines({ commitInfo: { inCommitTimestamp: 3000 } }, { remove: { path: "a.parquet" } });
  const kept = [{ ...read, timestamp_as_of: "1970-01-01T00:00:02Z" }];
  expect(values(await rowsOf(own, kept), "id")).toEqual([0n, 1n, 10n]);
});

test("what is refused", async () => {
  const files = await three();
  const a = files["t/a.parquet"] as Uint8Array;
  const table = (...actions: object[]) => failing({ ...files, [commit(2)]: lines(...actions) });
  expect(await table(protocol(["deletionVectors", "variantType"]))).toMatchObject({
    code: "unsupported",
    context: { features: ["variantType"] },
  });
  expect(await table({ protocol: { minReaderVersion: 99 } })).toMatchObject({
    code: "unsupported",
    message: expect.stringContaining("reader version 99"),
  });
  expect(await table(metaData([field("v", "variant")]))).toMatchObject({ code: "unsupported" });
  for (const path of [
    "abfss://c@other.dfs.core.windows.net/x.parquet",
    "/etc/passwd",
    "file:///etc/passwd",
  ]) {
    expect(await table(add(path, a))).toMatchObject({ code: "unsupported", context: { path } });
  }
  for (const path of ["../x.parquet", "a/%2E%2E/%2E%2E/x.parquet", "a%00"]) {
    expect(await table(add(path, a))).toMatchObject({ code: "path_invalid" });
  }
  expect(await table(add("%zz", a))).toMatchObject({ code: "parse_failed" });
  expect(await table(add("b.parquet", a))).toMatchObject({ code: "precondition_failed" });
  const bad = [
    "{",
    "[]",
    '{"add":{"path":1}}',
    '{"add":{"path":"x","size":-1}}',
    '{"metaData":{}}',
    '{"__proto__":null,"add":[]}',
  ];
  for (const text of bad) {
    expect(await failing({ ...files, [commit(2)]: text })).toMatchObject({
      code: "parse_failed",
      context: { line: 1 },
    });
  }
  const { [commit(1)]: gone, ...gap } = files;
  expect(gone).toBeDefined();
  expect(await failing(gap)).toMatchObject({ code: "not_found", context: { missing: 1 } });
  expect(await failing({ [commit(0)]: lines(metaData([id])) })).toMatchObject({
    code: "parse_failed",
    message: expect.stringContaining("no protocol"),
  });
  expect(await failing({ [commit(0)]: lines(protocol()) })).toMatchObject({
    code: "parse_failed",
    message: expect.stringContaining("no metadata"),
  });
  expect(await failing({ "t/_delta_log/x.txt": "" })).toMatchObject({ code: "not_found" });
  expect(await rowsOf({ [commit(0)]: lines(protocol(), metaData([id])) })).toEqual([]);
});

test("a table written by delta-rs 1.6.6 gives the rows that it gives there", async () => {
  const path = fileURLToPath(new URL("fixtures/delta-rs", import.meta.url));
  const storage = local.open({ options: { path }, credential: { kind: "anonymous" } });
  const log: FileRef[] = [];
  for await (const stat of storage.list(parseStorePath("_delta_log"), { recursive: true })) {
    log.push({ uri: `${storage.uri}/${stat.path}`, relativePath: stat.path, stat, storage });
  }
  const common = {
    dec: "1.50",
    ts: new Date("2020-01-01T10:00:00.123Z"),
    list: [1, 2],
    st: { x: 1, y: "z" },
  };
  const first = { ...common, part: "a b/c", day: "2020-02-29", late: null };
  const rows = await h.rows([read], log);
  expect(rows.toSorted((a, b) => Number(a["id"]) - Number(b["id"]))).toEqual([
    { id: 1n, ...first },
    {
      id: 3n,
      ...first,
      dec: "-99999.99",
      list: null,
      st: { x: null, y: null },
      part: null,
      day: "1999-12-31",
    },
    { id: 4n, ...first },
    { id: 5n, ...first, late: "new" },
  ]);
  const before = await h.rows([{ ...read, version_as_of: 1 }], log);
  expect(new Set(values(before, "id"))).toEqual(new Set([1n, 2n, 3n, 4n]));
  expect(before.find(({ id: one }) => one === 2n)).toMatchObject({
    part: "ü=%",
    day: null,
    list: [],
    st: null,
    dec: null,
  });
});

test("a plan is pinned to the version that is there", async () => {
  const store = deltaStore(await three());
  const engine = h.engine();
  const pinned = await engine.pin?.(planOf([read, { op: "take", count: 5 }]), listed(await store.log()));
  expect(pinned?.steps).toEqual([
    { op: "read_delta_lake", version_as_of: 2 },
    { op: "take", count: 5 },
  ]);
});

test("fromDeltaTable reads any store; a registered table stays at its version", async () => {
  const files = await three();
  const { [commit(2)]: last, ...before } = files;
  const stored = await h.files(before);
  const root = new URL("../..", `${stored[0]?.uri}/x`).href;
  await using workspace = createWorkspace({
    adapters: [local],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
    engine: createDuckDBEngine(),
    baseUri: root,
  });
  const table = workspace.tabular.fromDeltaTable("t");
  const idsOf = async (dataset: TabularDataset) => {
    const out: unknown[] = [];
    for await (const row of dataset.rows()) out.push(row["id"]);
    return out;
  };
  expect(await idsOf(table)).toEqual([0n, 1n, 10n]);
  expect(await idsOf(workspace.tabular.fromDeltaTable("t/", { versionAsOf: 0 }))).toEqual([0n, 1n]);
  const record = await table.register("rides");
  expect(record.plan.steps).toEqual([{ op: "read_delta_lake", version_as_of: 1 }]);
  await writeFile(new URL(commit(2), root), last ?? "");
  expect(await idsOf(table)).toEqual([10n]);
  const registered = await workspace.datasets.get("rides");
  expect(registered.kind === "tabular" && (await idsOf(registered))).toEqual([0n, 1n, 10n]);
  expect(() =>
    workspace.tabular.fromPlan({ ...table.plan, steps: [{ op: "take", count: 1 }, ...table.plan.steps] }),
  ).toThrow("which must stand before take");
});

test("a deletion vector in a checkpoint counts", async () => {
  const a = await made("SELECT range AS id FROM range(30)");
  const dv = `{'storageType': 'i', 'pathOrInlineDv': '${INLINE}', 'sizeInBytes': 40, 'cardinality': 6::BIGINT}`;
  const checkpoint = await made(
    `SELECT {'path': 'a.parquet', 'size': ${a.length}::BIGINT, 'partitionValues': MAP {}::MAP(VARCHAR, VARCHAR), 'deletionVector': ${dv}} AS add, ` +
      `{'minReaderVersion': 3, 'readerFeatures': ['deletionVectors']} AS protocol, {'schemaString': '${schemaString}', 'partitionColumns': []::VARCHAR[]} AS metaData`,
  );
  const rows = await rowsOf({ "t/a.parquet": a, [`${at(0)}.parquet`]: checkpoint });
  expect(values(rows, "id")).toHaveLength(24);
});
