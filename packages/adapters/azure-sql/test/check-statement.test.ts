import { isAmlError } from "@aml/core/adapter";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkStatement } from "../src/check-statement.ts";

function check(text: string): void {
  checkStatement({ text, original: text, values: [], originalOffset: (offset) => offset });
}

describe("a query passes", () => {
  test.each([
    "select 1",
    "SELECT * FROM t WHERE a = 'delete from x; drop table y'",
    "select [delete], \"insert into\", 'it''s; truncate' from t -- drop table t",
    "/* delete /* nested */ ; */ select 1",
    "with a as (select 1 as x) select * from a;  -- end\n ; ",
    "select 1 union all select 2 order by 1 offset 1 rows fetch next 5 rows only",
    "select * from a inner merge join b on a.x = b.x option (merge join, hash join)",
    "(select 1 as n) union (select 2)",
    "select t.created, t.updated_at, t.inserted, settings from t",
    "select value from t",
    "select row_number() over (order by a), 0x1F, 1e5, .5, $3.2 from t with (nolock)",
    "select @p1 as a, N'東京' as ü",
  ])("%s", (text) => {
    expect(() => check(text)).not.toThrow();
  });
});

const WRITES = [
  "delete from t",
  "insert into t values (1)",
  "update t set a = 1",
  "drop table t",
  "truncate table t",
  "exec p",
  "merge t using s on 1 = 1 when matched then delete",
  "commit",
  "create table x (a int)",
  "grant select on t to u",
  "waitfor delay '1'",
  "set rowcount 1",
];

describe("what changes something does not", () => {
  test.each([
    ...WRITES,
    "select * into x from t",
    "select 1into x",
    "select 1e0into x from t",
    "select 1einto x from t",
    "select 0xinto x from t",
    "select $1into x from t",
    "select .5into x from t",
    "select 1 ＩＮＴＯ x",
    "select next value for s",
    "select NEXT\n/* */ VALUE FOR s",
    "select * from openquery(s, 'delete from t')",
    "select 1 fetch next from c",
    "values (1)",
    "",
    " -- nothing",
    ";",
    "select 1; select 2",
    "select 1 -- \r delete from t",
    "p 'x'",
    "+ select 1",
  ])("%s", (text) => {
    expect(() => check(text)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });

  const quoted = fc.constantFrom(
    "'a'",
    "'it''s'",
    "[x]",
    "[a]]b]",
    '"q"',
    '"a""b"',
    "/* c */",
    "/* /* n */ ' */",
    "-- l\n",
    "-- '\r\n",
    "1",
    "a.b",
    ",",
    "(1)",
    "N'ü'",
  );

  test("wherever it stands behind a query", () => {
    fc.assert(
      fc.property(
        fc.array(quoted, { maxLength: 8 }),
        fc.constantFrom(...WRITES),
        fc.constantFrom(" ", "\n", ";", "\t"),
        (parts, write, gap) => {
          expect(() => check(`select ${parts.join(" ")}${gap}${write}`)).toThrow(
            expect.objectContaining({ code: "unsupported" }),
          );
        },
      ),
    );
  });

  test("the place is shown, and any text is judged", () => {
    expect(() => check("select 1,\n  2 into x")).toThrow(/line 2, column 5:\n {2}.*2 into x/);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        try {
          check(text);
        } catch (error) {
          if (!isAmlError(error, "unsupported")) throw error;
        }
      }),
    );
  });
});
