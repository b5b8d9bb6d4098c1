import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bindParameters, type SqlDialect } from "@aml/core/sql";

const postgres: SqlDialect = {
  placeholder: (index) => `$${index}`,
  quotes: { "'": "'", '"': '"' },
  backslashes: "e_strings",
  dollarQuotes: true,
  nestedComments: true,
};
const mysql: SqlDialect = {
  placeholder: () => "?",
  positional: true,
  quotes: { "'": "'", '"': '"', "`": "`" },
  backslashes: "always",
  hashComments: true,
};
const mssql: SqlDialect = {
  placeholder: (index) => `@p${index}`,
  quotes: { "'": "'", '"': '"', "[": "]" },
  nestedComments: true,
};

describe("bindParameters", () => {
  test.each([
    [postgres, "a = :x and b = :y or c = :x", "a = $1 and b = $2 or c = $1", [1, 2]],
    [mysql, "a = :x and b = :y or c = :x", "a = ? and b = ? or c = ?", [1, 2, 1]],
    [mssql, "a = :x and b = :y or c = :x", "a = @p1 and b = @p2 or c = @p1", [1, 2]],
    [postgres, "select :x::text, y::x, a[1:2], :y", "select $1::text, y::x, a[1:2], $2", [1, 2]],
    [postgres, "':x' \":x\" 'it''s :x' :x :y", "':x' \":x\" 'it''s :x' $1 $2", [1, 2]],
    [postgres, "e'\\':x' '\\' :x, :y", "e'\\':x' '\\' $1, $2", [1, 2]],
    [postgres, "$$ :x $$ $a$ $$ :x $a$ :x b$c$ :y", "$$ :x $$ $a$ $$ :x $a$ $1 b$c$ $2", [1, 2]],
    [postgres, "/* /* :x */ :x */ :x -- :y\n:y", "/* /* :x */ :x */ $1 -- :y\n$2", [1, 2]],
    [mysql, "/* /* :x */ :x -- :x\n# :y\n:y", "/* /* :x */ ? -- :x\n# :y\n?", [1, 2]],
    [mysql, "'\\':x' `:x` \":x\" :x,:y", "'\\':x' `:x` \":x\" ?,?", [1, 2]],
    [mssql, "[a]]:x] :x '\\' :y", "[a]]:x] @p1 '\\' @p2", [1, 2]],
    [postgres, ":x :y 'open :x", "$1 $2 'open :x", [1, 2]],
  ] as const)("%#: %s", (dialect, text, bound, values) => {
    const statement = bindParameters({ text, parameters: { x: 1, y: 2 } }, dialect);
    expect([statement.text, statement.values, statement.original]).toEqual([bound, values, text]);
  });

  test("leaves a text without parameters alone, and names that have no value", () => {
    expect(bindParameters({ text: "select :x" }, postgres).text).toBe("select :x");
    expect(bindParameters({ text: "select :x, :toString", parameters: { x: 1 } }, postgres).text).toBe(
      "select $1, :toString",
    );
  });

  test.each(["y", "x; drop table t", "__proto__"])("refuses the parameter %j that has no place", (name) => {
    const parameters = Object.fromEntries([[name, 1]]);
    expect(() => bindParameters({ text: "select ':y' -- :y", parameters }, postgres)).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        message: expect.stringContaining(JSON.stringify(name)),
      }),
    );
  });

  test("finds the place in the original of every place in the bound text", () => {
    const part = fc.constantFrom(":x", ":long_name", "' :x '", "abc ", "\n", "::x ", "é😀 ");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = `:x ${parts.join(" ")} :long_name`;
        const bound = bindParameters({ text, parameters: { x: 1, long_name: 2 } }, postgres);
        let previous = -1;
        for (let at = 0; at < bound.text.length; at += 1) {
          const original = bound.originalOffset(at);
          expect(original).toBeGreaterThanOrEqual(previous);
          previous = original;
          if (!/[$\d]/.test(bound.text[at] ?? "")) expect(text[original]).toBe(bound.text[at]);
        }
        expect(bound.originalOffset(bound.text.length)).toBe(text.length);
      }),
    );
  });

  test("puts nothing of a value into the text", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(postgres, mysql, mssql), (value, dialect) => {
        const statement = bindParameters({ text: "select :x", parameters: { x: value } }, dialect);
        expect(statement.text).toBe(`select ${dialect.placeholder(1)}`);
        expect(statement.values).toEqual([value]);
      }),
    );
  });
});
