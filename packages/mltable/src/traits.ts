import { AmlError } from "@aml/core";
import type { MLTable, Traits } from "./mltable.ts";

/**
 * Checks that dropping or keeping columns leaves the columns of the traits in place. Files are not held to this, only
 * steps that a program adds.
 *
 * @throws `plan_invalid` naming the columns that would go.
 */
export function checkTraitColumns(
  traits: Traits,
  op: "keep_columns" | "drop_columns",
  columns: string | readonly string[],
): void {
  const named = typeof columns === "string" ? [columns] : columns;
  const { timestamp_column: timestamp, index_columns: index = [] } = traits;
  const needed = [...new Set([...(timestamp === undefined ? [] : [timestamp]), ...index])];
  // Keeping nothing by name means to drop nothing.
  if (op === "keep_columns" && named.length === 0) return;
  const lost = needed.filter((column) => named.includes(column) === (op === "drop_columns"));
  if (lost.length === 0) return;
  throw new AmlError("plan_invalid", `${op} would remove ${lost.join(", ")}, which the traits name`, {
    hint: "Keep these columns, or change the traits first.",
    context: { columns: lost },
  });
}

/** The table with other traits; null takes one away. */
export function withTraits(
  table: MLTable,
  traits: { readonly [Key in keyof Traits]?: Traits[Key] | null },
): MLTable {
  const entries = Object.entries({ ...table.traits, ...traits }).filter(([, value]) => value !== null);
  return Object.freeze({ ...table, traits: Object.freeze(Object.fromEntries(entries)) });
}

/** The table with other metadata; null takes an entry away. */
export function withMetadata(table: MLTable, metadata: Readonly<Record<string, unknown>>): MLTable {
  const entries = Object.entries({ ...table.metadata, ...metadata }).filter(([, value]) => value !== null);
  return Object.freeze({ ...table, metadata: Object.freeze(Object.fromEntries(entries)) });
}
