import { AmlError } from "./aml-error.ts";
import type { FileRef } from "./engine.ts";
import type { Step } from "./plan.ts";

const SUBSETTING: ReadonlySet<string> = new Set(["take", "skip", "take_random_sample", "sample"]);

/** Splits the steps of a table: those before the first read choose files, the rest makes rows. */
export function splitSteps(steps: readonly Step[]): {
  readonly fileSteps: readonly Step[];
  readonly rowSteps: readonly Step[];
} {
  const read = steps.findIndex((step) => step.op.startsWith("read_"));
  const before = read < 0 ? steps : steps.slice(0, read);
  return {
    fileSteps: before.filter((step) => SUBSETTING.has(step.op)),
    rowSteps: [...before.filter((step) => !SUBSETTING.has(step.op)), ...(read < 0 ? [] : steps.slice(read))],
  };
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
