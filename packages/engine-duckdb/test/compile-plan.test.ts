import { parseFilter } from "@aml/core/plan";
import { expect, test } from "vitest";
import { compilePlan, type DelimitedTable } from "../src/index.ts";

const table: DelimitedTable = {
  kind: "delimited",
  uris: ["https://x/a.csv", "https://x/b's.csv"],
  partitions: new Map(),
  patterns: new Map(),
  delimiter: ",",
  emptyAsString: false,
  columns: [
    { name: "id", type: "int" },
    { name: 'a "b"', type: "string" },
  ],
  groups: [
    {
      first: 0,
      paths: ["/c/1", "/c/2"],
      fields: 2,
      fieldOf: [0, 1],
      skipHeader: true,
      unquoted: true,
      multiLine: false,
      padded: false,
    },
  ],
};

test("one step, one CTE; names quoted, values literal; the same text each time", () => {
  const plan = {
    version: 1,
    source: { from: "paths", paths: [] },
    steps: [
      { op: "read_delimited", include_path_column: true },
      { op: "filter", where: parseFilter("id > 5 and col('a \"b\"') == 'it\\'s'") },
      { op: "keep_columns", columns: ["id"] },
      { op: "take_random_sample", probability: 0.5, seed: 1 },
      { op: "take", count: 3 },
    ],
  } as const;
  const options = { onError: "null", seed: 0 } as const;
  const { sql } = compilePlan(plan, table, options);
  expect(compilePlan(plan, table, options).sql).toBe(sql);
  expect(sql).toMatchInlineSnapshot(`
    "WITH "step_0_read_delimited" AS NOT MATERIALIZED (
      SELECT "Path",
        "id value" AS "id",
        ("id text" IS NOT NULL AND "id value" IS NULL) AS "id error",
        "a ""b"" text" AS "a ""b"""
      FROM (SELECT *, CASE WHEN try_cast("id text" AS BIGINT) IS NOT NULL AND strlen("id text") = 1 THEN try_cast("id text" AS BIGINT) WHEN try_cast("id text" AS BIGINT)::VARCHAR = "id text" THEN try_cast("id text" AS BIGINT) WHEN regexp_full_match(regexp_replace("id text", '^[\\s\\x0B\\p{Z}\\x{FEFF}]+|[\\s\\x0B\\p{Z}\\x{FEFF}]+$', '', 'g'), '[+-]?[0-9]+(\\.0*)?') THEN try_cast(regexp_replace("id text", '^[\\s\\x0B\\p{Z}\\x{FEFF}]+|[\\s\\x0B\\p{Z}\\x{FEFF}]+$', '', 'g') AS BIGINT) WHEN regexp_full_match(regexp_replace("id text", '^[\\s\\x0B\\p{Z}\\x{FEFF}]+|[\\s\\x0B\\p{Z}\\x{FEFF}]+$', '', 'g'), '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)[eE][+-]?[0-9]+') AND try_cast(regexp_replace("id text", '^[\\s\\x0B\\p{Z}\\x{FEFF}]+|[\\s\\x0B\\p{Z}\\x{FEFF}]+$', '', 'g') AS DOUBLE) = trunc(try_cast(regexp_replace("id text", '^[\\s\\x0B\\p{Z}\\x{FEFF}]+|[\\s\\x0B\\p{Z}\\x{FEFF}]+$', '', 'g') AS DOUBLE)) AND abs(try_cast(regexp_replace("id text", '^[\\s\\x0B\\p{Z}\\x{FEFF}]+|[\\s\\x0B\\p{Z}\\x{FEFF}]+$', '', 'g') AS DOUBLE)) <= 9007199254740991 THEN try_cast(regexp_replace("id text", '^[\\s\\x0B\\p{Z}\\x{FEFF}]+|[\\s\\x0B\\p{Z}\\x{FEFF}]+$', '', 'g') AS DOUBLE)::BIGINT END AS "id value" FROM (
        SELECT (['https://x/a.csv', 'https://x/b''s.csv']::VARCHAR[])[file_index::BIGINT + 1] AS "Path", f0 AS "id text", f1 AS "a ""b"" text"
        FROM read_csv(['/c/1', '/c/2'], auto_detect = false, header = true, delim = ',', quote = '', escape = '', null_padding = true, strict_mode = true, hive_partitioning = false, compression = 'none', parallel = true, columns = {f0: 'VARCHAR', f1: 'VARCHAR'}, allow_quoted_nulls = false)
      ))
    ),
    "step_1_filter" AS NOT MATERIALIZED (
      SELECT * FROM "step_0_read_delimited" WHERE (("id" > (5)::BIGINT) AND ("a ""b""" = 'it''s'))
    ),
    "step_2_keep_columns" AS NOT MATERIALIZED (
      SELECT "id", "id error" FROM "step_1_filter"
    ),
    "step_3_take_random_sample" AS NOT MATERIALIZED (
      SELECT * EXCLUDE ("row number") FROM (SELECT *, row_number() OVER () - 1 AS "row number" FROM "step_2_keep_columns") WHERE (xor((xor((((("row number")::UBIGINT & 4294967295) + (("row number")::UBIGINT >> 32) * 40503 + 1753845952) * 2654435761 & 4294967295), (((("row number")::UBIGINT & 4294967295) + (("row number")::UBIGINT >> 32) * 40503 + 1753845952) * 2654435761 & 4294967295) >> 16) * 2246822507 & 4294967295), (xor((((("row number")::UBIGINT & 4294967295) + (("row number")::UBIGINT >> 32) * 40503 + 1753845952) * 2654435761 & 4294967295), (((("row number")::UBIGINT & 4294967295) + (("row number")::UBIGINT >> 32) * 40503 + 1753845952) * 2654435761 & 4294967295) >> 16) * 2246822507 & 4294967295) >> 13) * 3266489909 & 4294967295) >= 0 AND (xor((xor((((("row number")::UBIGINT & 4294967295) + (("row number")::UBIGINT >> 32) * 40503 + 1753845952) * 2654435761 & 4294967295), (((("row number")::UBIGINT & 4294967295) + (("row number")::UBIGINT >> 32) * 40503 + 1753845952) * 2654435761 & 4294967295) >> 16) * 2246822507 & 4294967295), (xor((((("row number")::UBIGINT & 4294967295) + (("row number")::UBIGINT >> 32) * 40503 + 1753845952) * 2654435761 & 4294967295), (((("row number")::UBIGINT & 4294967295) + (("row number")::UBIGINT >> 32) * 40503 + 1753845952) * 2654435761 & 4294967295) >> 16) * 2246822507 & 4294967295) >> 13) * 3266489909 & 4294967295) < 2147483648
    ),
    "step_4_take" AS NOT MATERIALIZED (
      SELECT * FROM "step_3_take_random_sample" LIMIT 3
    )
    SELECT "id"
    FROM "step_4_take""
  `);
});
