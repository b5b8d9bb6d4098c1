import type { CaseResult, Gap, Runner, SupportMatrix } from "./storage-case.ts";

/** What the cases of every contract have in common. */
export interface AnyCase {
  readonly id: string;
  readonly title: string;
  readonly needs: readonly string[];
}

export interface Conformance<C extends AnyCase> {
  readonly name: string;
  readonly runner: Runner;
  readonly contract: string;
  readonly cases: readonly C[];
  readonly lacks: readonly string[];
  readonly gaps: Readonly<Record<string, Gap>>;
  /** Rejects when the adapter breaks the case's rule. */
  readonly run: (one: C) => Promise<void>;
}

/** Declares one test for each case that applies. */
export function declareConformance<C extends AnyCase>(options: Conformance<C>): SupportMatrix {
  const { name, runner, contract, cases, lacks, gaps, run } = options;
  const results: CaseResult[] = [];
  const applicable: C[] = [];
  for (const one of cases) {
    const missing = one.needs.filter((need) => lacks.includes(need));
    if (missing.length === 0) applicable.push(one);
    else {
      const { id, title } = one;
      results.push({ id, title, status: "not_applicable", reason: `no ${missing.join(", no ")}` });
    }
  }
  for (const id of Object.keys(gaps)) {
    if (!applicable.some((one) => one.id === id)) {
      throw new TypeError(`The gap ${id} names no case that applies to ${name}.`);
    }
  }
  runner.describe(`${name} keeps the ${contract} contract`, () => {
    for (const one of applicable) {
      const { id, title } = one;
      const gap = gaps[id];
      const label = gap === undefined ? "" : ` [gap: ${gap.status} since ${gap.since}]`;
      runner.test(`${id}: ${title}${label}`, async () => {
        await judge(
          id,
          () => run(one),
          gap,
          (result) => results.push({ id, title, ...result }),
        );
      });
    }
  });
  return { name, results };
}

async function judge(
  id: string,
  run: () => Promise<void>,
  gap: Gap | undefined,
  report: (result: Pick<CaseResult, "status" | "reason">) => void,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  try {
    await run();
  } catch (error) {
    failure = { error };
  }
  if (failure === undefined && gap === undefined) return report({ status: "passed" });
  if (failure !== undefined && gap !== undefined) {
    return report({ status: "gap", reason: `${gap.status} since ${gap.since}: ${gap.reason}` });
  }
  const error = failure ? failure.error : new Error(`${id} passes now: remove its gap.`);
  report({ status: "failed", reason: error instanceof Error ? error.message : String(error) });
  throw error;
}

/** Fails a case that hangs. */
export async function withinTime(id: string, timeoutMs: number, run: () => Promise<void>): Promise<void> {
  let stop: (() => void) | undefined;
  const hung = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${id} hung for ${timeoutMs} ms.`)), timeoutMs);
    stop = () => clearTimeout(timer);
  });
  try {
    await Promise.race([run(), hung]);
  } finally {
    stop?.();
  }
}
