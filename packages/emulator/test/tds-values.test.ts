import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader } from "../src/tds/byte-reader.ts";
import { ByteWriter } from "../src/tds/byte-writer.ts";
import { scaledText, unscaled } from "../src/tds/decimal-text.ts";
import { ProtocolError } from "../src/tds/protocol-error.ts";
import { readValue } from "../src/tds/read-value.ts";
import { splitBatch } from "../src/tds/split-batch.ts";
import { SqlError } from "../src/tds/sql-error.ts";
import type { SqlType } from "../src/tds/sql-type.ts";
import { tokenize } from "../src/tds/tokenizer.ts";
import { writeTypeInfo } from "../src/tds/type-info.ts";
import { writeNull, writeValue } from "../src/tds/write-value.ts";

/** A value as a result carries it, read as a parameter. */
function throughWire(type: SqlType, text: string | null): string | null {
  const out = new ByteWriter();
  writeTypeInfo(out, type);
  if (text === null) writeNull(out, type);
  else writeValue(out, type, text);
  const reader = new ByteReader(out.take());
  const value = readValue(reader);
  expect(reader.left).toBe(0);
  expect(value.type).toEqual(type);
  return value.text;
}

const two = (value: number): string => String(value).padStart(2, "0");
const day = fc
  .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(-24, -14).padStart(10, "0"));
const clock = (digits: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(10 ** digits - 1))
    .map(
      ([h, m, s, f]) =>
        `${two(h)}:${two(m)}:${two(s)}${digits > 0 ? `.${String(f).padStart(digits, "0")}` : ""}`,
    );
const integer = (bits: number): fc.Arbitrary<string> =>
  fc.bigInt(-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n).map(String);
const decimal = (precision: number, scale: number): fc.Arbitrary<string> => {
  const limit = 10n ** BigInt(precision) - 1n;
  return fc.bigInt(-limit, limit).map((digits) => scaledText(digits, scale));
};
const hex = fc.uint8Array({ maxLength: 50 }).map((bytes) => `\\x${Buffer.from(bytes).toString("hex")}`);
const text = fc.string({ unit: "grapheme", maxLength: 30 });

const TYPES: readonly (readonly [SqlType, fc.Arbitrary<string>])[] = [
  [{ name: "bit" }, fc.constantFrom("0", "1")],
  [{ name: "tinyint" }, fc.nat(255).map(String)],
  [{ name: "smallint" }, integer(16)],
  [{ name: "int" }, integer(32)],
  [{ name: "bigint" }, integer(64)],
  [{ name: "real" }, fc.float({ noDefaultInfinity: true, noNaN: true }).map((value) => String(value + 0))],
  [{ name: "float" }, fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => String(value + 0))],
  [{ name: "money" }, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((units) => scaledText(units, 4))],
  [{ name: "smallmoney" }, fc.bigInt(-(2n ** 31n), 2n ** 31n - 1n).map((units) => scaledText(units, 4))],
  ...(
    [
      [9, 0],
      [10, 5],
      [19, 19],
      [28, 3],
      [38, 10],
      [38, 38],
    ] as const
  ).map(
    ([precision, scale]) =>
      [{ name: "decimal", precision, scale } as const, decimal(precision, scale)] as const,
  ),
  [{ name: "uniqueidentifier" }, fc.uuid()],
  [{ name: "date" }, day],
  ...[0, 2, 3, 4, 7].map(
    (scale) =>
      [
        { name: "time", scale } as const,
        clock(scale).map((time) => (scale === 7 ? time : withDigits(time))),
      ] as const,
  ),
  [{ name: "datetime2", scale: 7 }, fc.tuple(day, clock(7)).map((parts) => parts.join(" "))],
  [{ name: "nvarchar", length: 60 }, text],
  [{ name: "nvarchar", length: "max" }, text],
  [
    { name: "varchar", length: 60 },
    fc.string({
      unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
      maxLength: 30,
    }),
  ],
  [{ name: "varbinary", length: 50 }, hex],
  [{ name: "varbinary", length: "max" }, hex],
  [{ name: "xml" }, text],
];

/** Times are read with all seven digits. */
function withDigits(time: string): string {
  const [clockText = "", fraction = ""] = time.split(".");
  return `${clockText}.${fraction.padEnd(7, "0")}`;
}

describe("values on the wire", () => {
  test.each(TYPES.map(([type, values]) => [JSON.stringify(type), type, values] as const))(
    "%s",
    (_name, type, values) => {
      fc.assert(
        fc.property(values, (value) => {
          expect(throughWire(type, value)).toBe(value);
        }),
      );
      expect(throughWire(type, null)).toBeNull();
    },
  );

  test("datetime is kept to a three hundredth of a second, from 1753 to 9999", () => {
    for (const [given, kept] of [
      ["1753-01-01 00:00:00", "1753-01-01 00:00:00.0000000"],
      ["2024-02-29 23:59:59.999", "2024-03-01 00:00:00.0000000"],
      ["2024-02-29 12:00:00.004", "2024-02-29 12:00:00.0033333"],
      ["9999-12-31 23:59:59.997", "9999-12-31 23:59:59.9966666"],
    ]) {
      expect(throughWire({ name: "datetime" }, given ?? "")).toBe(kept);
    }
  });

  test("what a type cannot hold is an error of SQL Server's", () => {
    const cases: [SqlType, string][] = [
      [{ name: "tinyint" }, "256"],
      [{ name: "int" }, "2147483648"],
      [{ name: "money" }, "922337203685477.5808"],
      [{ name: "decimal", precision: 3, scale: 1 }, "99.95"],
      [{ name: "float" }, "Infinity"],
      [{ name: "decimal", precision: 3, scale: 1 }, "NaN"],
      [{ name: "date" }, "infinity"],
      [{ name: "datetime2", scale: 0 }, "0044-03-15 00:00:00 BC"],
      [{ name: "datetime2", scale: 0 }, "12000-01-01 00:00:00"],
      [{ name: "smalldatetime" }, "1899-12-31 00:00:00"],
    ];
    for (const [type, value] of cases) expect(() => throughWire(type, value)).toThrow(SqlError);
  });

  test("half rounds away from zero", () => {
    fc.assert(
      fc.property(fc.bigInt(-1000n, 1000n), (digits) => {
        const rounded = unscaled(scaledText(digits, 2), 1) ?? 0n;
        const magnitude = (digits < 0n ? -digits : digits) + 5n;
        expect(rounded).toBe((digits < 0n ? -1n : 1n) * (magnitude / 10n));
      }),
    );
  });

  test("a date of another length than it can have is refused", () => {
    expect(() => readValue(new ByteReader(Buffer.from([40, 1, 0])))).toThrowError(ProtocolError);
  });

  test("parameters of any bytes are read or refused", () => {
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ maxLength: 40 }), (code, bytes) => {
        try {
          readValue(new ByteReader(Buffer.from([code, ...bytes])));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("T-SQL", () => {
  test("any text is cut into tokens that cover it, or refused", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (sql) => {
        try {
          let at = 0;
          for (const { start, end } of tokenize(sql)) {
            expect(start).toBeGreaterThanOrEqual(at);
            expect(end).toBeGreaterThan(start);
            at = end;
          }
          expect(at).toBeLessThanOrEqual(sql.length);
        } catch (error) {
          expect(error).toBeInstanceOf(SqlError);
        }
      }),
    );
  });

  test.each([
    ["select 1 select 2", 2],
    ["select 1; ;; select 2;", 2],
    ["with a as (select 1 x) select * from a", 1],
    ["with a as (select 1 x) insert into t select * from a", 1],
    ["insert into t select 1 union all select 2", 1],
    ["insert into t values (1) select 1", 2],
    ["update t set a = 1 set nocount on", 2],
    ["create table t (a int) select 1", 2],
    ["create view v as select 1 as a", 1],
    ["declare @a int = 1 select @a", 2],
    ["begin tran delete from t commit", 3],
    ["select a from t order by a offset 1 rows fetch next 1 rows only", 1],
    ["select case when 1 = 1 then 1 end from t for update", 1],
    ["exec p 1 exec p 2", 2],
    ["-- nothing", 0],
  ])("%s is %i statements", (sql, count) => {
    expect(
      splitBatch(tokenize(sql)).map((tokens) => tokens.map((token) => token.text).join(" ")),
    ).toHaveLength(count);
  });
});
