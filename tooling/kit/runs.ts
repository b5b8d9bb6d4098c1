import process from "node:process";

/** The share of the runs that random tests do, such as 0.05 or 1. */
export const share: number = Number(process.env["AML_RUNS"] ?? 0.05);
if (!(share > 0))
  throw new RangeError(`AML_RUNS is a share above 0, such as 0.05 or 1, not ${process.env["AML_RUNS"]}.`);

/**
 * How many runs of a random test that takes seconds to do: a twentieth of all, or the share that `AML_RUNS` names; 1 in CI.
 * Each is a test with few runs, too: the rest looks at more of the same.
 */
export function runs(all: number): number {
  return Math.max(1, Math.round(all * share));
}

/**
 * Those of many cases alike that run: all in CI, or when `AML_RUNS` is 1; else one of each `every`, the first among them.
 */
export function sample<T>(cases: readonly T[], every: number): readonly T[] {
  return share < 1 ? cases.filter((_, at) => at % every === 0) : cases;
}

/** A size that makes a test long, such as a count of rows: `whole` in CI, or when `AML_RUNS` is 1; else `brief`. */
export function size(whole: number, brief: number): number {
  return share < 1 ? brief : whole;
}

/** Makes one of each `every` tests alike, the first among them; all in CI, or when `AML_RUNS` is 1. */
export function someOf(test: MakeTest, every: number): MakeTest {
  let made = 0;
  return (name, body) => {
    if (share >= 1 || made++ % every === 0) test(name, body);
  };
}

type MakeTest = (name: string, body: () => Promise<void>) => unknown;

/** The parameters of such a test for fast-check. */
export function randomRuns(all: number): { readonly numRuns: number } {
  return { numRuns: runs(all) };
}
