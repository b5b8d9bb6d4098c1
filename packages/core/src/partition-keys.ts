import { AmlError } from "./aml-error.ts";
import type { PartitionKeyOptions } from "./dataset.ts";
import type { FileRef } from "./engine.ts";
import { matchPartitionFormat } from "./match-partition-format.ts";
import { parsePartitionFormat, type PartitionFormat } from "./partition-format.ts";
import type { Plan } from "./plan.ts";

export type KeyValues = Readonly<Record<string, string | Date | null>>;

/** The names that the partition formats of a plan give, each once. */
export function partitionKeys(plan: Plan): readonly string[] {
  const names = formatsOf(plan).flatMap(({ columns }) => columns.map(({ name }) => name));
  return Object.freeze([...new Set(names)]);
}

/** Each combination of the keys' values once, in the order of the files. */
export async function partitionKeyValues(
  plan: Plan,
  files: AsyncIterable<FileRef>,
  { keys }: PartitionKeyOptions,
): Promise<readonly KeyValues[]> {
  const formats = formatsOf(plan);
  const wanted = checkKeys(keys, partitionKeys(plan));
  const found = new Map<string, KeyValues>();
  for await (const { uri, stat } of files) {
    if (stat.size === 0) continue;
    const values = Object.assign({}, ...formats.map((format) => valuesOf(format, uri))) as KeyValues;
    const chosen = Object.freeze(
      Object.fromEntries(wanted.map((key) => [key, values[key] as string | Date | null])),
    );
    const identity = JSON.stringify(chosen);
    if (!found.has(identity)) found.set(identity, chosen);
  }
  return [...found.values()];
}

function formatsOf({ steps }: Plan): readonly PartitionFormat[] {
  return steps.flatMap((step) =>
    step.op === "extract_columns_from_partition_format"
      ? [parsePartitionFormat(step.partition_format, step.value_encoding)]
      : [],
  );
}

function checkKeys(keys: readonly string[] | undefined, known: readonly string[]): readonly string[] {
  const wanted = keys ?? known;
  const unknown = wanted.find((key) => !known.includes(key));
  if (known.length > 0 && wanted.length > 0 && unknown === undefined) return wanted;
  const what = unknown === undefined ? "No partition key is named" : `${unknown} is no partition key`;
  throw new AmlError("plan_invalid", known.length > 0 ? `${what}.` : "The dataset has no partition format.", {
    hint:
      known.length > 0
        ? `Keys are: ${known.join(", ")}.`
        : "Give one first: extractColumnsFromPartitionFormat().",
    context: { keys: known },
  });
}

function valuesOf(format: PartitionFormat, uri: string): KeyValues {
  const values = matchPartitionFormat(format, uri);
  if (values !== undefined) return values;
  throw new AmlError("parse_failed", `The path ${uri} does not fit the partition format ${format.format}.`, {
    hint: "Correct the format, or choose paths that all fit it.",
    context: { uri, format: format.format },
  });
}
