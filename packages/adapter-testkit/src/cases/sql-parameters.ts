import type { Cell } from "@aml/core";
import { equal, refuses } from "../expect.ts";
import type { SqlCase } from "../sql-case.ts";
import { isSeries, rowsOf, sameCell, valueOf, textOf } from "../sql-expect.ts";
import { optioning, texting } from "../sql-mutate.ts";

const HOSTILE = [
  "'; drop table t; --",
  "\\'; select 1; --",
  "$1 :value ? @p1",
  '"x" `y` [z]',
  "%s {0} ${value}",
  "",
  "\u{1F600}\n\r\t\u2028",
  "x".repeat(100_000),
];

export const sqlParameterCases: readonly SqlCase[] = [
  {
    id: "parameters/hostile",
    title: "a text that looks like SQL is a value",
    needs: [],
    async run({ sql, statements }) {
      const text = statements.value(statements.parameter("string"));
      for (const value of HOSTILE) {
        sameCell(await valueOf(sql, { text, parameters: { value } }), value, "The value");
      }
    },
    mutate: texting(({ text, parameters }) => ({
      text: text.replace(":value", () => JSON.stringify(textOf(parameters?.["value"]).replaceAll("'", ""))),
    })),
  },
  {
    id: "parameters/types",
    title: "a parameter of each type is bound exactly",
    needs: [],
    async run({ sql, statements }) {
      const values: readonly (readonly [Parameters<typeof statements.parameter>[0], Cell])[] = [
        ["int64", 9_223_372_036_854_775_807n],
        ["int64", -9_223_372_036_854_775_808n],
        ["float64", 0.1],
        ["float64", -1.797_693_134_862_315_7e308],
        ["decimal", "1234567890123456789012345678.0123456789"],
        ["bytes", new Uint8Array([0, 39, 92, 255])],
        ["date", "2026-02-28"],
        ["timestamp", new Date("2026-03-29T01:30:00.123Z")],
        ["string", "text"],
      ];
      for (const [type, value] of values) {
        const text = statements.value(statements.parameter(type));
        sameCell(await valueOf(sql, { text, parameters: { value } }), value, `The ${type}`);
        sameCell(await valueOf(sql, { text, parameters: { value: null } }), null, `The null of ${type}`);
      }
      const text = statements.value(statements.parameter("boolean"));
      for (const value of [true, false]) {
        const cell = await valueOf(sql, { text, parameters: { value } });
        equal(Number(cell), Number(value), "The boolean");
      }
    },
    mutate: texting(({ text, parameters }) => {
      const value = parameters?.["value"];
      return { text, parameters: { value: typeof value === "bigint" ? Number(value) : (value ?? null) } };
    }),
  },
  {
    id: "parameters/places",
    title: "a name in a string or a comment is no place, and one name may have several places",
    needs: [],
    async run({ sql, statements }) {
      const parameter = statements.parameter("string");
      const text = `/* :value ' */ ${statements.value(`concat(${parameter}, ' :value ', ${parameter})`)} -- :value`;
      sameCell(await valueOf(sql, { text, parameters: { value: "x" } }), "x :value x", "The value");
    },
    mutate: texting((statement) => ({ ...statement, text: statement.text.replace("' :value '", "' x '") })),
  },
  {
    id: "parameters/unused",
    title: "a parameter without a place is config_invalid",
    needs: [],
    async run({ sql, statements }) {
      const text = statements.series(1, "n");
      await refuses(() => rowsOf(sql, { text, parameters: { other: 1 } }), "config_invalid");
    },
    mutate: texting(({ text }) => ({ text })),
  },
  {
    id: "parameters/batch-rows",
    title: "a number of batch rows that is none is config_invalid",
    needs: [],
    async run({ sql, statements }) {
      for (const batchRows of [0, -1, 1.5, Number.NaN]) {
        await refuses(() => rowsOf(sql, statements.series(1, "n"), { batchRows }), "config_invalid");
      }
      isSeries(await rowsOf(sql, statements.series(2, "n"), { batchRows: 1 }), 2, "n");
    },
    mutate: optioning((options) => ({ ...options, batchRows: 10 })),
  },
];
