import type { ArrowType, ColumnType } from "@aml/core";

/** A column at some place of a plan. */
export interface PlanColumn {
  /** As users see it. */
  readonly name: string;
  /** As SQL knows it: equal to the name, unless another column's differs from it only by case. */
  readonly id: string;
  /** Of DuckDB, e.g. `BIGINT`. */
  readonly sqlType: string;
  readonly nullable: boolean;
  /** Where that of Arrow says more: DuckDB has no type with nanoseconds and a zone, so that there is none in its own. */
  readonly arrowType?: ArrowType | undefined;
  /** A BOOLEAN column beside it: true where a value could not be converted and became null. */
  readonly errorId?: string | undefined;
  /** In a relation with places, the column of what could not be converted, as it was; of other rows it says nothing. */
  readonly originalId?: string | undefined;
}

const NUMBERS: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: "boolean",
  TINYINT: "int32",
  SMALLINT: "int32",
  INTEGER: "int32",
  UTINYINT: "int32",
  USMALLINT: "int32",
  UINTEGER: "int64",
  BIGINT: "int64",
  UBIGINT: "decimal",
  HUGEINT: "decimal",
  UHUGEINT: "decimal",
  FLOAT: "float64",
  DOUBLE: "float64",
  DATE: "date",
  BLOB: "bytes",
  JSON: "json",
};

/** The type that users see for a type of DuckDB. What has no counterpart (time, interval, uuid, enum) is text. */
export function columnTypeOf(sqlType: string): ColumnType {
  const known = NUMBERS[sqlType];
  if (known !== undefined) return known;
  if (sqlType.endsWith("]") || /^(STRUCT|MAP|UNION)\(/.test(sqlType)) return "json";
  if (sqlType.startsWith("DECIMAL(")) return "decimal";
  if (sqlType.startsWith("TIMESTAMP")) return "timestamp";
  return "string";
}

/** Names that SQL, which ignores case, keeps apart. `taken` are reserved. */
export function distinctIds(names: readonly string[], taken: readonly string[] = []): string[] {
  const used = new Set(taken.map((name) => name.toLowerCase()));
  return names.map((name) => {
    // Neither an empty identifier nor a NUL in one can be written.
    const base = name.replaceAll("\0", "") || "column";
    let id = base;
    for (let count = 2; used.has(id.toLowerCase()); count += 1) id = `${base} (${count})`;
    used.add(id.toLowerCase());
    return id;
  });
}

/** The same nested type with text in place of what a JSON number would round: its strings are the exact digits. */
export function jsonSafeType(sqlType: string): string {
  return sqlType.replace(/"(?:[^"]|"")*"|'(?:[^']|'')*'|DECIMAL\(\d+,\d+\)/g, (part) =>
    part.startsWith("DECIMAL(") ? "VARCHAR" : part,
  );
}
