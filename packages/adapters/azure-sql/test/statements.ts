import type { SqlStatements } from "@aml/adapter-testkit";

const quoted = (name: string): string => `[${name.replaceAll("]", "]]")}]`;

const CASTS = {
  string: "nvarchar(max)",
  int64: "bigint",
  float64: "float",
  boolean: "bit",
  decimal: "decimal(38,10)",
  bytes: "varbinary(max)",
  date: "date",
  timestamp: "datetime2(7)",
} as const;

/** Ranges are read of tables: nothing else has a snapshot on SQL Server. */
const ONE = "(SELECT TOP (1) id AS ledger_id FROM ledger) AS one";
// Counts down where its end is before its start.
const upTo = (count: number): string =>
  `generate_series(1, ${count}) CROSS JOIN ${ONE} WHERE value BETWEEN 1 AND ${count}`;

export const statements: SqlStatements = {
  series: (count, column) => `SELECT value AS ${quoted(column)} FROM ${upTo(count)}`,
  wide: (count) => `SELECT value AS n, replicate('x', 1000) AS pad FROM ${upTo(count)}`,
  nullKey: "SELECT n FROM (VALUES (2), (NULL), (3), (1)) AS keys (n) CROSS JOIN " + ONE,
  // Text that is not of the server's code page needs its N.
  value: (expression) => `SELECT ${expression.replace(/^'/, "N'")} AS value FROM ${ONE}`,
  parameter: (type) => `CAST(:value AS ${CASTS[type]})`,
  slow: "SELECT count_big(*) AS n FROM generate_series(1, 100000) AS a CROSS JOIN generate_series(1, 100000) AS b",
  failing: "SELECT value AS n, 1 / (7000 - value) AS x FROM generate_series(1, 10000)",
  broken: "SELECT 1 AS one,\n  2 AS two fromm x",
  missingTable: "SELECT * FROM no_such_table",
  twins: "SELECT 1 AS n, 2 AS n",
  writes: [
    "INSERT INTO ledger VALUES (3, 'three')",
    " -- a remark\n UPDATE ledger SET note = 'x'",
    "DELETE FROM ledger",
    "CREATE TABLE other (id int)",
    "DROP TABLE ledger",
    "TRUNCATE TABLE ledger",
    "MERGE ledger AS l USING ledger AS m ON l.id = m.id WHEN MATCHED THEN DELETE;",
    "WITH gone AS (SELECT * FROM ledger) DELETE FROM gone",
    "SELECT * INTO copied FROM ledger",
    "SELECT 1e0into copied FROM ledger",
    "SELECT $1into copied FROM ledger",
    "SELECT 1 AS n DELETE FROM ledger",
    "SELECT 1 AS n COMMIT DELETE FROM ledger",
    "SELECT 1 AS n /* /* */ ' */ DELETE FROM ledger --'",
    "SELECT 1 AS n --\r\n DELETE FROM ledger",
    "SELECT 1 AS n -- \r ' \n DELETE FROM ledger --'",
    "SELECT NEXT VALUE FOR numbers AS n",
    "SELECT NEXT /* */ VALUE FOR numbers AS n",
    "COMMIT; DELETE FROM ledger",
    "COMMIT",
    "BEGIN TRANSACTION DELETE FROM ledger COMMIT",
    "EXEC sp_executesql N'DELETE FROM ledger'",
    "sp_executesql N'DELETE FROM ledger'",
    "DECLARE @x int = 1 DELETE FROM ledger",
    "IF 1 = 1 DELETE FROM ledger",
    "SELECT * FROM OPENROWSET(BULK 'x', SINGLE_CLOB) AS x",
  ],
};
