import type { ArrowType } from "@aml/core";
import { nanosecondInstantLeaves } from "./arrow-type.ts";
import type { PlanColumn } from "./plan-column.ts";
import { quoteIdentifier, quoteText } from "./sql-text.ts";

/**
 * A nested value with text in place of instants in nanoseconds, in JSON's form of other instants: DuckDB has no type for
 * them, and would write them as times of no zone.
 */
export function withInstantTexts(value: string, { arrowType }: Pick<PlanColumn, "arrowType">): string {
  return arrowType === undefined || arrowType.kind === "timestamp" ? value : texts(value, arrowType, 0);
}

function texts(value: string, type: ArrowType, depth: number): string {
  if (!nanosecondInstantLeaves(type).includes(true)) return value;
  const item = `x${depth}`;
  switch (type.kind) {
    case "list":
      return `list_transform(${value}, lambda ${item}: ${texts(item, type.item.type, depth + 1)})`;
    case "struct": {
      const fields = type.fields.map(({ name, type: of }) => {
        const field = texts(`struct_extract(${value}, ${quoteText(name)})`, of, depth + 1);
        return `${quoteIdentifier(name)} := ${field}`;
      });
      return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields.join(", ")}) END`;
    }
    case "map": {
      const [key, own] = [type.key, type.value].map((field, at) => {
        return texts(`struct_extract(${item}, ${at === 0 ? "'key'" : "'value'"})`, field.type, depth + 1);
      });
      const entries = `list_transform(map_entries(${value}), lambda ${item}: struct_pack(k := ${key}, v := ${own}))`;
      return `CASE WHEN ${value} IS NOT NULL THEN map_from_entries(${entries}) END`;
    }
    default:
      return `${value}::VARCHAR || '+00'`;
  }
}
