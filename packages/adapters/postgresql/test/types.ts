import type { SqlType, SqlValue } from "@aml/adapter-testkit";
import type { Cell, ColumnType } from "@aml/core";

/** A type and its values: SQL literal and cell. A null is added. */
function type(
  name: string,
  column: ColumnType,
  values: readonly (readonly [string, Cell])[],
  loss?: string,
): SqlType {
  const all: SqlValue[] = values.map(([literal, cell]) => ({ sql: `(${literal})::${name}`, cell }));
  return { name, type: column, values: [...all, { sql: `NULL::${name}`, cell: null }], loss };
}

interface Time {
  readonly literal: string;
  /** Absent where no `Date` holds it. */
  readonly date?: string;
  readonly text: string;
}

function times(name: string, values: readonly Time[], loss: string): SqlType {
  const all = values.map(({ literal, date, text }): SqlValue => ({
    sql: `'${literal}'::${name}`,
    cell: date === undefined ? null : new Date(date),
    text,
    textOnly: date === undefined,
  }));
  return { name, type: "timestamp", values: [...all, { sql: `NULL::${name}`, cell: null }], loss };
}

const MICROSECONDS = 'microseconds, and infinity, which is `parse_failed`; `timestamps: "text"` has both';
const TEXT = "nothing: it is text";

/** Every kind of type of PostgreSQL, at its limits. */
export const types: readonly SqlType[] = [
  type("boolean", "boolean", [
    ["true", true],
    ["false", false],
  ]),
  type("smallint", "int32", [
    ["-32768", -32_768],
    ["32767", 32_767],
  ]),
  type("integer", "int32", [
    ["-2147483648", -2_147_483_648],
    ["2147483647", 2_147_483_647],
  ]),
  type("bigint", "int64", [
    ["-9223372036854775808", -9_223_372_036_854_775_808n],
    ["9223372036854775807", 9_223_372_036_854_775_807n],
    ["0", 0n],
  ]),
  type("oid", "int64", [["'4294967295'", 4_294_967_295n]]),
  type("real", "float64", [
    ["0.1", 0.1],
    ["'NaN'", Number.NaN],
    ["'-Infinity'", Number.NEGATIVE_INFINITY],
    ["3.4028235e38", 3.402_823_5e38],
  ]),
  type("double precision", "float64", [
    ["0.1", 0.1],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["5e-324", Number.MIN_VALUE],
    ["'NaN'", Number.NaN],
    ["'Infinity'", Number.POSITIVE_INFINITY],
    ["'-0'", -0],
  ]),
  type("numeric", "decimal", [
    [
      "1234567890123456789012345678901234567890.12345678901234567890",
      "1234567890123456789012345678901234567890.12345678901234567890",
    ],
    ["'NaN'", "NaN"],
    ["'-Infinity'", "-Infinity"],
    ["1.50", "1.50"],
  ]),
  type("numeric(38,10)", "decimal", [
    ["1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"],
    ["-9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999"],
    ["1", "1.0000000000"],
  ]),
  type(
    "money",
    "decimal",
    [
      ["'-92233720368547758.08'", "-92233720368547758.08"],
      ["'1234.5'", "1234.50"],
    ],
    "the currency, which the server does not tell",
  ),
  type("text", "string", [
    ["''", ""],
    ["'Grüße \u{1F600} 東京'", "Grüße \u{1F600} 東京"],
    ["'a''b\\c'", "a'b\\c"],
  ]),
  type("character varying(5)", "string", [["'abcdefgh'", "abcde"]], "nothing; the server cuts longer casts"),
  type("character(5)", "string", [["'ab'", "ab   "]]),
  type("name", "string", [["'ledger'", "ledger"]]),
  type("bytea", "bytes", [
    ["''", new Uint8Array()],
    ["'\\x00ff27'", new Uint8Array([0, 255, 39])],
  ]),
  type("date", "date", [
    ["'2024-02-29'", "2024-02-29"],
    ["'9999-12-31'", "9999-12-31"],
    ["'infinity'", "infinity"],
    ["'-infinity'", "-infinity"],
    ["'0044-03-15 BC'", "-000043-03-15"],
    ["'0001-01-01 BC'", "0000-01-01"],
    ["'5874897-12-31'", "+5874897-12-31"],
  ]),
  type(
    "time",
    "string",
    [
      ["'23:59:59.999999'", "23:59:59.999999"],
      ["'24:00'", "24:00:00"],
    ],
    TEXT,
  ),
  type("time with time zone", "string", [["'01:02:03.4+05:30'", "01:02:03.4+05:30"]], TEXT),
  times(
    "timestamp without time zone",
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
      { literal: "0099-01-01 00:00:00", date: "0099-01-01T00:00:00Z", text: "0099-01-01T00:00:00" },
      { literal: "0044-03-15 12:00:00 BC", date: "-000043-03-15T12:00:00Z", text: "-000043-03-15T12:00:00" },
      { literal: "12026-01-01 00:00:00", date: "+012026-01-01T00:00:00Z", text: "+012026-01-01T00:00:00" },
      { literal: "infinity", text: "infinity" },
      { literal: "294276-12-31 23:59:59.999999", text: "+294276-12-31T23:59:59.999999" },
    ],
    `the time zone is none, and UTC in a \`Date\`; ${MICROSECONDS}`,
  ),
  times(
    "timestamp with time zone",
    [
      {
        literal: "2026-11-25 09:30:00.123456+02",
        date: "2026-11-25T07:30:00.123Z",
        text: "2026-11-25T07:30:00.123456Z",
      },
      {
        literal: "2026-03-29 03:30:00.1 Europe/Berlin",
        date: "2026-03-29T01:30:00.100Z",
        text: "2026-03-29T01:30:00.1Z",
      },
      { literal: "-infinity", text: "-infinity" },
      {
        literal: "4713-01-01 00:00:00+00 BC",
        date: "-004712-01-01T00:00:00Z",
        text: "-004712-01-01T00:00:00Z",
      },
    ],
    MICROSECONDS,
  ),
  type(
    "interval",
    "string",
    [["'1 year 2 months -3 days 04:05:06.789'", "P1Y2M-3DT4H5M6.789S"]],
    "nothing: it is ISO 8601 text",
  ),
  type("uuid", "string", [
    ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
  ]),
  type(
    "json",
    "json",
    [
      [
        `'{"a": [1, null, "x"], "big": 12345678901234567890}'`,
        { a: [1, null, "x"], big: 12_345_678_901_234_567_890n },
      ],
      ["'null'", null],
      [`'"text"'`, "text"],
    ],
    "digits of fractions that a double does not hold; keys of one name but the last",
  ),
  type(
    "jsonb",
    "json",
    [[`'{"b": 9007199254740993, "a": true}'`, { a: true, b: 9_007_199_254_740_993n }]],
    "digits of fractions that a double does not hold",
  ),
  type(
    "int[]",
    "json",
    [
      ["'{1,NULL,3}'", [1, null, 3]],
      ["'{}'", []],
      [
        "'{{1,2},{3,4}}'",
        [
          [1, 2],
          [3, 4],
        ],
      ],
      ["'[0:1]={5,6}'", [5, 6]],
    ],
    "lower bounds other than 1",
  ),
  type("bigint[]", "json", [["'{9223372036854775807}'", [9_223_372_036_854_775_807n]]]),
  type("text[]", "json", [
    [`'{"a b","c\\"d","NULL",NULL,"","x,y","{}"}'`, ["a b", 'c"d', "NULL", null, "", "x,y", "{}"]],
  ]),
  type("numeric[]", "json", [["'{1.10,NaN}'", ["1.10", "NaN"]]]),
  type(
    "timestamptz[]",
    "json",
    [[`'{"2026-01-01 00:00:00.000001+00"}'`, ["2026-01-01T00:00:00.000001Z"]]],
    "nothing: ISO 8601 text",
  ),
  type("bytea[]", "json", [[`'{"\\\\x00ff"}'`, [new Uint8Array([0, 255])]]]),
  type(
    "int4range",
    "string",
    [
      ["'[1,10)'", "[1,10)"],
      ["'empty'", "empty"],
    ],
    TEXT,
  ),
  type("tstzrange", "string", [["'[2026-01-01 00:00+00,)'", '["2026-01-01 00:00:00+00",)']], TEXT),
  type("mood", "string", [["'it''s fine'", "it's fine"]], "nothing: an enum is its label"),
  type("percent", "decimal", [["99.5", "99.50"]], "nothing: a domain is read as what it is of"),
  type(
    "pair",
    "json",
    [
      [
        `ROW(1, 'x "y", (z)\\', '2026-01-01 00:00:00.123456+00')`,
        { a: 1, 'b "x"': 'x "y", (z)\\', at: "2026-01-01T00:00:00.123456Z" },
      ],
      ["ROW(NULL, '', NULL)", { a: null, 'b "x"': "", at: null }],
    ],
    "nothing: a row type is an object",
  ),
  type(
    "inet",
    "string",
    [
      ["'192.168.0.1/24'", "192.168.0.1/24"],
      ["'::1'", "::1"],
    ],
    TEXT,
  ),
  type("macaddr", "string", [["'08:00:2b:01:02:03'", "08:00:2b:01:02:03"]], TEXT),
  type("point", "string", [["'(1.5,2)'", "(1.5,2)"]], TEXT),
  type("xml", "string", [["'<a>1</a>'", "<a>1</a>"]], TEXT),
  type("bit(3)", "string", [["'101'", "101"]], TEXT),
  type("tsvector", "string", [["'a fat cat'", "'a' 'cat' 'fat'"]], TEXT),
];
