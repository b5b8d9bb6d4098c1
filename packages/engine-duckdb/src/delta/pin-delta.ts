import type { FileRef, Step, TabularPlan } from "@aml/core";
import { loadSnapshot } from "./load-snapshot.ts";
import type { SnapshotContext } from "./snapshot.ts";

/** The plan with the version of its Delta table in place of a time, or of nothing. Another plan stays as it is. */
export async function pinDelta(
  plan: TabularPlan,
  files: AsyncIterable<FileRef>,
  context: SnapshotContext,
): Promise<TabularPlan> {
  const read = plan.steps.find((step) => step.op === "read_delta_lake");
  if (read === undefined) return plan;
  const log: FileRef[] = [];
  for await (const file of files) log.push(file);
  const { version } = await loadSnapshot(log, read, context);
  const { timestamp_as_of: _, ...rest } = read;
  const pinned: Step = { ...rest, version_as_of: version };
  return { ...plan, steps: plan.steps.map((step) => (step === read ? pinned : step)) };
}
