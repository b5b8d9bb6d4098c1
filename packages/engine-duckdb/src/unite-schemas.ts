import { AmlError } from "@aml/core";
import type { Scope } from "./scope.ts";
import { WIDENING_FAILED } from "./relation.ts";
import { quoteText } from "./sql-text.ts";

export interface ParquetColumn {
  readonly name: string;
  readonly sqlType: string;
  readonly nullable: boolean;
}

/**
 * The columns of several schemas, by name, in order of first appearance. A type is one that the values of all schemas
 * fit into, as far as types can tell; `widened` sees to the rest.
 *
 * @throws `schema_mismatch` for types that no type holds.
 */
export async function unite(
  schemas: readonly (readonly ParquetColumn[])[],
  context: { readonly scope: Scope; readonly signal: AbortSignal | undefined },
): Promise<readonly ParquetColumn[]> {
  const found = new Map<string, { types: Set<string>; count: number; nullable: boolean }>();
  for (const { name, sqlType, nullable } of schemas.flat()) {
    const known = found.get(name) ?? { types: new Set(), count: 0, nullable: false };
    known.types.add(sqlType);
    found.set(name, { ...known, count: known.count + 1, nullable: known.nullable || nullable });
  }
  const out: ParquetColumn[] = [];
  for (const [name, { types, count, nullable }] of found) {
    const [only = "VARCHAR"] = types;
    const sqlType = types.size === 1 ? only : await commonType(name, [...types], context);
    out.push({ name, sqlType, nullable: nullable || count < schemas.length });
  }
  return out;
}

async function commonType(
  name: string,
  types: readonly string[],
  { scope, signal }: Parameters<typeof unite>[1],
): Promise<string> {
  const decimal = commonDecimal(types);
  if (decimal !== undefined && decimal !== "none") return decimal;
  // As text, bytes would be read with escapes.
  const clash = types.includes("BLOB") || decimal === "none";
  // A FLOAT holds fewer integers than an INTEGER; DuckDB would choose it all the same.
  const wider = types.map((type) => (type === "FLOAT" ? "DOUBLE" : type));
  const arms = wider.map((type) => `SELECT NULL::${type} AS x`);
  try {
    if (clash) throw new Error("no common type");
    const result = await scope.run(`DESCRIBE ${arms.join(" UNION ALL ")}`, signal);
    return String((await result.getRows())[0]?.[1]);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new AmlError(
      "schema_mismatch",
      `The files have column ${name} in types that do not go together: ${types.join(", ")}.`,
      {
        hint: "Read these files apart, or drop the column's files of the other type from the paths.",
        context: { column: name, types },
        cause,
      },
    );
  }
}

const DIGITS: Readonly<Record<string, number>> = {
  TINYINT: 3,
  UTINYINT: 3,
  SMALLINT: 5,
  USMALLINT: 5,
  INTEGER: 10,
  UINTEGER: 10,
  BIGINT: 19,
  UBIGINT: 20,
};

/** Room for all digits on both sides of the point, where DuckDB would cut fractions off; `none` if there is none. */
function commonDecimal(types: readonly string[]): string | undefined {
  let [whole, scale] = [0, 0];
  for (const type of types) {
    const [, width, fraction] = /^DECIMAL\((\d+),(\d+)\)$/.exec(type) ?? [];
    const digits = width === undefined ? DIGITS[type] : Number(width) - Number(fraction);
    if (digits === undefined) return undefined;
    whole = Math.max(whole, digits);
    scale = Math.max(scale, Number(fraction ?? 0));
  }
  if (!types.some((type) => type.startsWith("DECIMAL("))) return undefined;
  return whole + scale > 38 ? "none" : `DECIMAL(${whole + scale},${scale})`;
}

/** A value in the type of its column; an error in place of one that would not come back the same. */
export function widened(value: string, from: string, to: string, name: string): string {
  if (from === to) return value;
  const cast = `CAST(${value} AS ${to})`;
  if (isExact(from, to)) return cast;
  const isFine = to === "TIMESTAMP_NS" && from.startsWith("TIMESTAMP");
  const message = quoteText(`${WIDENING_FAILED}${JSON.stringify([name, from, to])}`);
  // Beyond them DuckDB ends the query, with a message that names nothing.
  if (isFine)
    return `CASE WHEN ${value} NOT BETWEEN ${ENDS[0]} AND ${ENDS[1]} THEN error(${message}) ELSE ${cast} END`;
  const back = `try_cast(try_cast(${value} AS ${to}) AS ${from})`;
  return `CASE WHEN ${value} IS DISTINCT FROM ${back} THEN error(${message}) ELSE ${cast} END`;
}

/** Between them 64 bits of nanoseconds hold every microsecond. */
const ENDS = ["TIMESTAMP '1677-09-21 00:12:44'", "TIMESTAMP '2262-04-11 23:47:16.854775'"] as const;

function isExact(from: string, to: string): boolean {
  const digits = DIGITS[from];
  if (to === "VARCHAR")
    return !/[\])]$/.test(from) || from.startsWith("DECIMAL(") || from.startsWith("ENUM(");
  if (to === "DOUBLE") return from === "FLOAT" || (digits !== undefined && digits <= 10);
  if (digits !== undefined) return to in DIGITS || to === "HUGEINT" || to.startsWith("DECIMAL(");
  if (from.startsWith("DECIMAL(")) return to.startsWith("DECIMAL(");
  return from === "DATE" && to.startsWith("TIMESTAMP") && to !== "TIMESTAMP_NS";
}
