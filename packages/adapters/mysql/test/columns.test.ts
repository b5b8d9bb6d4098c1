import { describe, expect, test } from "vitest";
import { readColumn, type Field, type ReadOptions } from "../src/columns.ts";

const options: ReadOptions = { timestamps: "date", zeroDates: "fail" };
const bit = (columnLength: number, orgTable: string): Field => ({
  name: "flag",
  columnType: 16,
  flags: 32,
  columnLength,
  decimals: 0,
  characterSet: 63,
  encoding: "binary",
  orgTable,
});
const read = (field: Field, raw: unknown, more: Partial<ReadOptions> = {}): unknown =>
  readColumn(field, field.name, { ...options, ...more }).convert(raw);

/** A year in two bytes, a month and a day. */
const wire = (year: number, month: number, day: number): Uint8Array =>
  new Uint8Array([year & 0xff, year >> 8, month, day]);

describe("bits", () => {
  test("of a column are bits, whatever their bytes look like", () => {
    expect(read(bit(8, "t"), new Uint8Array([0x31]))).toBe(49n);
    expect(read(bit(9, "t"), new Uint8Array([1, 0x31]))).toBe(305n);
    expect(read(bit(1, "t"), new Uint8Array([1]))).toBe(true);
  });

  test("of an expression may come as digits, which are told from bits where they can be", () => {
    expect(read(bit(9, ""), new TextEncoder().encode("305"))).toBe(305n);
    expect(read(bit(1, ""), new TextEncoder().encode("1"))).toBe(true);
    expect(read(bit(9, ""), new Uint8Array([1, 0x31]))).toBe(305n);
    expect(read(bit(64, ""), new TextEncoder().encode(String(2n ** 64n - 1n)))).toBe(String(2n ** 64n - 1n));
  });

  test("that could be either are refused", () => {
    expect(() => read(bit(8, ""), new Uint8Array([0x31]))).toThrowError(
      expect.objectContaining({ code: "parse_failed", hint: "Ask for CAST(… AS UNSIGNED)." }),
    );
  });
});

describe("zero dates", () => {
  const date: Field = { ...bit(10, "t"), name: "day", columnType: 10 };
  const moment: Field = { ...date, columnType: 12, decimals: 6 };

  test.each([
    [date, wire(0, 0, 0), "0000-00-00"],
    [date, wire(2026, 0, 10), "2026-00-10"],
    [date, wire(2026, 1, 0), "2026-01-00"],
    [date, new Uint8Array(), "0000-00-00"],
    [moment, new Uint8Array(), "0000-00-00 00:00:00.000000"],
  ])("%# are refused by name, or null where that is wanted", (field, raw, text) => {
    expect(() => read(field, raw)).toThrowError(
      expect.objectContaining({ code: "parse_failed", message: expect.stringContaining(`holds ${text},`) }),
    );
    expect(read(field, raw, { zeroDates: "null" })).toBeNull();
  });

  test("dates are not mistaken for them", () => {
    expect(read(date, wire(2026, 10, 10))).toBe("2026-10-10");
    expect(read(moment, wire(1000, 1, 1), { timestamps: "text" })).toBe("1000-01-01T00:00:00.000000");
  });
});

describe("times", () => {
  const moment: Field = { ...bit(26, "t"), name: "at", columnType: 12, decimals: 3 };
  const noon = new Uint8Array([...wire(2026, 2, 28), 12, 30, 59, ...wire(0xe240, 1, 0)]);

  test("have the digits of their column as text", () => {
    const text = { timestamps: "text" } as const;
    expect(read(moment, noon, text)).toBe("2026-02-28T12:30:59.123");
    expect(read({ ...moment, decimals: 6 }, noon, text)).toBe("2026-02-28T12:30:59.123456");
    expect(read({ ...moment, decimals: 0 }, noon, text)).toBe("2026-02-28T12:30:59");
    expect(read({ ...moment, columnType: 7 }, noon, text)).toBe("2026-02-28T12:30:59.123Z");
  });

  test("have milliseconds as dates, in the year that they say", () => {
    expect(read(moment, noon)).toEqual(new Date("2026-02-28T12:30:59.123Z"));
    expect(read(moment, wire(9999, 12, 31))).toEqual(new Date("9999-12-31T00:00:00Z"));
    expect(read(moment, wire(70, 3, 1))).toEqual(new Date("0070-03-01T00:00:00Z"));
    expect(read(moment, wire(4, 2, 29))).toEqual(new Date("0004-02-29T00:00:00Z"));
  });
});
