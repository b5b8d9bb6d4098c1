import { AmlError, type TabularPlan } from "@aml/core";
import { matchPartitionFormat } from "@aml/core/engine";
import { parsePartitionFormat } from "@aml/core/plan";
import type { PartitionValues } from "./inspected.ts";

/**
 * The values of partition columns for each file, by the step that extracts them.
 *
 * @param numbers - of the partitions that the files are or begin with, for the steps that select some.
 * @throws `plan_invalid` for a malformed format; `parse_failed` for a path that does not fit it.
 */
export function partitionColumns(
  plan: TabularPlan,
  uris: readonly string[],
  numbers?: readonly number[],
): ReadonlyMap<number, readonly PartitionValues[]> {
  const out = new Map<number, readonly PartitionValues[]>();
  for (const [index, step] of plan.steps.entries()) {
    if (step.op === "select_partitions" && numbers !== undefined) {
      out.set(index, [
        { name: "partition number", sqlType: "BIGINT", values: numbers.map(String), hidden: true },
      ]);
    }
    if (step.op !== "extract_columns_from_partition_format") continue;
    const format = parsePartitionFormat(step.partition_format, step.value_encoding);
    const rows = uris.map(
      (uri) => matchPartitionFormat(format, uri) ?? refuse(uri, step.partition_format, index),
    );
    out.set(
      index,
      format.columns.map(({ name, kind }) => ({
        name,
        sqlType: kind === "datetime" ? "TIMESTAMP" : "VARCHAR",
        values: rows.map((row) => textOf(row[name])),
      })),
    );
  }
  return out;
}

function textOf(value: string | Date | null | undefined): string | null {
  return value instanceof Date ? value.toISOString().slice(0, 19).replace("T", " ") : (value ?? null);
}

function refuse(uri: string, format: string, index: number): never {
  throw new AmlError("parse_failed", `The path ${uri} does not fit the partition format ${format}.`, {
    hint: "Correct the format, or choose paths that all fit it.",
    context: { uri, step: index, format },
  });
}
