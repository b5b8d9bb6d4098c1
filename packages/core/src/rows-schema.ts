import { AmlError } from "./aml-error.ts";
import type { Cell, Column, ColumnType, Row, Schema } from "./table.ts";

const INT32 = 2 ** 31;
const INT64 = 2n ** 63n;
const DECIMAL = /^-?\d+(\.\d+)?$/;
/** Half of a surrogate pair, which no encoding can write. */
const HALF = /\p{Surrogate}/u;
const DATE = /^[+-]?\d{4,}-\d\d-\d\d$/;

/** What values of each type may be; `null` may be in any column. */
const FITS: { readonly [Type in ColumnType]: (cell: Cell) => boolean } = {
  boolean: (cell) => typeof cell === "boolean",
  int32: (cell) => Number.isInteger(cell) && Math.abs(Number(cell) + 0.5) < INT32,
  int64: (cell) => isWhole(cell) && BigInt(cell) >= -INT64 && BigInt(cell) < INT64,
  float64: (cell) => typeof cell === "number",
  decimal: (cell) => typeof cell === "string" && DECIMAL.test(cell),
  string: (cell) => typeof cell === "string" && !HALF.test(cell),
  bytes: (cell) => cell instanceof Uint8Array,
  date: (cell) => typeof cell === "string" && DATE.test(cell),
  timestamp: (cell) => cell instanceof Date && !Number.isNaN(cell.getTime()),
  json: (cell) => cell !== undefined,
};
/** Types that are found out, the narrowest first. The rest (decimal, date) is text unless a schema says so. */
const FOUND: readonly ColumnType[] = ["boolean", "int32", "int64", "float64", "string", "bytes", "timestamp"];

/**
 * The columns of rows, in order of first appearance, each of the narrowest type that holds all its values exactly.
 *
 * Lists and objects are json. A column without any value is string.
 *
 * @throws `schema_mismatch` for a column whose values have no type in common, and for rows without columns.
 */
export function schemaOfRows(rows: readonly Row[]): Schema {
  const open = new Map<string, readonly ColumnType[]>();
  for (const [index, row] of rows.entries()) {
    for (const [name, cell] of Object.entries(row) as [string, Cell | undefined][]) {
      const types = open.get(name) ?? [...FOUND, "json"];
      if (cell === null || cell === undefined) open.set(name, types);
      else {
        const left = types.filter((type) => holds(type, cell));
        if (left.length === 0) {
          // Nothing that came before says what it should be.
          const isFirst = types.length > FOUND.length;
          throw misfit(
            name,
            index,
            cell,
            isFirst ? "value of a table" : `${types.join(" or ")}, as above it`,
          );
        }
        open.set(name, left);
      }
    }
  }
  if (open.size > 0) {
    const columns = Array.from(open, ([name, types]): Column => {
      const type = types.length > FOUND.length ? "string" : (types[0] as ColumnType);
      return { name, type, nullable: true };
    });
    return { columns };
  }
  throw new AmlError("schema_mismatch", "The rows have no columns.", {
    hint: "Give a schema for a table without rows.",
  });
}

/** A row that fits the columns, its integers as the column has them. @throws `schema_mismatch` with row, column and value. */
export function checkRow(row: Row, index: number, { columns }: Schema): Row {
  let whole: Record<string, Cell> | undefined;
  for (const { name, type } of columns) {
    const cell = row[name] ?? null;
    if (cell !== null && !FITS[type](cell)) throw misfit(name, index, cell, type);
    if (type === "int64" && typeof cell === "number") (whole ??= {})[name] = BigInt(cell);
  }
  const extra = Object.keys(row).find((name) => columns.every((column) => column.name !== name));
  if (extra === undefined) return whole === undefined ? row : { ...row, ...whole };
  throw new AmlError("schema_mismatch", `Row ${index} has a column that the schema has not: ${extra}.`, {
    hint: "Add it to the schema, or leave it out of the rows.",
    context: { row: index, column: extra },
  });
}

function holds(type: ColumnType, cell: Cell): boolean {
  if (type === "json") return isNested(cell);
  // No integer has a sign at zero.
  return FITS[type](cell) && (type === "float64" || !Object.is(cell, -0));
}

function isWhole(cell: Cell): cell is number | bigint {
  return typeof cell === "bigint" || Number.isSafeInteger(cell);
}

function isNested(cell: Cell): boolean {
  return typeof cell === "object" && !(cell instanceof Uint8Array) && !(cell instanceof Date);
}

function misfit(column: string, row: number, cell: Cell, type: string): AmlError {
  const isBeyond = typeof cell === "bigint" && BigInt.asIntN(64, cell) !== cell;
  const text = typeof cell === "bigint" ? `${cell}n` : JSON.stringify(cell)?.slice(0, 80);
  const value = cell instanceof Date && text === "null" ? "an invalid Date" : text;
  return new AmlError("schema_mismatch", `Row ${row}, column ${column}: ${value} is no ${type}.`, {
    hint: isBeyond
      ? "Integers have 64 bits: give larger ones as text, of type decimal in a schema."
      : "Make the values of a column of one kind, or give a schema.",
    context: { row, column },
  });
}
