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
  timeoutMs = 60_000,
): Promise<void> {
  for (const { name, run } of cases) {
    try {
      await within(timeoutMs, run);
      counts.passed++;
    } catch (error) {
      counts.failed++;
      counts.failures.push(name);
      print(`✗ ${name}\n${indent(error instanceof Error ? (error.stack ?? error.message) : String(error))}`);
    }
  }
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
