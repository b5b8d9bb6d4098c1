import { AmlError } from "./aml-error.ts";
import type { FileRef } from "./engine.ts";
import type { Plan, Step } from "./plan.ts";

const SUBSETTING: ReadonlySet<string> = new Set(["take", "skip", "take_random_sample", "sample"]);
/** Steps whose place among those does not matter. */
const NEUTRAL: ReadonlySet<string> = new Set(["extract_columns_from_partition_format"]);

/** Splits the steps of a table: those before the first read choose files, the rest makes rows. */
export function splitSteps(steps: readonly Step[]): {
  readonly fileSteps: readonly Step[];
  readonly rowSteps: readonly Step[];
} {
  const read = steps.findIndex((step) => step.op.startsWith("read_"));
  const before = read < 0 ? steps : steps.slice(0, read);
  // What stands behind a filter of files sees what that left over, so the engine has to run it.
  const stop = before.findIndex(({ op }) => !SUBSETTING.has(op) && !NEUTRAL.has(op));
  const early = stop < 0 ? before : before.slice(0, stop);
  return {
    fileSteps: early.filter(({ op }) => SUBSETTING.has(op)),
    rowSteps: [...early.filter(({ op }) => !SUBSETTING.has(op)), ...steps.slice(early.length)],
  };
}

/** The part of a table's plan that says which files there are, and what their paths mean. @throws `unsupported`. */
export function filePlan({ version, source, steps }: Plan): Plan {
  if (source.from === "query") {
    throw new AmlError("unsupported", "The rows of a query come from no files.", {
      hint: "Write them to files first: toParquetFiles().",
    });
  }
  const formats = steps.filter(({ op }) => op === "extract_columns_from_partition_format");
  return { version, source, steps: [...formats, ...splitSteps(steps).fileSteps] };
}

/** Applies steps that choose among files. @throws `unsupported` for a step that needs rows. */
export function applyFileSteps(
  files: AsyncIterable<FileRef>,
  steps: readonly Step[],
): AsyncIterable<FileRef> {
  return steps.reduce((chosen, step) => {
    switch (step.op) {
      case "take":
        return take(chosen, step.count);
      case "skip":
        return keep(chosen, (index) => index >= step.count);
      case "take_random_sample": {
        const draw = drawer(step.seed);
        return keep(chosen, (index) => draw(index) < step.probability);
      }
      case "sample": {
        const { seed, probability, probability_lower_bound: lower = 0 } = step.sampler_arguments;
        const draw = drawer(seed);
        return keep(chosen, (index) => draw(index) >= lower && draw(index) < probability);
      }
      case "select_partitions":
        return selectFiles(chosen, step.partitions);
      case "filter":
        throw new AmlError("unsupported", "A filter needs rows, and this dataset is of files.", {
          hint: "Narrow the paths or the pattern instead.",
        });
      default:
        // Columns do not change which files there are.
        return chosen;
    }
  }, files);
}

/** All files are one partition. */
function selectFiles(files: AsyncIterable<FileRef>, partitions: readonly number[]): AsyncIterable<FileRef> {
  const missing = partitions.find((partition) => partition > 0);
  if (missing === undefined) return partitions.length === 0 ? take(files, 0) : files;
  throw new AmlError(
    "plan_invalid",
    `There is no partition ${missing}: files that are not read are one partition, 0.`,
    {
      hint: "Read the files first, and select partitions of the table.",
    },
  );
}

async function* take(files: AsyncIterable<FileRef>, count: number): AsyncIterable<FileRef> {
  let left = count;
  if (left <= 0) return;
  for await (const file of files) {
    yield file;
    if (--left === 0) return;
  }
}

async function* keep(
  files: AsyncIterable<FileRef>,
  keeps: (index: number) => boolean,
): AsyncIterable<FileRef> {
  let index = 0;
  for await (const file of files) if (keeps(index++)) yield file;
}

/** A draw in [0, 1) for each index, the same for the same seed; without a seed another one each time. */
function drawer(seed: number = Math.floor(Math.random() * 2 ** 32)): (index: number) => number {
  return (index) => {
    // Two rounds of a 32-bit multiply-xorshift mix: enough to make neighbours independent.
    let x = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed + 0x7f4a7c15, 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  };
}
