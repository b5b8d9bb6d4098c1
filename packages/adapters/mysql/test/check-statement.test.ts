import fc from "fast-check";
import { expect, test } from "vitest";
import { checkStatement } from "../src/check-statement.ts";

const READS = [
  "select 1",
  "WITH x AS (SELECT 1) SELECT * FROM x",
  "TABLE t",
  "VALUES (1)",
  "SHOW TABLES",
  "DESC t",
  "EXPLAIN SELECT 1",
];
const WRITES = [
  "insert into t values (1)",
  "/*! insert into t values (1) */",
  "/*!50000 select 1 */",
  "/*M!100100 select 1 */",
  "analyze table t",
  "set @x = 1",
  "call p()",
  "selective",
  "",
  "  -- select 1",
  "1",
];
const before = fc.constantFrom("", " ", "\n", "-- insert\n", "# insert\n", "/* insert */", "(", "((", "--\n");

test.each(READS)("%s is let through, whatever stands before it", (text) => {
  fc.assert(
    fc.property(fc.array(before, { maxLength: 5 }), (parts) => checkStatement(parts.join("") + text)),
  );
});

test.each(WRITES)("%s is refused", (text) => {
  fc.assert(
    fc.property(fc.array(before, { maxLength: 5 }), (parts) => {
      expect(() => checkStatement(parts.join("") + text)).toThrowError(
        expect.objectContaining({ code: "unsupported" }),
      );
    }),
  );
});

test("a comment that is not one for the server hides nothing", () => {
  // MySQL wants a blank behind two dashes.
  expect(() => checkStatement("--select 1")).toThrow();
});
