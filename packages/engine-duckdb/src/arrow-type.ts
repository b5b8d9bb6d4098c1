import type { ArrowField, ArrowType } from "@aml/core";
import { parseSqlType, type SqlType } from "./parse-sql-type.ts";
import type { PlanColumn } from "./plan-column.ts";
import { quoteIdentifier } from "./sql-text.ts";

/** How a column comes out in Arrow's layout. */
export interface ArrowColumn {
  readonly type: ArrowType;
  /** The type of DuckDB that the value is cast to first; none if it is as it has to be. */
  readonly cast: string | undefined;
}

const INTEGERS: Readonly<Record<string, readonly [8 | 16 | 32 | 64, boolean]>> = {
  TINYINT: [8, true],
  SMALLINT: [16, true],
  INTEGER: [32, true],
  BIGINT: [64, true],
  UTINYINT: [8, false],
  USMALLINT: [16, false],
  UINTEGER: [32, false],
  UBIGINT: [64, false],
};

const LEAVES: Readonly<Record<string, ArrowType>> = {
  BOOLEAN: { kind: "bool" },
  FLOAT: { kind: "float", bits: 32 },
  DOUBLE: { kind: "float", bits: 64 },
  VARCHAR: { kind: "utf8" },
  BLOB: { kind: "binary" },
  DATE: { kind: "date" },
  TIME: { kind: "time", unit: "us" },
  TIME_NS: { kind: "time", unit: "ns" },
  TIMESTAMP: { kind: "timestamp", unit: "us" },
  TIMESTAMP_S: { kind: "timestamp", unit: "s" },
  TIMESTAMP_MS: { kind: "timestamp", unit: "ms" },
  TIMESTAMP_NS: { kind: "timestamp", unit: "ns" },
  "TIMESTAMP WITH TIME ZONE": { kind: "timestamp", unit: "us", timezone: "UTC" },
};

/** What DuckDB has and Arrow has not; 128 bits hold the 38 digits of a decimal and a little more. */
const CASTS: Readonly<Record<string, string>> = { HUGEINT: "DECIMAL(38,0)", UHUGEINT: "DECIMAL(38,0)" };

/** The type that a type of DuckDB is in Arrow. What it has no counterpart for is text, as in rows. */
export function arrowColumn({ sqlType, arrowType }: Pick<PlanColumn, "sqlType" | "arrowType">): ArrowColumn {
  const { type, sql, changed } = convert(parseSqlType(sqlType) ?? { kind: "leaf", name: "?" });
  return { type: arrowType ?? type, cast: changed ? sql : undefined };
}

/** A type with the zones of another that is like it, but for timestamps. */
export function withZones(type: ArrowType, zoned: ArrowType): ArrowType {
  const within = (field: ArrowField, other: ArrowField | undefined): ArrowField =>
    other === undefined ? field : { ...field, type: withZones(field.type, other.type) };
  if (type.kind === "timestamp" && zoned.kind === "timestamp") {
    return zoned.timezone === undefined ? type : { ...type, timezone: zoned.timezone };
  }
  if (type.kind === "list" && zoned.kind === "list") return { ...type, item: within(type.item, zoned.item) };
  if (type.kind === "struct" && zoned.kind === "struct") {
    return { ...type, fields: type.fields.map((field, at) => within(field, zoned.fields[at])) };
  }
  if (type.kind === "map" && zoned.kind === "map") {
    return { ...type, key: within(type.key, zoned.key), value: within(type.value, zoned.value) };
  }
  return type;
}

/** Whether each of a type's values without parts is an instant in nanoseconds, in order. */
export function nanosecondInstantLeaves(type: ArrowType): readonly boolean[] {
  switch (type.kind) {
    case "list":
      return nanosecondInstantLeaves(type.item.type);
    case "struct":
      return type.fields.flatMap((field) => nanosecondInstantLeaves(field.type));
    case "map":
      return [type.key, type.value].flatMap((field) => nanosecondInstantLeaves(field.type));
    default:
      return [type.kind === "timestamp" && type.unit === "ns" && type.timezone !== undefined];
  }
}

interface Converted {
  readonly type: ArrowType;
  readonly sql: string;
  readonly changed: boolean;
}

function convert(of: SqlType): Converted {
  switch (of.kind) {
    case "leaf":
      return leaf(of.name);
    case "list": {
      const item = convert(of.item);
      return {
        type: { kind: "list", item: field("item", item) },
        sql: `${item.sql}[]`,
        changed: item.changed || of.fixed,
      };
    }
    case "map": {
      const key = convert(of.key);
      const value = convert(of.value);
      return {
        type: { kind: "map", key: { ...field("key", key), nullable: false }, value: field("value", value) },
        sql: `MAP(${key.sql}, ${value.sql})`,
        changed: key.changed || value.changed,
      };
    }
    case "struct": {
      const fields = of.fields.map(([name, type]) => [name, convert(type)] as const);
      return {
        type: { kind: "struct", fields: fields.map(([name, converted]) => field(name, converted)) },
        sql: `STRUCT(${fields.map(([name, { sql }]) => `${quoteIdentifier(name)} ${sql}`).join(", ")})`,
        changed: fields.some(([, { changed }]) => changed),
      };
    }
  }
}

const field = (name: string, { type }: Converted): ArrowField => ({ name, type, nullable: true });

function leaf(name: string): Converted {
  const [bits, signed] = INTEGERS[name] ?? [];
  if (bits !== undefined)
    return { type: { kind: "int", bits, signed: signed === true }, sql: name, changed: false };
  const sql = CASTS[name] ?? name;
  const [, precision, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(sql) ?? [];
  if (precision !== undefined) {
    const type: ArrowType = { kind: "decimal", precision: Number(precision), scale: Number(scale) };
    return { type, sql, changed: sql !== name };
  }
  const type = LEAVES[name];
  return type === undefined
    ? { type: { kind: "utf8" }, sql: "VARCHAR", changed: true }
    : { type, sql: name, changed: false };
}
