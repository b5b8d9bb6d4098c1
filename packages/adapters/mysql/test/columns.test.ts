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
  orgTable,
});
const read = (field: Field, raw: unknown, more: Partial<ReadOptions> = {}): unknown =>
  readColumn(field, field.name, { ...options, ...more }).convert(raw);

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
    [date, "0000-00-00"],
    [date, "2026-00-10"],
    [date, "2026-01-00"],
    [moment, "0000-00-00 00:00:00"],
  ])("%# are refused by name, or null where that is wanted", (field, text) => {
    expect(() => read(field, text)).toThrowError(
      expect.objectContaining({ code: "parse_failed", message: expect.stringContaining(text) }),
    );
    expect(read(field, text, { zeroDates: "null" })).toBeNull();
  });

  test("dates are not mistaken for them", () => {
    expect(read(date, "2026-10-10")).toBe("2026-10-10");
    expect(read(moment, "1000-01-01 00:00:00", { timestamps: "text" })).toBe("1000-01-01T00:00:00.000000");
  });
});
