/** What a conformance suite is handed: enough of any test library, and no more. */
export interface Runner {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => unknown): void;
}
export type Suite = (runner: Runner) => unknown;

export interface Case {
  readonly name: string;
  readonly run: () => unknown;
}

/** One run's result, as every stage of `npm test` reports it. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  failures: string[];
  skips: string[];
  /** Of conformance suites, case by case. */
  contracts?: ContractCase[];
}

/** One case of a conformance suite, as its name tells: `NAME keeps the KIND contract › VERB/CASE: TITLE [gap: …]`. */
export interface ContractCase {
  /** The store and how it was signed in to. */
  readonly name: string;
  /** `storage` or `SQL`. */
  readonly contract: string;
  readonly verb: string;
  readonly result: "passed" | "failed" | "gap";
}

/** The cases of a suite in the order it names them. */
export async function collect(suite: Suite): Promise<readonly Case[]> {
  if (typeof suite !== "function") throw new TypeError("a suite file exports a function named `suite`");
  const cases: Case[] = [];
  const path: string[] = [];
  await suite({
    describe(name, body) {
      path.push(name);
      body();
      path.pop();
    },
    test(name, run) {
      cases.push({ name: [...path, name].join(" › "), run });
    },
  });
  return cases;
}

export function noCounts(): Counts {
  return { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
}

/** Runs cases one after another and adds to `counts`; a case that takes over `timeoutMs` has failed. */
export async function runAll(
  cases: readonly Case[],
  counts: Counts,
  print: (text: string) => void,
  timeoutMs = 180_000,
): Promise<void> {
  for (const { name, run } of cases) {
    const contract = contractCase(name);
    try {
      await within(timeoutMs, run);
      counts.passed++;
      if (contract) (counts.contracts ??= []).push(contract);
    } catch (error) {
      counts.failed++;
      if (contract) (counts.contracts ??= []).push({ ...contract, result: "failed" });
      counts.failures.push(name);
      print(`✗ ${name}\n${indent(error instanceof Error ? (error.stack ?? error.message) : String(error))}`);
    }
  }
}

/** What the name of a conformance case says. */
export function contractCase(full: string): ContractCase | undefined {
  const found = /^(.+) keeps the (\w+) contract › ([\w-]+)\/[\w-]+: .*?( \[gap: .+\])?$/s.exec(full);
  if (!found) return undefined;
  const [, name = "", contract = "", verb = "", gap] = found;
  // A gap that is closed fails its suite, so one that passes is still open.
  return { name, contract, verb, result: gap === undefined ? "passed" : "gap" };
}

async function within(ms: number, run: () => unknown): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still running after ${ms} ms`)), ms);
  });
  try {
    await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, "    ");
}
