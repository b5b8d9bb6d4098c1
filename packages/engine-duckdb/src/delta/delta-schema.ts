import { AmlError } from "@aml/core";
import { quoteIdentifier } from "../sql-text.ts";
import type { Metadata } from "./delta-actions.ts";

export type DeltaType =
  | { readonly kind: "leaf"; readonly sqlType: string }
  | { readonly kind: "struct"; readonly fields: readonly DeltaField[] }
  | { readonly kind: "list"; readonly item: DeltaType }
  | { readonly kind: "map"; readonly key: DeltaType; readonly value: DeltaType };

export interface DeltaField {
  readonly name: string;
  /** Its name in files and partition values. */
  readonly physicalName: string;
  /** Its number in files; undefined where files are matched by name. */
  readonly id: number | undefined;
  readonly type: DeltaType;
  readonly nullable: boolean;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: "VARCHAR",
  long: "BIGINT",
  integer: "INTEGER",
  short: "SMALLINT",
  byte: "TINYINT",
  float: "FLOAT",
  double: "DOUBLE",
  boolean: "BOOLEAN",
  binary: "BLOB",
  date: "DATE",
  timestamp: "TIMESTAMP WITH TIME ZONE",
  timestamp_ntz: "TIMESTAMP",
};

/** The columns of a table. @throws `unsupported` for a type that is not known; `parse_failed` for no schema. */
export function parseSchema({ schemaString, configuration }: Metadata, uri: string): readonly DeltaField[] {
  const mode = configuration["delta.columnMapping.mode"] ?? "none";
  const bad = (what: string): never => {
    throw new AmlError("parse_failed", `The schema of the Delta table ${uri} is damaged: ${what}.`, {
      hint: "The log is damaged; restore it, or read an earlier version.",
      context: { uri },
    });
  };
  const unknown = (what: string): never => {
    throw new AmlError("unsupported", `The Delta table ${uri} has ${what}, which is not read.`, {
      hint: "Leave the column out when the table is written.",
      context: { uri },
    });
  };
  if (!["none", "name", "id"].includes(mode)) unknown(`the column mapping ${mode}`);
  const fieldOf = (value: unknown): DeltaField => {
    const { name, type, nullable, metadata = {} } = (value ?? {}) as Record<string, unknown>;
    if (typeof name !== "string") return bad("a field has no name");
    const more = (metadata ?? {}) as Record<string, unknown>;
    const physical = mode === "none" ? name : more["delta.columnMapping.physicalName"];
    const id = more["delta.columnMapping.id"];
    if (typeof physical !== "string") return bad(`column ${name} has no physical name`);
    if (mode === "id" && typeof id !== "number") return bad(`column ${name} has no id`);
    const base = { name, physicalName: physical, type: typeOf(type), nullable: nullable !== false };
    return { ...base, id: mode === "id" ? Number(id) : undefined };
  };
  const typeOf = (value: unknown): DeltaType => {
    if (typeof value === "string") {
      const known = Object.hasOwn(PRIMITIVES, value) ? PRIMITIVES[value] : undefined;
      if (known !== undefined) return { kind: "leaf", sqlType: known };
      const [, precision, scale] = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(value) ?? [];
      if (precision === undefined) return unknown(`a column of type ${value}`);
      return { kind: "leaf", sqlType: `DECIMAL(${Number(precision)},${Number(scale)})` };
    }
    const { type, fields, elementType, keyType, valueType } = (value ?? {}) as Record<string, unknown>;
    if (type === "struct" && Array.isArray(fields)) return { kind: "struct", fields: fields.map(fieldOf) };
    if (type === "array") return { kind: "list", item: typeOf(elementType) };
    if (type === "map") return { kind: "map", key: typeOf(keyType), value: typeOf(valueType) };
    return unknown(`a column of type ${String(type)}`);
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(schemaString);
  } catch {
    return bad("it is no JSON");
  }
  const root = typeOf(parsed);
  return root.kind === "struct" ? root.fields : bad("it is no struct");
}

/** DuckDB's name of a type. */
export function sqlTypeOf(type: DeltaType): string {
  switch (type.kind) {
    case "leaf":
      return type.sqlType;
    case "list":
      return `${sqlTypeOf(type.item)}[]`;
    case "map":
      return `MAP(${sqlTypeOf(type.key)}, ${sqlTypeOf(type.value)})`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => `${quoteIdentifier(field.name)} ${sqlTypeOf(field.type)}`).join(", ")})`;
  }
}
