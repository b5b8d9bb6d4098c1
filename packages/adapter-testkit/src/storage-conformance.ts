import { declareConformance } from "./run-case.ts";
import { runStorageCase } from "./run-storage-case.ts";
import type { Fixture, Gap, Need, Runner, StorageCase, SupportMatrix } from "./storage-case.ts";
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
  const { name, runner, open, lacks = [], gaps = {}, timeoutMs } = options;
  const run = (one: StorageCase): Promise<void> => runStorageCase(one, open, { lacks, timeoutMs });
  return declareConformance({ name, runner, contract: "storage", cases: storageCases, lacks, gaps, run });
}
