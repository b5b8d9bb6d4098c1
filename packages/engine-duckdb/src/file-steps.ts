import { AmlError, type FileRef, type Step, type TabularPlan } from "@aml/core";
import { compilePlan } from "./compile-plan.ts";
import type { FileTable } from "./inspected.ts";
import { partitionColumns } from "./partition-columns.ts";
import { FILE_INDEX, type CompileOptions } from "./relation.ts";
import type { Scope } from "./scope.ts";
import { quoteIdentifier } from "./sql-text.ts";

/** Steps in front of the read step that leave files out. */
export function fileSteps(plan: TabularPlan): readonly Step[] {
  const read = plan.steps.findIndex((step) => step.op.startsWith("read_"));
  return plan.steps.slice(0, Math.max(read, 0));
}

/** The files that the steps in front of the read step leave over. */
export async function chooseFiles(
  plan: TabularPlan,
  files: readonly FileRef[],
  scope: Scope,
  options: CompileOptions,
  signal: AbortSignal | undefined,
): Promise<readonly FileRef[]> {
  const steps = fileSteps(plan);
  if (steps.every((step) => step.op.startsWith("extract_"))) return files;
  const filePlan = { ...plan, steps };
  const uris = files.map(({ uri }) => uri);
  const table: FileTable = {
    kind: "files",
    uris,
    partitions: partitionColumns(filePlan, uris),
    patterns: new Map(),
  };
  const compiled = compilePlan(filePlan, table, options);
  const number = quoteIdentifier(FILE_INDEX);
  const result = await scope.run(`${compiled.ctes}\nSELECT ${number}::INTEGER FROM ${compiled.from}`, signal);
  const rows = await result.getRows();
  return rows.map(([at]) => {
    const file = files[Number(at)];
    if (file === undefined)
      throw new AmlError("internal", "A step over files gave a file that is not there.");
    return file;
  });
}
