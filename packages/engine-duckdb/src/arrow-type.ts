import type { ArrowField, ArrowType } from "@aml/core";
import { parseSqlType, type SqlType } from "./parse-sql-type.ts";
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
export function arrowColumn(sqlType: string): ArrowColumn {
  const { type, sql, changed } = convert(parseSqlType(sqlType) ?? { kind: "leaf", name: "?" });
  return { type, cast: changed ? sql : undefined };
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
