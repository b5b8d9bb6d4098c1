import type { Column } from "@aml/core";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { exitCodeOf } from "../src/exit-code.ts";
import { formatBytes } from "../src/format-bytes.ts";
import { jsonText } from "../src/json-text.ts";
import { printTable } from "../src/print-table.ts";

const column = (name: string, type: Column["type"]): Column => ({ name, type, nullable: true });

test("names, types, numbers to the right, null, times and bytes", () => {
  const columns = [
    column("id", "int64"),
    column("name", "string"),
    column("at", "timestamp"),
    column("raw", "bytes"),
  ];
  const rows = [
    { id: 9007199254740993n, name: "a", at: new Date(0), raw: new Uint8Array([1, 2]) },
    { id: 2n, name: null, at: null, raw: null },
  ];
  expect(printTable(columns, rows, { width: 100, color: false, types: true })).toBe(
    [
      "              id  name    at                        raw",
      "           int64  string  timestamp                 bytes",
      '9007199254740993  a       1970-01-01T00:00:00.000Z  "AQI="',
      "               2  null    null                      null",
      "",
    ].join("\n"),
  );
});

test("nothing is wider than the terminal; what does not fit is named", () => {
  const columns = ["a", "b", "c", "d"].map((name) => column(name, "string"));
  const rows = [{ a: "x".repeat(200), b: "y".repeat(30), c: "é🎉".repeat(20), d: "z" }];
  const lines = printTable(columns, rows, { width: 60, color: true, types: true }).split("\n");
  expect(lines.slice(0, -2).every((line) => [...stripVTControlCharacters(line)].length <= 60)).toBe(true);
  expect(stripVTControlCharacters(lines.at(-2) ?? "")).toMatch(/^… and \d more columns: .*d$/);
  expect(lines[2]).toContain(`${"x".repeat(39)}…`);
});

test("a pipe gets every character", () => {
  const text = printTable([column("a", "string")], [{ a: "x".repeat(500) }], {
    width: Infinity,
    color: false,
    types: false,
  });
  expect(text).toBe(`a\n${"x".repeat(500)}\n`);
});

test("data cannot steer the terminal", () => {
  const evil = "\u001b[2J\u001b]0;owned\u0007a\r\nb\u009bc";
  const text = printTable([column(evil, "string")], [{ [evil]: evil }], {
    width: 80,
    color: false,
    types: false,
  });
  for (const control of ["\u001b", "\u0007", "\r", "\u009b"]) expect(text).not.toContain(control);
  expect(text.split("\n")).toHaveLength(3);
});

test.each([
  [{ a: 1n, b: [2n, null, undefined] }, '{"a":1,"b":[2,null,null]}'],
  [{ at: new Date(0), skip: undefined }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  [{ x: Number.NaN, y: new Uint8Array([255]) }, '{"x":"NaN","y":"/w=="}'],
  ['a"\n', '"a\\"\\n"'],
])("%o as JSON", (value, text) => {
  expect(jsonText(value)).toBe(text);
});

test("bytes for people", () => {
  expect([0, 999, 1000, 999_949, 999_950, 1.5e12].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "999.9 kB",
    "1.0 MB",
    "1.5 TB",
  ]);
});

test("every code has an exit code, and one that is unknown is a bug", () => {
  expect(
    [
      "plan_invalid",
      "auth_failed",
      "not_found",
      "parse_failed",
      "timeout",
      "resource_exhausted",
      "internal",
      "new",
    ].map(exitCodeOf),
  ).toEqual([2, 3, 4, 5, 6, 7, 1, 1]);
});
