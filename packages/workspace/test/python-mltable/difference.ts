import { isDeepStrictEqual } from "node:util";
import type { ColumnType } from "@aml/core";
import type { Answer, Cell } from "./judge.ts";
import type { OurAnswer } from "./our-frame.ts";

/**
 * Where our table differs from the frame of the Python package, in words; undefined when both are the same.
 *
 * What pandas cannot hold is no difference: an int column with nulls is a float column there, and a null in a float
 * column is NaN; a local path is a URI here; a frame without rows has no columns. Decimals, dates and times of the day
 * are texts here. Instants are compared in milliseconds, which is what a `Date` holds. Two errors are the same.
 */
export function difference(python: Answer, ours: OurAnswer): string | undefined {
  if ("error" in python || "error" in ours) {
    if ("error" in python && "error" in ours) return undefined;
    return "error" in ours ? `ours fails: ${ours.error}, ${ours.message}` : "theirs fails";
  }
  // A frame without rows has no columns there.
  if (python.columns.length === 0 && python.rows.length === 0 && ours.rows.length === 0) return undefined;
  const names = [python, ours].map(({ columns }) => JSON.stringify(columns.map(({ name }) => name)));
  if (names[0] !== names[1]) return `columns: theirs ${names[0]}, ours ${names[1]}`;
  if (python.rows.length !== ours.rows.length)
    return `rows: theirs ${python.rows.length}, ours ${ours.rows.length}`;
  for (const [at, { name, type }] of ours.columns.entries()) {
    const theirs = python.rows.map((row) => row[at] ?? null);
    const own = ours.rows.map((row) => row[at] ?? null);
    const { dtype = "" } = python.columns[at] ?? {};
    if (theirs.some((value) => value !== null) && !alike(dtype, type, own.includes(null)))
      return `${name}: theirs is ${dtype}, ours ${type}`;
    const row = theirs.findIndex((value, index) => !same(value, own[index] ?? null));
    if (row >= 0)
      return `${name}, row ${row}: theirs ${JSON.stringify(theirs[row])}, ours ${JSON.stringify(own[row])} (${type})`;
  }
  return undefined;
}

const TYPES: Readonly<Record<string, readonly ColumnType[]>> = {
  int64: ["int64", "int32"],
  int32: ["int32"],
  float64: ["float64", "decimal"],
  bool: ["boolean"],
  "datetime64[ns]": ["timestamp", "date"],
};

function alike(dtype: string, type: ColumnType, nulls: boolean): boolean {
  return (TYPES[dtype]?.includes(type) ?? true) || (dtype === "float64" && nulls && type.startsWith("int"));
}

function same(theirs: Cell, ours: Cell): boolean {
  if (isInt(theirs) && isInt(ours)) return theirs.i === ours.i;
  return isDeepStrictEqual(plain(theirs), plain(ours));
}

const isInt = (value: Cell): value is { i: string } =>
  typeof value === "object" && value !== null && "i" in value;

function plain(value: Cell): unknown {
  if (typeof value === "string" && value.startsWith("file://")) return decodeURIComponent(value.slice(7));
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(plain);
  if ("f" in value) {
    if (value.f === "nan") return null;
    return { n: value.f.endsWith("inf") ? value.f : Number(value.f) };
  }
  if ("i" in value) return { n: Number(value.i) };
  if ("t" in value) return { t: value.t.slice(0, 23) };
  if ("other" in value && /^(Decimal|date|time)$/.test(value.other))
    return value.text.replace(/(:.*\.\d*?)0+$/, "$1");
  if ("o" in value)
    return { o: Object.fromEntries(Object.entries(value.o).map(([key, item]) => [key, plain(item)])) };
  return value;
}
