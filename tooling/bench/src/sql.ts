import { createHash } from "node:crypto";
import { Secret, type Row, type Schema, type SqlResult } from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { postgresql } from "@aml/postgresql";
import pg from "pg";
import {
  PASSWORD,
  sharedPostgres,
  stopPostgres,
} from "../../../packages/adapters/postgresql/test/postgres.ts";
import type { Bench } from "./bench.ts";
import { assertSame, compare, median } from "./measure.ts";
import { speedLine } from "./report.ts";

const ROWS = 300_000;
const LOADED_ROWS = 400_000;
/** Millions of rows a second, of 14 columns. */
const LEAST_LOADED = 0.7;

/** Rows of a query, against the driver alone; and rows of memory into the engine. */
export const sql: Bench = async (input) => {
  await readRows(input);
  await loadRows(input);
};

async function readRows({ repetitions, scale, report }: Parameters<Bench>[0]): Promise<void> {
  const server = await sharedPostgres();
  const count = Math.round(ROWS * scale);
  await server.admin.query(
    "CREATE TABLE trips AS SELECT n AS id, n % 4 AS vendor, n::bigint * 1000 AS ticket, n * 0.37 AS fare, n * 0.11 AS tip, " +
      "n * 0.05 AS tolls, n * 1.5 AS total, n * 0.3 AS miles, timestamptz '2025-01-01Z' + n * interval '7 s' AS started, " +
      "timestamptz '2025-01-01Z' + n * interval '9 s' AS ended, 'card' AS payment, 'a longer note than others ' || n % 977 AS note, " +
      `CASE WHEN n % 5 > 0 THEN 'zone ' || n % 263 END AS zone, n % 6 AS riders FROM generate_series(1, ${count}) n`,
  );
  await server.admin.query(
    "ALTER TABLE trips ALTER fare TYPE float8, ALTER tip TYPE float8, ALTER tolls TYPE float8, ALTER total TYPE float8, ALTER miles TYPE float8",
  );
  const text = "SELECT * FROM trips";
  const connection = {
    host: "localhost",
    port: server.port,
    database: "shop",
    user: "ada",
    password: PASSWORD,
  };
  const client = new pg.Client(connection);
  await client.connect();
  const source = postgresql.open({
    options: postgresql.parseOptions({
      server: "localhost",
      port: server.port,
      database: "shop",
      tls: "disable",
    }),
    credential: { kind: "password", username: "ada", password: new Secret(PASSWORD) },
  });
  const ours = async (onRow: (row: Row) => void): Promise<number> => {
    let read = 0;
    const { batches } = await source.query({ text }, { batchRows: 2048 });
    for await (const rows of batches) {
      read += rows.length;
      for (const row of rows) onRow(row);
    }
    return read;
  };
  const whole = async (onRow: (row: Row) => void): Promise<number> => {
    const { rows } = await client.query<Row>(text);
    for (const row of rows) onRow(row);
    return rows.length;
  };
  const fetched = async (onRow: (row: Row) => void): Promise<number> => {
    let read = 0;
    await client.query("BEGIN READ ONLY");
    await client.query(`DECLARE c NO SCROLL CURSOR FOR ${text}`);
    for (;;) {
      const { rows } = await client.query<Row>("FETCH 2048 FROM c");
      if (rows.length === 0) break;
      read += rows.length;
      for (const row of rows) onRow(row);
    }
    await client.query("COMMIT");
    return read;
  };
  try {
    const what = `PostgreSQL, ${(count / 1e6).toFixed(2)} M rows × 14 columns as objects`;
    assertSame(what, await digestOf(ours), await digestOf(whole));
    const nothing = (): void => undefined;
    const result = await compare(repetitions, () => ours(nothing), {
      "pg, all rows in memory": () => whole(nothing),
      "pg, by FETCH": () => fetched(nothing),
    });
    report(speedLine(what, result, count / 1e6, "M rows", 0.9));
  } finally {
    await client.end();
    await source.close();
    await stopPostgres();
  }
}

/** The driver gives a bigint as text. */
async function digestOf(read: (onRow: (row: Row) => void) => Promise<number>): Promise<string> {
  const hash = createHash("sha256");
  await read((row) =>
    hash.update(
      JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    ),
  );
  return hash.digest("hex");
}

const TYPES =
  "int32 int32 int64 float64 float64 float64 float64 float64 timestamp timestamp string string string int32"
    .split(" ")
    .map((type) => type as Schema["columns"][number]["type"]);

async function loadRows({ repetitions, scale, report }: Parameters<Bench>[0]): Promise<void> {
  const count = Math.round(LOADED_ROWS * scale);
  const schema: Schema = {
    columns: TYPES.map((type, at) => ({ name: `column_${at}`, type, nullable: true })),
  };
  const rows = Array.from({ length: count }, (_, n): Row =>
    Object.fromEntries(
      TYPES.map((type, at) => [`column_${at}`, n % 50 === at ? null : valueOf(type, n, at)]),
    ),
  );
  const plan = parsePlan({
    version: 1,
    source: { from: "query", datastore: "memory", query: "select" },
    steps: [{ op: "skip", count: count - 1 }],
  });
  await using engine = createDuckDBEngine();
  const times: number[] = [];
  for (let round = -1; round < repetitions; round += 1) {
    const started = performance.now();
    await using table = await engine.openRows?.(plan, resultOf(schema, rows));
    if (round >= 0) times.push(performance.now() - started);
    const last: Row[] = [];
    for await (const batch of table?.batches() ?? []) last.push(...batch);
    assertSame("The last row", shownOf(last), shownOf(rows.slice(-1)));
  }
  const speed = count / 1e3 / median(times);
  report({
    what: `rows of memory into the engine, ${(count / 1e6).toFixed(2)} M × 14 columns`,
    ours: `${speed.toFixed(2)} M rows/s`,
    peer: "",
    ratio: "",
    bar: `≥ ${LEAST_LOADED} M rows/s`,
    met: speed >= LEAST_LOADED,
  });
}

function valueOf(type: (typeof TYPES)[number], n: number, at: number): Row[string] {
  switch (type) {
    case "int32":
      return (n * 7) % 1000;
    case "int64":
      return BigInt(n) * 1000n;
    case "float64":
      return n * 0.37 + at;
    case "timestamp":
      return new Date(1.7e12 + n * 61_000).toISOString().replace("Z", "456Z");
    default:
      return ["card", `a longer note than others ${n % 977}`, `zone ${n % 263}`][at - 10] ?? "";
  }
}

function resultOf(schema: Schema, rows: readonly Row[]): SqlResult {
  async function* batches(): AsyncGenerator<readonly Row[]> {
    for (let from = 0; from < rows.length; from += 2048) yield rows.slice(from, from + 2048);
  }
  return { schema, batches: batches(), [Symbol.asyncDispose]: async () => undefined };
}

/** Times to the millisecond, as rows have them. */
function shownOf(rows: readonly Row[]): string {
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === "bigint"
      ? String(value)
      : typeof value === "string"
        ? value.replace("456Z", "Z")
        : value,
  );
}
