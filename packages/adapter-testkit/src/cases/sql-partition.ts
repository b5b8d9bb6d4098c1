import { isAmlError } from "@aml/core";
import { equal, failure, ok, refuses } from "../expect.ts";
import type { SqlCase } from "../sql-case.ts";
import { ask, isSeries, rowsOf, settles } from "../sql-expect.ts";
import { asking, batching, clinging, optioning, rowing } from "../sql-mutate.ts";

const HOSTILE = `a"b'c]d\`e;--\u{1F600}`;

export const sqlPartitionCases: readonly SqlCase[] = [
  {
    id: "partition/claims",
    title: "the fixture's list of what it lacks is true for partitionOn",
    needs: [],
    async run({ sql, statements, lacks }) {
      const partitionOn = { column: "n", ranges: 2 };
      if (!lacks.includes("partitions"))
        return void (await rowsOf(sql, statements.series(3, "n"), { partitionOn }));
      await refuses(() => rowsOf(sql, statements.series(3, "n"), { partitionOn }), "unsupported");
    },
    mutate: asking((query, statement, options) =>
      query(options.partitionOn === undefined ? statement : { text: "" }, options),
    ),
  },
  {
    id: "partition/rows",
    title: "the ranges together are all rows, each once",
    needs: ["partitions"],
    async run({ sql, statements }) {
      for (const [count, ranges] of [
        [10_000, 4],
        [3, 8],
        [1, 1],
        [0, 4],
      ] as const) {
        const rows = await rowsOf(sql, `${statements.series(count, "n")} -- all`, {
          partitionOn: { column: "n", ranges },
        });
        isSeries(rows, count, "n", false);
      }
    },
    mutate: batching(async function* (batches) {
      for await (const batch of batches) yield batch.filter((row) => Number(row["n"]) !== 2500);
    }),
  },
  {
    id: "partition/nulls",
    title: "rows without a key are read as well",
    needs: ["partitions"],
    async run({ sql, statements }) {
      const rows = await rowsOf(sql, statements.nullKey, { partitionOn: { column: "n", ranges: 3 } });
      equal(
        rows.map((row) => (row["n"] === null ? 0 : Number(row["n"]))).toSorted((one, other) => one - other),
        [0, 1, 2, 3],
        "The keys",
      );
    },
    mutate: batching(async function* (batches) {
      for await (const batch of batches) yield batch.filter((row) => row["n"] !== null);
    }),
  },
  {
    id: "partition/parameters",
    title: "parameters are bound in every range",
    needs: ["partitions"],
    async run({ sql, statements }) {
      const text = statements.value(statements.parameter("int64"));
      const partitionOn = { column: "value", ranges: 2 };
      const rows = await rowsOf(sql, { text, parameters: { value: 7n } }, { partitionOn });
      equal(
        rows.map((row) => Number(row["value"])),
        [7],
        "The rows",
      );
    },
    mutate: rowing(() => ({ value: 8n })),
  },
  {
    id: "partition/hostile-column",
    title: "a key's name is a name, whatever its characters; one that is not there is refused",
    needs: ["partitions"],
    async run({ sql, statements }) {
      const partitionOn = { column: HOSTILE, ranges: 3 };
      isSeries(await rowsOf(sql, statements.series(10, HOSTILE), { partitionOn }), 10, HOSTILE, false);
      const error = await failure(() => rowsOf(sql, statements.series(10, "n"), { partitionOn }));
      ok(isAmlError(error), `It failed with ${String(error)}, not with an AmlError.`);
      const ranges = 0;
      await refuses(
        () => rowsOf(sql, statements.series(1, "n"), { partitionOn: { column: "n", ranges } }),
        "config_invalid",
      );
    },
    mutate: optioning((options) => ({ ...options, partitionOn: undefined })),
  },
  {
    id: "partition/early-stop",
    title: "leaving the loop ends every range on the server",
    needs: ["partitions"],
    async run({ sql, statements, server }) {
      const partitionOn = { column: "n", ranges: 3 };
      for await (const _ of (await ask(sql, statements.wide(1_000_000), { batchRows: 10, partitionOn }))
        .batches)
        break;
      await settles(server.running, "Queries on the server");
      isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
    },
    mutate: batching(clinging),
  },
];
