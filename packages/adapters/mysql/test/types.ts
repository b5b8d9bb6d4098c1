import type { SqlType, SqlValue } from "@aml/adapter-testkit";

/** A value that only a column can have: the first row of a table that is made for it. */
interface Stored extends SqlValue {
  readonly column: string;
  readonly literal: string;
}

const stored: Stored[] = [];

/** An expression of a column's type: its one value, from a table of its own. */
function kept(column: string, literal: string, cell: SqlValue["cell"], text?: string): SqlValue {
  const table = `stored_${stored.length}`;
  const sql = `(SELECT v FROM ${table})`;
  stored.push({ column, literal, sql, cell });
  return { sql, cell, ...(text !== undefined && { text }) };
}

const bytes = (...all: number[]): Uint8Array => new Uint8Array(all);
const date = (text: string): Date => new Date(text);

/** How each type is read. */
export const types: readonly SqlType[] = [
  {
    name: "tinyint, tinyint(1), boolean",
    type: "int32",
    loss: "nothing: `TRUE` is 1, as the server has it",
    values: [
      kept("tinyint(1)", "1", 1),
      kept("boolean", "TRUE", 1),
      kept("tinyint", "-128", -128),
      kept("tinyint unsigned", "255", 255),
      kept("tinyint", "NULL", null),
    ],
  },
  {
    name: "smallint, mediumint, int",
    type: "int32",
    values: [
      kept("smallint", "-32768", -32768),
      kept("smallint unsigned", "65535", 65535),
      kept("mediumint", "-8388608", -8388608),
      kept("mediumint unsigned", "16777215", 16777215),
      kept("int", "-2147483648", -(2 ** 31)),
      kept("int", "2147483647", 2 ** 31 - 1),
      kept("int", "NULL", null),
    ],
  },
  { name: "year", type: "int32", values: [kept("year", "2026", 2026), kept("year", "NULL", null)] },
  {
    name: "int unsigned",
    type: "int64",
    values: [kept("int unsigned", "4294967295", 4294967295n), kept("int unsigned", "NULL", null)],
  },
  {
    name: "bigint",
    type: "int64",
    values: [
      kept("bigint", "-9223372036854775808", -(2n ** 63n)),
      kept("bigint", "9223372036854775807", 2n ** 63n - 1n),
      kept("bigint", "NULL", null),
    ],
  },
  {
    name: "bigint unsigned",
    type: "decimal",
    values: [
      kept("bigint unsigned", "18446744073709551615", "18446744073709551615"),
      kept("bigint unsigned", "0", "0"),
      kept("bigint unsigned", "NULL", null),
    ],
  },
  {
    name: "bit(1)",
    type: "boolean",
    values: [kept("bit(1)", "b'1'", true), kept("bit(1)", "b'0'", false), kept("bit(1)", "NULL", null)],
  },
  {
    name: "bit(2) to bit(63)",
    type: "int64",
    values: [kept("bit(63)", `b'${"1".repeat(63)}'`, 2n ** 63n - 1n), kept("bit(9)", "NULL", null)],
  },
  {
    name: "bit(64)",
    type: "decimal",
    values: [kept("bit(64)", `b'${"1".repeat(64)}'`, String(2n ** 64n - 1n)), kept("bit(64)", "NULL", null)],
  },
  {
    name: "float",
    type: "float64",
    loss: "nothing: the number that the four bytes are",
    values: [
      kept("float", "0.1", Math.fround(0.1)),
      kept("float", "16777217", 16777216),
      kept("float", "3.4028234663852886e38", 3.4028234663852886e38),
      kept("float", "NULL", null),
    ],
  },
  {
    name: "double",
    type: "float64",
    values: [
      kept("double", "1.7976931348623157e308", Number.MAX_VALUE),
      kept("double", "0.1", 0.1),
      kept("double", "-2.2250738585072014e-308", -2.2250738585072014e-308),
      kept("double", "NULL", null),
    ],
  },
  {
    name: "decimal",
    type: "decimal",
    values: [
      kept("decimal(38,10)", "12345678901234567890.0123456789", "12345678901234567890.0123456789"),
      kept("decimal(65,30)", `-${"9".repeat(35)}.${"9".repeat(30)}`, `-${"9".repeat(35)}.${"9".repeat(30)}`),
      kept("decimal(38,0)", "9".repeat(38), "9".repeat(38)),
      kept("decimal(10,2)", "1.5", "1.50"),
      kept("decimal(10,2)", "NULL", null),
    ],
  },
  {
    name: "char, varchar, text",
    type: "string",
    values: [
      kept("varchar(100) CHARACTER SET utf8mb4", "''", ""),
      kept("text CHARACTER SET utf8mb4", "'Zoë \u{1F600} \\n'", "Zoë \u{1F600} \n"),
      kept("char(5) CHARACTER SET latin1", "'é'", "é"),
      kept("longtext CHARACTER SET utf8mb4", "REPEAT('ä', 70000)", "ä".repeat(70000)),
      kept("text", "NULL", null),
    ],
  },
  {
    name: "enum, set",
    type: "string",
    values: [
      kept("enum('a','b')", "'b'", "b"),
      kept("set('a','b','c')", "'a,c'", "a,c"),
      kept("enum('a')", "NULL", null),
    ],
  },
  {
    name: "binary, varbinary, blob",
    type: "bytes",
    values: [
      kept("varbinary(10)", "x''", bytes()),
      kept("blob", "x'0027FF5C'", bytes(0, 39, 255, 92)),
      kept("binary(3)", "x'01'", bytes(1, 0, 0)),
      kept("blob", "NULL", null),
    ],
  },
  {
    name: "date",
    type: "date",
    loss: "dates such as `0000-00-00` are `parse_failed`, or null with the option `zeroDates`",
    values: [
      kept("date", "'2024-02-29'", "2024-02-29"),
      kept("date", "'9999-12-31'", "9999-12-31"),
      kept("date", "'1000-01-01'", "1000-01-01"),
      kept("date", "NULL", null),
    ],
  },
  {
    name: "datetime",
    type: "timestamp",
    loss: 'a Date has milliseconds and takes it for UTC; `timestamps: "text"` has every digit',
    values: [
      kept(
        "datetime(6)",
        "'2026-11-25 09:30:00.123456'",
        date("2026-11-25T09:30:00.123Z"),
        "2026-11-25T09:30:00.123456",
      ),
      kept("datetime(3)", "'2026-11-25 09:30:00'", date("2026-11-25T09:30:00Z"), "2026-11-25T09:30:00.000"),
      kept("datetime", "'9999-12-31 23:59:59'", date("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59"),
      kept("datetime", "'1000-01-01 00:00:00'", date("1000-01-01T00:00:00Z"), "1000-01-01T00:00:00"),
      kept("datetime", "NULL", null),
    ],
  },
  {
    name: "timestamp",
    type: "timestamp",
    loss: 'a Date has milliseconds; `timestamps: "text"` has every digit',
    values: [
      kept(
        "timestamp(6) NULL",
        "'2026-03-29 01:30:00.999999'",
        date("2026-03-29T01:30:00.999Z"),
        "2026-03-29T01:30:00.999999Z",
      ),
      kept("timestamp NULL", "'2038-01-19 03:14:07'", date("2038-01-19T03:14:07Z"), "2038-01-19T03:14:07Z"),
      kept("timestamp NULL", "NULL", null),
    ],
  },
  {
    name: "time",
    type: "string",
    values: [
      kept("time(6)", "'-838:59:58.000001'", "-838:59:58.000001"),
      kept("time(3)", "'01:02:03'", "01:02:03.000"),
      kept("time", "'00:00:00'", "00:00:00"),
      kept("time", "NULL", null),
    ],
  },
  {
    name: "json",
    type: "json",
    loss: "whole numbers that a double does not hold stay text",
    values: [
      kept("json", `'{"a":[1,{"b":null}],"n":9007199254740993}'`, {
        a: [1, { b: null }],
        n: "9007199254740993",
      }),
      kept("json", "'[]'", []),
      kept("json", "NULL", null),
    ],
  },
  {
    name: "geometry",
    type: "bytes",
    loss: "the server's own format; ask for `ST_AsText(…)`",
    values: [
      kept(
        "point",
        "POINT(1, 2)",
        bytes(0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 0, 64),
      ),
      kept("point", "NULL", null),
    ],
  },
];

/** The tables behind the values. */
export const setUp: readonly string[] = stored.flatMap(({ column, literal }, at) => [
  `CREATE TABLE stored_${at} (v ${column})`,
  `INSERT INTO stored_${at} VALUES (${literal})`,
]);
