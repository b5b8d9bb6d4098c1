import type { SqlType, SqlValue } from "@aml/adapter-testkit";
import type { Cell, ColumnType } from "@aml/core";

/** A type and its values: SQL literal and cell. A null is added. */
function type(
  name: string,
  column: ColumnType,
  values: readonly (readonly [string, Cell])[],
  loss?: string,
): SqlType {
  const all: SqlValue[] = values.map(([literal, cell]) => ({ sql: `CAST(${literal} AS ${name})`, cell }));
  return { name, type: column, values: [...all, { sql: `CAST(NULL AS ${name})`, cell: null }], loss };
}

interface Time {
  readonly literal: string;
  readonly date: string;
  readonly text: string;
}

function times(name: string, values: readonly Time[], loss?: string): SqlType {
  const all = values.map(({ literal, date, text }): SqlValue => ({
    sql: `CAST('${literal}' AS ${name})`,
    cell: new Date(date),
    text,
  }));
  return { name, type: "timestamp", values: [...all, { sql: `CAST(NULL AS ${name})`, cell: null }], loss };
}

const TEXT = "nothing: it is text";
const BELOW = 'the digits below the millisecond; `timestamps: "text"` has them';

/** Every kind of type of SQL Server, at its limits. */
export const types: readonly SqlType[] = [
  type("bit", "boolean", [
    ["1", true],
    ["0", false],
  ]),
  type("tinyint", "int32", [
    ["0", 0],
    ["255", 255],
  ]),
  type("smallint", "int32", [
    ["-32768", -32_768],
    ["32767", 32_767],
  ]),
  type("int", "int32", [
    ["-2147483648", -2_147_483_648],
    ["2147483647", 2_147_483_647],
  ]),
  type("bigint", "int64", [
    ["-9223372036854775808", -9_223_372_036_854_775_808n],
    ["9223372036854775807", 9_223_372_036_854_775_807n],
    ["0", 0n],
  ]),
  type("real", "float64", [
    ["0.5", 0.5],
    ["0.1", Math.fround(0.1)],
  ]),
  type("float", "float64", [
    ["0.1", 0.1],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["-2.5e-300", -2.5e-300],
  ]),
  type("decimal(15,5)", "decimal", [
    ["1234567890.12345", "1234567890.12345"],
    ["-9999999999.99999", "-9999999999.99999"],
    ["0.00001", "0.00001"],
    ["0", "0.00000"],
  ]),
  type("decimal(38,10)", "decimal", [
    ["12345678901234567890.0123456789", "12345678901234567890.0123456789"],
    ["-9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999"],
    ["1", "1.0000000000"],
  ]),
  type("decimal(38,0)", "decimal", [
    ["99999999999999999999999999999999999999", "99999999999999999999999999999999999999"],
  ]),
  type(
    "money",
    "decimal",
    [
      ["-1234567890.1234", "-1234567890.1234"],
      ["112589990684.2", "112589990684.2000"],
    ],
    "nothing; from 112,589,990,684.2624 on it is refused (`unsupported`): cast it to `decimal(19,4)`",
  ),
  type("smallmoney", "decimal", [
    ["-214748.3648", "-214748.3648"],
    ["214748.3647", "214748.3647"],
  ]),
  type("char(5)", "string", [["'ab'", "ab   "]]),
  type("varchar(5)", "string", [["'abcdefgh'", "abcde"]], "nothing; the server cuts longer casts"),
  type("varchar(max)", "string", [["'é€'", "é€"]]),
  type("nchar(3)", "string", [["N'漢'", "漢  "]]),
  type("nvarchar(50)", "string", [
    ["N''", ""],
    ["N'Grüße \u{1F600} 東京'", "Grüße \u{1F600} 東京"],
  ]),
  type(
    "nvarchar(max)",
    "string",
    [["replicate(N'漢', 9000)", "漢".repeat(9000)]],
    "nothing; JSON kept in it is text",
  ),
  type("binary(3)", "bytes", [["0x00ff", new Uint8Array([0, 255, 0])]]),
  type("varbinary(10)", "bytes", [
    ["0x", new Uint8Array()],
    ["0x00ff27", new Uint8Array([0, 255, 39])],
  ]),
  type("varbinary(max)", "bytes", [["0xdeadbeef", new Uint8Array([222, 173, 190, 239])]]),
  type(
    "uniqueidentifier",
    "string",
    [["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]],
    "nothing; its letters are small",
  ),
  type("date", "date", [
    ["'2024-02-29'", "2024-02-29"],
    ["'0001-01-01'", "0001-01-01"],
    ["'9999-12-31'", "9999-12-31"],
  ]),
  type("time(6)", "string", [["'23:59:59.999999'", "23:59:59.999999"]], TEXT),
  type("time(0)", "string", [["'12:34:56'", "12:34:56"]], TEXT),
  times(
    "smalldatetime",
    [
      { literal: "2024-02-29 12:34", date: "2024-02-29T12:34:00Z", text: "2024-02-29T12:34:00" },
      { literal: "1900-01-01", date: "1900-01-01T00:00:00Z", text: "1900-01-01T00:00:00" },
    ],
    "the time zone is none, and UTC in a `Date`",
  ),
  times(
    "datetime",
    [
      {
        literal: "2024-02-29 12:34:56.997",
        date: "2024-02-29T12:34:56.997Z",
        text: "2024-02-29T12:34:56.997",
      },
      { literal: "1753-01-01", date: "1753-01-01T00:00:00Z", text: "1753-01-01T00:00:00.000" },
    ],
    "the time zone is none, and UTC in a `Date`",
  ),
  times(
    "datetime2(6)",
    [
      {
        literal: "2026-11-25 09:30:00.123456",
        date: "2026-11-25T09:30:00.123Z",
        text: "2026-11-25T09:30:00.123456",
      },
      {
        literal: "1969-12-31 23:59:59.999999",
        date: "1969-12-31T23:59:59.999Z",
        text: "1969-12-31T23:59:59.999999",
      },
      { literal: "0001-01-01", date: "0001-01-01T00:00:00Z", text: "0001-01-01T00:00:00.000000" },
      {
        literal: "9999-12-31 23:59:59.999999",
        date: "9999-12-31T23:59:59.999Z",
        text: "9999-12-31T23:59:59.999999",
      },
    ],
    `the time zone is none, and UTC in a \`Date\`; ${BELOW}`,
  ),
  times(
    "datetime2(7)",
    [
      {
        literal: "2026-11-25 09:30:00.123456",
        date: "2026-11-25T09:30:00.123Z",
        text: "2026-11-25T09:30:00.1234560",
      },
    ],
    `the time zone is none, and UTC in a \`Date\`; ${BELOW}`,
  ),
  times(
    "datetimeoffset(6)",
    [
      {
        literal: "2026-11-25 09:30:00.123456 +02:00",
        date: "2026-11-25T07:30:00.123Z",
        text: "2026-11-25T07:30:00.123456Z",
      },
    ],
    `the offset: it is UTC; ${BELOW}`,
  ),
  type("xml", "string", [["'<a>1</a>'", "<a>1</a>"]], TEXT),
  {
    name: "sql_variant",
    type: "string",
    values: [{ sql: "CAST('x' AS sql_variant)", cell: null }],
    loss: "Cast it to a type of its own",
    refused: "unsupported",
  },
];
