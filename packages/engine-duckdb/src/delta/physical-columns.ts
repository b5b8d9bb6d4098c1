import { AmlError } from "@aml/core";
import { quoteIdentifier, quoteText } from "../sql-text.ts";
import { sqlTypeOf, type DeltaField, type DeltaType } from "./delta-schema.ts";

/** A field of a Parquet file as its footer has it. */
export interface PhysicalField {
  readonly name: string;
  readonly id: number | undefined;
  readonly kind: "leaf" | "struct" | "list" | "map";
  /** Parquet's own type of a leaf, e.g. `INT32`. */
  readonly type: string | undefined;
  /** Of a list its item, of a map key and value. */
  readonly children: readonly PhysicalField[];
}

/** A row of `parquet_schema`: name, type, repetition, children, converted type, field id. */
export type FooterRow = readonly [string, string | null, string | null, number, string | null, number | null];

/** Makes a tree of the rows of a footer, of which the first is the root. */
export function physicalColumns(rows: readonly FooterRow[]): readonly PhysicalField[] {
  let at = 0;
  const next = (): PhysicalField & { readonly repeated: boolean } => {
    const [name, type, repetition, count, converted, id] = rows[at] as FooterRow;
    at += 1;
    const children = Array.from({ length: count }, next);
    const repeated = repetition === "REPEATED";
    const base = { name, id: id ?? undefined, type: type ?? undefined, repeated };
    const [only] = children;
    if (count === 1 && only?.repeated === true) {
      if (converted?.startsWith("MAP") === true) return { ...base, kind: "map", children: only.children };
      const isItem = only.kind === "leaf" || only.children.length > 1 || /^array$|_tuple$/.test(only.name);
      const item = isItem ? only : only.children[0];
      if (item !== undefined) return { ...base, kind: "list", children: [item] };
    }
    return { ...base, kind: count > 0 ? "struct" : "leaf", children };
  };
  return rows.length === 0 ? [] : next().children;
}

export function findField(fields: readonly PhysicalField[], wanted: DeltaField): PhysicalField | undefined {
  if (wanted.id !== undefined) return fields.find(({ id }) => id === wanted.id);
  return fields.find(({ name }) => name === wanted.physicalName);
}

/**
 * A value of a file in the type that the table gives it: cast where it was widened, with null for fields that came
 * later, under the names of now.
 *
 * @throws `schema_mismatch` for a value that the type does not hold.
 */
export function logicalValue(value: string, from: PhysicalField, to: DeltaType, depth = 0): string {
  if (from.kind !== to.kind) throw mismatch(from, to);
  const type = sqlTypeOf(to);
  switch (to.kind) {
    case "leaf":
      if (/FLOAT|DOUBLE/.test(from.type ?? "") !== /FLOAT|DOUBLE/.test(type) && from.type !== "INT32") {
        throw mismatch(from, to);
      }
      return `CAST(${value} AS ${type})`;
    case "struct": {
      const fields = to.fields.map((field) => {
        const found = findField(from.children, field);
        const inner =
          found === undefined
            ? `NULL::${sqlTypeOf(field.type)}`
            : logicalValue(`struct_extract(${value}, ${quoteText(found.name)})`, found, field.type, depth);
        return `${quoteIdentifier(field.name)} := ${inner}`;
      });
      return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields.join(", ")}) END`;
    }
    case "list": {
      const item = `item${depth}`;
      const [child = from] = from.children;
      return `list_transform(${value}, lambda ${item}: ${logicalValue(item, child, to.item, depth + 1)})`;
    }
    case "map": {
      const item = `item${depth}`;
      const [key = from, inner = from] = from.children;
      const list =
        `list_transform(map_entries(${value}), lambda ${item}: struct_pack(` +
        `k := ${logicalValue(`${item}.key`, key, to.key, depth + 1)}, ` +
        `v := ${logicalValue(`${item}.value`, inner, to.value, depth + 1)}))`;
      return `CASE WHEN ${value} IS NOT NULL THEN map_from_entries(${list}) END`;
    }
  }
}

function mismatch(from: PhysicalField, to: DeltaType): AmlError {
  return new AmlError(
    "schema_mismatch",
    `A file of the Delta table has column ${from.name} as ${from.type ?? from.kind}, the table as ${sqlTypeOf(to)}.`,
    { hint: "The file is not one that the table can have; restore it.", context: { column: from.name } },
  );
}
