import { runStorageCase } from "./run-storage-case.ts";
import type { CaseResult, Fixture, Gap, Need, Runner, StorageCase, SupportMatrix } from "./storage-case.ts";
import { storageCases } from "./storage-cases.ts";

export interface StorageConformanceOptions {
  /** As in the support matrix, e.g. the datastore type. */
  readonly name: string;
  readonly runner: Runner;
  /** Opens a fresh, empty store for each case. */
  readonly open: () => Fixture | Promise<Fixture>;
  /** What the adapter does not claim. Cases that need it are left out, and one case checks that this list is true. */
  readonly lacks?: readonly Need[] | undefined;
  /** Known debts by case id. */
  readonly gaps?: Readonly<Record<string, Gap>> | undefined;
  /** For a case that hangs; 60,000 unless given. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Declares one test for each case that an adapter must pass.
 *
 * @returns the support matrix; it is complete when the runner is done.
 * @throws a `TypeError` for a gap whose case does not exist or does not apply.
 */
export function storageConformance(options: StorageConformanceOptions): SupportMatrix {
  const { name, runner, lacks = [], gaps = {} } = options;
  const results: CaseResult[] = [];
  const applicable: StorageCase[] = [];
  for (const storageCase of storageCases) {
    const missing = storageCase.needs.filter((need) => lacks.includes(need));
    if (missing.length === 0) applicable.push(storageCase);
    else {
      const { id, title } = storageCase;
      results.push({ id, title, status: "not_applicable", reason: `no ${missing.join(", no ")}` });
    }
  }
  for (const id of Object.keys(gaps)) {
    if (!applicable.some((storageCase) => storageCase.id === id)) {
      throw new TypeError(`The gap ${id} names no case that applies to ${name}.`);
    }
  }
  runner.describe(`${name} keeps the storage contract`, () => {
    for (const storageCase of applicable) {
      const { id, title } = storageCase;
      const gap = gaps[id];
      const label = gap === undefined ? "" : ` [gap: ${gap.status} since ${gap.since}]`;
      runner.test(`${id}: ${title}${label}`, async () => {
        await judge(storageCase, options, gap, (result) => results.push({ id, title, ...result }));
      });
    }
  });
  return { name, results };
}

async function judge(
  storageCase: StorageCase,
  { open, lacks, timeoutMs }: StorageConformanceOptions,
  gap: Gap | undefined,
  report: (result: Pick<CaseResult, "status" | "reason">) => void,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  try {
    await runStorageCase(storageCase, open, { lacks, timeoutMs });
  } catch (error) {
    failure = { error };
  }
  if (failure === undefined && gap === undefined) return report({ status: "passed" });
  if (failure !== undefined && gap !== undefined) {
    return report({ status: "gap", reason: `${gap.status} since ${gap.since}: ${gap.reason}` });
  }
  const error = failure ? failure.error : new Error(`${storageCase.id} passes now: remove its gap.`);
  report({ status: "failed", reason: error instanceof Error ? error.message : String(error) });
  throw error;
}
