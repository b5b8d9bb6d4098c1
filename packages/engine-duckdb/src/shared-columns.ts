import { AmlError, type TabularPlan } from "@aml/core";
import type { Inspected } from "./inspected.ts";
import { quoteIdentifier, quoteText } from "./sql-text.ts";

/** A column with one value a file. */
export interface SharedColumn {
  readonly name: string;
  readonly sqlType: string;
  readonly values: readonly (string | null)[];
  /** The step that shows it; the path column is there at once. */
  readonly step?: number;
  /** For that step alone. */
  readonly hidden?: boolean;
}

/** The path column, if it is kept, and the columns of partitions. */
export function sharedColumns(plan: TabularPlan, inspected: Inspected): SharedColumn[] {
  const out: SharedColumn[] = [];
  const path = plan.source.from === "query" ? undefined : pathColumnOf(plan);
  if (path !== undefined) out.push({ name: path, sqlType: "VARCHAR", values: inspected.uris });
  for (const [step, columns] of inspected.partitions) {
    out.push(...columns.map((column) => ({ ...column, step })));
  }
  return out;
}

function pathColumnOf(plan: TabularPlan): string | undefined {
  const read = plan.steps.find((step) => step.op.startsWith("read_"));
  if (read === undefined) return "Path";
  if (!("include_path_column" in read) || !read.include_path_column) return undefined;
  return "path_column" in read ? (read.path_column ?? "Path") : "Path";
}

/** @throws `schema_mismatch` for a name that is there twice. */
export function refuseSameNames(
  shared: readonly SharedColumn[],
  data: readonly { readonly name: string }[],
): void {
  const names = new Set(data.map(({ name }) => name));
  for (const { name, step, hidden } of shared) {
    if (hidden === true) continue;
    if (!names.has(name)) {
      names.add(name);
      continue;
    }
    const what = step === undefined ? "path column" : "partition column";
    throw new AmlError("schema_mismatch", `The ${what} ${name} has the name of another column.`, {
      hint:
        step === undefined ? "Choose another path_column." : "Choose another name in the partition format.",
      context: { column: name },
    });
  }
}

/**
 * A file's values as an expression over its number within the files of these places.
 *
 * @param within - added to a hidden value: how far into the file a row's partition is.
 */
export function constants(
  sharedIds: readonly string[],
  shared: readonly SharedColumn[],
  number: string,
  places: readonly number[],
  within = "",
): string[] {
  return shared.map(({ values, sqlType, hidden }, at) => {
    const texts = places.map((place) => {
      const value = values[place] ?? null;
      return value === null ? "NULL" : quoteText(value);
    });
    const list = `[${texts.join(", ")}]::${sqlType}[]`;
    const value = `(${list})[${number}::BIGINT + 1]${hidden === true ? within : ""}`;
    return `${value} AS ${quoteIdentifier(sharedIds[at] ?? "")}`;
  });
}
