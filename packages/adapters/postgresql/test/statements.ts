import type { SqlStatements } from "@aml/adapter-testkit";

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const CASTS = {
  string: "text",
  int64: "bigint",
  float64: "double precision",
  boolean: "boolean",
  decimal: "numeric",
  bytes: "bytea",
  date: "date",
  timestamp: "timestamptz",
} as const;

export const statements: SqlStatements = {
  // In the list of columns it streams; in FROM the server would make all rows first.
  series: (count, column) => `SELECT generate_series(1, ${count}) AS ${quoted(column)}`,
  wide: (count) => `SELECT generate_series(1, ${count}) AS n, repeat('x', 1000) AS pad`,
  nullKey: "SELECT unnest(ARRAY[2, NULL, 3, 1]) AS n",
  value: (expression) => `SELECT ${expression} AS value`,
  parameter: (type) => `CAST(:value AS ${CASTS[type]})`,
  slow: "SELECT pg_sleep(120)",
  failing: "SELECT n, 1 / (7000 - n) AS x FROM generate_series(1, 10000) AS n",
  broken: "SELECT 1 AS one,\n  2 AS two fromm x",
  missingTable: "SELECT * FROM no_such_table",
  twins: "SELECT 1 AS n, 2 AS n",
  writes: [
    "INSERT INTO ledger VALUES (3, 'three')",
    " -- a remark\n UPDATE ledger SET note = 'x'",
    "DELETE FROM ledger",
    "CREATE TABLE other (id int)",
    "DROP TABLE ledger",
    "TRUNCATE ledger",
    "WITH gone AS (DELETE FROM ledger RETURNING *) SELECT * FROM gone",
    "SELECT write_ledger()",
    "SELECT nextval('numbers')",
    "CALL clear_ledger()",
    "DO $$ BEGIN DELETE FROM ledger; END $$",
    "SELECT * INTO copied FROM ledger",
    "COMMIT; DELETE FROM ledger",
    "COMMIT",
    "SET TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', true), write_ledger()",
    "SELECT 1 FROM ledger FOR UPDATE",
    "SELECT lo_create(0)",
    "COPY ledger FROM PROGRAM 'echo 4'",
  ],
};
