import { isAmlError, type Row } from "@aml/core";
import { equal, failure, ok, refuses } from "../expect.ts";
import type { SqlCase } from "../sql-case.ts";
import { ask, isSeries, rowsOf, sameCell, textOf } from "../sql-expect.ts";
import { asking, batching, otherwise, rowing, truncating } from "../sql-mutate.ts";

const HOSTILE = `a"b'c]d\`e;--\u{1F600}`;

export const sqlQueryCases: readonly SqlCase[] = [
  {
    id: "query/rows",
    title: "a query gives its rows in order, under the names that its schema has",
    needs: [],
    async run({ sql, statements }) {
      const { schema, batches } = await ask(sql, statements.series(10, "n"));
      equal(
        schema.columns.map(({ name }) => name),
        ["n"],
        "The columns",
      );
      const rows: Row[] = [];
      for await (const batch of batches) rows.push(...batch);
      isSeries(rows, 10, "n");
      ok(
        rows.every((row) => Object.keys(row).join() === "n"),
        "A row has other columns than the schema.",
      );
    },
    mutate: batching(async function* (batches) {
      for await (const batch of batches) yield batch.toReversed();
    }),
  },
  {
    id: "query/no-rows",
    title: "a query without rows has a schema, and gives no batch",
    needs: [],
    async run({ sql, statements }) {
      const { schema, batches } = await ask(sql, statements.series(0, "n"));
      equal(
        schema.columns.map(({ name }) => name),
        ["n"],
        "The columns",
      );
      for await (const batch of batches) ok(false, `There is a batch of ${batch.length} rows.`);
    },
    mutate: batching(async function* (batches) {
      yield* batches;
      yield [];
    }),
  },
  {
    id: "query/batch-rows",
    title: "no batch has more rows than asked for, and none is empty",
    needs: [],
    async run({ sql, statements }) {
      const { batches } = await ask(sql, statements.series(950, "n"), { batchRows: 100 });
      const rows: Row[] = [];
      for await (const batch of batches) {
        ok(batch.length > 0 && batch.length <= 100, `A batch has ${batch.length} rows, not 1 to 100.`);
        rows.push(...batch);
      }
      isSeries(rows, 950, "n");
    },
    mutate: asking((query, statement, options) => query(statement, { ...options, batchRows: 500 })),
  },
  {
    id: "query/million",
    title: "a million rows arrive, each once and in order",
    needs: [],
    async run({ sql, statements }) {
      const { batches } = await ask(sql, statements.series(1_000_000, "n"), { batchRows: 5000 });
      let count = 0;
      for await (const batch of batches) {
        for (const row of batch) {
          count += 1;
          if (Number(row["n"]) !== count) ok(false, `Row ${count} is ${textOf(row["n"])}.`);
        }
      }
      equal(count, 1_000_000, "The number of rows");
    },
    mutate: batching(async function* (batches) {
      let at = 0;
      for await (const batch of batches) {
        at += 1;
        if (at !== 100) yield batch;
      }
    }),
  },
  {
    id: "query/twins",
    title: "columns of one name are told apart and keep their values",
    needs: ["duplicateColumns"],
    async run({ sql, statements }) {
      const { schema, [Symbol.asyncDispose]: dispose } = await ask(sql, statements.twins);
      await dispose();
      equal(
        schema.columns.map(({ name }) => name),
        ["n", "n_1"],
        "The columns",
      );
      const [row] = await rowsOf(sql, statements.twins);
      equal(
        Object.entries(row ?? {}).map(([key, cell]) => [key, Number(cell)]),
        [
          ["n", 1],
          ["n_1", 2],
        ],
        "The row",
      );
    },
    mutate: rowing(({ n_1: last = null, ...row }) => ({ ...row, n: last })),
  },
  {
    id: "query/hostile-names",
    title: "a column's name is a name, whatever its characters",
    needs: [],
    async run({ sql, statements }) {
      for (const column of [HOSTILE, "__proto__", "constructor", "with space", "n\\n"]) {
        const rows = await rowsOf(sql, statements.series(2, column));
        isSeries(rows, 2, column);
        ok(
          rows.every((row) => Object.keys(row).length === 1 && Object.hasOwn(row, column)),
          `${column} is lost.`,
        );
      }
    },
    // What an assignment makes of the key: no key.
    mutate: rowing((row) => {
      const copy: Record<string, Row[string]> = {};
      for (const key of Object.keys(row)) copy[key] = row[key] as Row[string];
      return copy;
    }),
  },
  {
    id: "query/missing-table",
    title: "a table that is not there is not_found",
    needs: [],
    async run({ sql, statements }) {
      await refuses(() => rowsOf(sql, statements.missingTable), "not_found");
    },
    mutate: asking((query, statement, options) => query(statement, options).catch(() => nothing)),
  },
  {
    id: "query/syntax",
    title: "a mistake of syntax is query_failed, and its place is shown",
    needs: [],
    async run({ sql, statements }) {
      const error = await failure(() => rowsOf(sql, statements.broken));
      ok(isAmlError(error, "query_failed"), `It failed with ${String(error)}, not with query_failed.`);
      equal(error.context["line"], 2, "context.line");
      const line = statements.broken.split("\n")[1]?.trim() ?? "";
      ok(line !== "" && error.message.includes(line), `The message does not show the line: ${error.message}`);
    },
    mutate: (fixture) => ({
      ...fixture,
      sql: otherwise(fixture.sql, (query, { text }, options) =>
        query({ text: text.replaceAll("\n", " ") }, options),
      ),
    }),
  },
  {
    id: "query/fails-midway",
    title: "a query that fails after some rows is an error, never a short result",
    needs: [],
    async run({ sql, statements }) {
      await refuses(() => rowsOf(sql, statements.failing), "query_failed");
      isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
    },
    mutate: batching(truncating),
  },
  {
    id: "query/null",
    title: "NULL is null in every row and column",
    needs: [],
    async run({ sql, statements }) {
      const cells = (await rowsOf(sql, statements.nullKey)).map((row) => row["n"] ?? null);
      equal(cells.length, 4, "The number of rows");
      equal(cells.filter((cell) => cell === null).length, 1, "The number of nulls");
      const rest = cells.filter((cell) => cell !== null).map(Number);
      equal(
        rest.toSorted((one, other) => one - other),
        [1, 2, 3],
        "The others",
      );
    },
    mutate: rowing((row) => ({ n: row["n"] ?? 0 })),
  },
  {
    id: "query/text",
    title: "text keeps every character, also in the statement itself",
    needs: [],
    async run({ sql, statements }) {
      const text = "Grüße, 東京 \u{1F600} e\u0301 \u00a0 tab\tand ''quotes''";
      const [row] = await rowsOf(sql, statements.value(`'${text}'`));
      sameCell(row?.["value"] ?? null, text.replaceAll("''", "'"), "The value");
    },
    mutate: rowing((row) => ({ value: textOf(row["value"]).normalize("NFC") })),
  },
];

const nothing = {
  schema: { columns: [] },
  batches: (async function* () {})(),
  [Symbol.asyncDispose]: async (): Promise<void> => undefined,
};
