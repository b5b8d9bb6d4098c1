import { AmlError, type Cell, type Column, type ColumnType, type Row } from "@aml/core";
import {
  createRowBuilder,
  createSqlSource,
  keyRanges,
  placeAt,
  type BoundStatement,
  type SqlCursor,
} from "@aml/core/sql";
import { textOf } from "./sql-expect.ts";
import type { SqlFixture, SqlStatements, SqlType } from "./sql-case.ts";

/** The contract's model: a database of a few words, in memory, with a server's view. */
export function modelSql(secret: string): SqlFixture {
  const server = createServer();
  const open = (failure?: AmlError): SqlFixture["sql"] =>
    createSqlSource({
      type: "model",
      uri: "model://server/database",
      dialect: { placeholder: (index) => `$${index}`, quotes: { "'": "'", '"': '"' }, nestedComments: true },
      async start(statement, { signal, batchRows, timestamps }) {
        if (failure !== undefined) throw failure;
        return server.start(server.parse(statement, timestamps), batchRows, signal);
      },
      async startRanges(statement, { signal, batchRows, timestamps }, { column, ranges }) {
        const table = server.parse(statement, timestamps);
        if (!table.columns.some(({ name }) => name === column))
          throw new AmlError("not_found", "No such column.");
        const keys: (bigint | null)[] = [];
        for (const row of table.rows())
          keys.push(row[column] === null ? null : BigInt(row[column] as number));
        const known = keys.filter((key) => key !== null);
        const [least, most] = [known[0], known.at(-1)];
        const rangesOf = keyRanges(least, most, ranges);
        return Promise.all(
          rangesOf.map(({ from, to, nulls }) => {
            const holds = (key: Cell): boolean =>
              key === null
                ? nulls
                : (from === undefined || BigInt(key as number) >= from) &&
                  (to === undefined || BigInt(key as number) < to);
            const rows = function* (): Generator<Row> {
              for (const row of table.rows()) if (holds(row[column] as Cell)) yield row;
            };
            return server.start({ ...table, rows }, batchRows, signal);
          }),
        );
      },
      async close() {
        await server.close();
      },
    });
  return {
    sql: open(),
    statements,
    server: {
      async running() {
        await new Promise((resolve) => setTimeout(resolve, 0));
        return server.running.size;
      },
      state: async () => "unchanged",
      connections: async () => server.connections(),
      received: () => server.received(),
      kill: server.kill,
    },
    others: {
      unreachable: () => open(new AmlError("unavailable", "Nothing listens.")),
      unknownDatabase: () => open(new AmlError("not_found", "No such database.")),
      wrongPassword: () => open(new AmlError("auth_failed", "Wrong password.")),
      withoutTls: () => open(new AmlError("config_invalid", "The server has no TLS.")),
      untrusted: () => open(new AmlError("unavailable", "Nobody vouches for the certificate.")),
      token: () => ({ sql: open(), rotate: async () => undefined }),
    },
    secrets: [secret],
  };
}

interface Table {
  readonly columns: readonly Column[];
  rows(): Iterable<Row>;
  readonly slow?: boolean;
  readonly failsAfter?: number;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const statements: SqlStatements = {
  series: (count, column) => `series ${count} ${quoted(column)}`,
  wide: (count) => `wide ${count}`,
  nullKey: "nulls",
  value: (expression) => `value ${expression}`,
  parameter: () => ":value",
  slow: "slow",
  failing: "failing",
  broken: "series\n  brokenn 1",
  missingTable: "missing",
  twins: "twins",
  writes: ["write"],
};

const model = (name: string, type: ColumnType, ...cells: Cell[]): SqlType => ({
  name,
  type,
  values: [...cells, null].map((cell, at) => ({
    sql: `${name}:${at}`,
    cell,
    ...(cell instanceof Date ? { text: "2026-01-02T03:04:05.123456Z" } : {}),
  })),
});

/** The model's types: one of each column type. */
export const modelSqlTypes: readonly SqlType[] = [
  model("boolean", "boolean", true, false),
  model("int32", "int32", -(2 ** 31), 2 ** 31 - 1),
  model("int64", "int64", -(2n ** 63n), 2n ** 63n - 1n),
  model("float64", "float64", Number.MAX_VALUE, 0.1, Number.NaN, -0),
  model("decimal", "decimal", "1234567890123456789012345678.0123456789"),
  model("string", "string", "", "\u{1F600}"),
  model("bytes", "bytes", new Uint8Array(), new Uint8Array([0, 255])),
  model("date", "date", "2024-02-29", "9999-12-31"),
  model("timestamp", "timestamp", new Date("2026-01-02T03:04:05.123Z")),
  model("json", "json", { a: [1n, "x"] }),
];

function createServer() {
  const running = new Set<() => void>();
  let [connected, closed, bytes] = [0, false, 0];
  const lost = (): AmlError => new AmlError("unavailable", "The server went away.");
  const fail = (code: "query_failed" | "not_found" | "unsupported", message: string, context = {}): never => {
    throw new AmlError(code, message, { context });
  };
  return {
    running,
    connections: () => connected,
    received: () => bytes,
    async kill() {
      connected = 0;
      for (const end of running) end();
    },
    async close() {
      closed = true;
      await this.kill();
    },
    parse({ text, values, original }: BoundStatement, timestamps: "date" | "text"): Table {
      const bare = text.replace(/^\/\*.*?\*\/|--[^"\n]*$/g, "").trim();
      const [, word = "", rest = ""] = /^(\w+)\s*(.*)$/s.exec(bare) ?? [];
      const [, count = "0", name = '"n"'] = /^(\d+)(?: (".*"))?$/s.exec(rest) ?? [];
      const column = name.slice(1, -1).replaceAll('""', '"');
      if (bare.includes(";\n")) fail("query_failed", "There are two statements.");
      switch (word) {
        case "series":
          if (rest.includes("brokenn") || rest === "") {
            const { line, shown } = placeAt(original, original.indexOf("brokenn"));
            fail("query_failed", `A mistake at ${shown}`, { line });
          }
          return series(Number(count), [column]);
        case "wide":
          return { ...series(Number(count), ["n", "pad"]), rows: () => wideRows(Number(count)) };
        case "nulls":
          return { columns: [int("n")], rows: () => [1, 2, 3, null].map((n) => ({ n })) };
        case "value":
          return valueTable(rest, values, timestamps);
        case "twins":
          return { columns: [int("n"), int("n_1")], rows: () => [{ n: 1, n_1: 2 }] };
        case "failing":
          return { ...series(9000, ["n"]), failsAfter: 5000 };
        case "slow":
          return { ...series(0, ["n"]), slow: true };
        case "write":
          return fail("unsupported", "The session is read-only.");
        default:
          return fail("not_found", `There is no table ${word}.`);
      }
    },
    async start(table: Table, batchRows: number, signal: AbortSignal): Promise<SqlCursor> {
      if (closed) throw new AmlError("config_invalid", "The source is closed.");
      connected = Math.max(connected, running.size + 1);
      let dead = false;
      let wake = (): void => undefined;
      const end = (): void => {
        dead = true;
        running.delete(end);
        wake();
      };
      running.add(end);
      if (table.slow === true) {
        signal.addEventListener("abort", end, { once: true });
        await new Promise<void>((resolve) => (wake = resolve));
        throw lost();
      }
      const rows = table.rows()[Symbol.iterator]();
      let given = 0;
      return {
        schema: { columns: table.columns },
        async read() {
          // A real server is on the other side of a socket.
          if (given % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
          if (dead) throw lost();
          const batch: Row[] = [];
          for (let next = rows.next(); !next.done; next = rows.next()) {
            if (given === table.failsAfter) {
              end();
              fail("query_failed", "Division by zero.");
            }
            given += 1;
            bytes += table.columns.length * 500;
            batch.push(next.value);
            if (batch.length === batchRows) return batch;
          }
          if (batch.length > 0) return batch;
          end();
          return undefined;
        },
        async cancel() {
          end();
        },
      };
    },
  };
}

const int = (name: string): Column => ({ name, type: "int32", nullable: true, nativeType: "int" });

function series(count: number, names: readonly string[]): Table {
  const build = createRowBuilder(names);
  return {
    columns: names.map(int),
    *rows() {
      for (let n = 1; n <= count; n += 1) yield build(() => n);
    },
  };
}

function* wideRows(count: number): Generator<Row> {
  const pad = "x".repeat(1000);
  for (let n = 1; n <= count; n += 1) yield { n, pad };
}

/** A text, the parameter, both of them, or a value of the list of types. */
function valueTable(
  expression: string,
  [parameter = null]: readonly Cell[],
  timestamps: "date" | "text",
): Table {
  const [, name, at] = /^(\w+):(\d+)$/.exec(expression) ?? [];
  const type = modelSqlTypes.find((one) => one.name === name);
  const value = type?.values[Number(at)];
  const text = /^concat\(\$1, '(.*)', \$1\)$/.exec(expression)?.[1];
  const literal =
    /^'(.*)'$/s.exec(expression)?.[1]?.replaceAll("''", "'") ?? /^"(.*)"$/s.exec(expression)?.[1];
  const cell =
    (timestamps === "text" ? value?.text : undefined) ??
    (value !== undefined
      ? value.cell
      : text !== undefined
        ? `${textOf(parameter)}${text}${textOf(parameter)}`
        : (literal ?? parameter));
  const column: Column = {
    name: "value",
    type: type?.type ?? "string",
    nullable: true,
    nativeType: type?.name ?? "text",
  };
  return { columns: [column], rows: () => [{ value: cell }] };
}
