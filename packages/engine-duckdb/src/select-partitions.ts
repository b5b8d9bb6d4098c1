import { AmlError, type FileRef, type Step, type TabularPlan } from "@aml/core";

/** Bytes; MLTable's own default. */
const DEFAULT_SIZE = 20 * 2 ** 20;

/**
 * For each `select_partitions` the numbers that its rows have among all partitions. One that follows another counts what
 * that left over.
 *
 * @throws `plan_invalid` for a partition that is not there.
 */
export function selectedPartitions(plan: TabularPlan, count: number): ReadonlyMap<number, readonly number[]> {
  const out = new Map<number, readonly number[]>();
  const read = readIndex(plan);
  let left: readonly number[] = Array.from({ length: count }, (_, at) => at);
  for (const [index, step] of plan.steps.entries()) {
    if (step.op !== "select_partitions" || index < read) continue;
    left = choose(left, step.partitions, index);
    out.set(index, left);
  }
  return out;
}

function choose(left: readonly number[], partitions: readonly number[], step: number): readonly number[] {
  const missing = partitions.find((partition) => partition >= left.length);
  if (missing === undefined) {
    const chosen = new Set(partitions);
    return left.filter((_, at) => chosen.has(at));
  }
  throw new AmlError(
    "plan_invalid",
    `Step ${step} (select_partitions) asks for partition ${missing}, and there are ${left.length}.`,
    {
      hint: "Partitions count from 0; partitionCount() tells how many there are.",
      context: { step, partition: missing, count: left.length },
    },
  );
}

/** Whether rows are chosen by their partition, so that it must be known for each. */
export function selectsPartitions(plan: TabularPlan): boolean {
  const read = readIndex(plan);
  return plan.steps.some(({ op }, index) => op === "select_partitions" && index >= read);
}

/** Steps in front of the read step see all files as one partition. */
const readIndex = (plan: TabularPlan): number => plan.steps.findIndex(({ op }) => op.startsWith("read_"));

/**
 * How many partitions a file of text has, by its size alone: one for each `partition_size` bytes that it begins. Files
 * that cannot be begun in the middle (quoted line breaks, compressed) have one, and empty ones none.
 */
export function textPartitions(step: Step, { stat, relativePath }: FileRef): number {
  if (stat.size === 0) return 0;
  const whole =
    ("support_multi_line" in step && step.support_multi_line) || /\.(gz|zst)$/i.test(relativePath);
  return whole ? 1 : Math.ceil(stat.size / partitionSize(step));
}

export function partitionSize(step: Step): number {
  return ("partition_size" in step ? step.partition_size : undefined) ?? DEFAULT_SIZE;
}

/** What the steps in front of the first `select_partitions` let through whole: other partitions need not be read. */
const BY_ROW: ReadonlySet<string> = new Set([
  "filter",
  "keep_columns",
  "drop_columns",
  "convert_column_types",
  "extract_columns_from_partition_format",
]);

/** The partitions whose rows can matter; undefined for all of them. @throws as `selectedPartitions`. */
export function neededPartitions(plan: TabularPlan, count: number): ReadonlySet<number> | undefined {
  const selected = selectedPartitions(plan, count);
  const between = plan.steps.slice(readIndex(plan) + 1);
  const first = between.findIndex(({ op }) => op === "select_partitions");
  if (first < 0 || !between.slice(0, first).every(({ op }) => BY_ROW.has(op))) return undefined;
  const [chosen] = selected.values();
  return chosen && new Set(chosen);
}

export function refuseToPart(what: string): never {
  throw new AmlError("unsupported", `${what} has no partitions to select.`, {
    hint: "Select them of delimited files, JSON lines or Parquet files.",
  });
}
