import { AmlError } from "./aml-error.ts";
import type { FileRef, TabularEngine } from "./engine.ts";
import type { ExplainOptions, Explanation, PrunedFile } from "./explanation.ts";
import { applyFileSteps, splitSteps } from "./file-steps.ts";
import type { QueryContext } from "./load-query.ts";
import { describeQuery } from "./open-query.ts";
import type { Step, TabularPlan } from "./plan.ts";
import type { QueryPlan } from "./start-query.ts";

/** Files left out that are named. */
const NAMED = 100;

/** Explains a plan over files: those that the paths stand for, in reading order. */
export async function explainFiles(
  plan: TabularPlan,
  files: AsyncIterable<FileRef>,
  engine: TabularEngine,
  options?: ExplainOptions,
): Promise<Explanation> {
  if (engine.explain === undefined) throw noExplanation();
  const { fileSteps, rowSteps } = splitSteps(plan.steps);
  let left: readonly FileRef[] = await collect(files);
  const all = left;
  const pruned: PrunedFile[] = [];
  for (const step of fileSteps) {
    const next = await collect(applyFileSteps(each(left), [step]));
    const kept = new Set(next);
    const reason = `step ${plan.steps.indexOf(step)} (${step.op}): ${shown(step)}`;
    for (const file of left) if (!kept.has(file)) pruned.push({ uri: file.uri, reason });
    left = next;
  }
  const rest = await engine.explain({ ...plan, steps: rowSteps }, each(left), options);
  const gone = all.length - left.length;
  return {
    plan,
    ...rest,
    ...(rest.files && {
      files: {
        listed: rest.files.listed + gone,
        read: rest.files.read,
        pruned: [...pruned, ...rest.files.pruned].slice(0, NAMED),
      },
    }),
    ...(rest.bytes && {
      bytes: { ...rest.bytes, stored: rest.bytes.stored + sizeOf(all) - sizeOf(left) },
    }),
  };
}

/** Explains a plan over a query. Asks the database for no rows, and for the columns only where steps need them. */
export async function explainQuery(
  plan: QueryPlan,
  context: QueryContext,
  options?: ExplainOptions,
): Promise<Explanation> {
  const { query, schema, rest } = await describeQuery(plan, context, options);
  if (rest.steps.length === 0) {
    const direct = "The rows come straight from the database; the engine does not see them.";
    return { plan, query, notes: options?.columns === undefined ? [direct] : [] };
  }
  const engine = await context.engine();
  if (engine.explain === undefined) throw noExplanation();
  return { plan, query, ...(await engine.explain(rest, schema, options)) };
}

function shown(step: Step): string {
  const { op: _, ...rest } = step;
  return JSON.stringify("count" in rest ? rest.count : rest);
}

async function collect(files: AsyncIterable<FileRef>): Promise<FileRef[]> {
  const out: FileRef[] = [];
  for await (const file of files) out.push(file);
  return out;
}

async function* each(files: readonly FileRef[]): AsyncIterable<FileRef> {
  yield* files;
}

function sizeOf(files: readonly FileRef[]): number {
  return files.reduce((sum, { stat }) => sum + stat.size, 0);
}

export function noExplanation(): AmlError {
  return new AmlError("unsupported", "The table engine of this workspace does not explain itself.", {
    hint: "Use an engine that does, e.g. that of @aml/engine-duckdb.",
  });
}
