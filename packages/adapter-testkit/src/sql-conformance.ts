import { declareConformance, withinTime } from "./run-case.ts";
import type { SqlCase, SqlFixture, SqlNeed, SqlType } from "./sql-case.ts";
import { sqlCases } from "./sql-cases.ts";
import type { Gap, Runner, SupportMatrix } from "./storage-case.ts";

export interface SqlConformanceOptions {
  /** As in the support matrix, e.g. the datastore type. */
  readonly name: string;
  readonly runner: Runner;
  /** Opens the database anew for each case. */
  readonly open: () => SqlFixture | Promise<SqlFixture>;
  /** How each of the database's types is read; with `formatSqlTypes` also the table of the README. */
  readonly types: readonly SqlType[];
  /** What the adapter, or the server of the test, has not got. Cases that need it are left out. */
  readonly lacks?: readonly SqlNeed[] | undefined;
  /** Known debts by case id. */
  readonly gaps?: Readonly<Record<string, Gap>> | undefined;
  /** For a case that hangs; 60,000 unless given. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Declares one test for each case that a database must pass.
 *
 * @returns the support matrix; it is complete when the runner is done.
 * @throws a `TypeError` for a gap whose case does not exist or does not apply.
 */
export function sqlConformance(options: SqlConformanceOptions): SupportMatrix {
  const { name, runner, types, lacks = [], gaps = {} } = options;
  const run = (one: SqlCase): Promise<void> => runSqlCase(one, options);
  return declareConformance({ name, runner, contract: "SQL", cases: sqlCases(types), lacks, gaps, run });
}

/**
 * Runs one case on a source of its own, and closes that.
 *
 * @throws what the case found wrong; that it hung.
 */
export async function runSqlCase(
  one: SqlCase,
  { open, types, lacks = [], timeoutMs = 180_000 }: Omit<SqlConformanceOptions, "name" | "runner">,
): Promise<void> {
  const fixture = await open();
  try {
    await withinTime(one.id, timeoutMs, () => one.run({ types, ...fixture, lacks }));
  } finally {
    await fixture.sql.close();
    await fixture.close?.();
  }
}
