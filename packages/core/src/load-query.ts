import { AmlError, isAmlError } from "./aml-error.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import type { TabularEngine, TabularResult } from "./engine.ts";
import { startQuery, type QueryPlan, type StartedQuery } from "./start-query.ts";
import type { SqlResult, SqlSource } from "./sql-source.ts";
import type { OperationOptions } from "./storage.ts";
import type { Column, Row } from "./table.ts";

/** What a query of a plan needs of its workspace. */
export interface QueryContext {
  openSql(name: string, options?: OperationOptions): Promise<SqlSource>;
  engine(): Promise<TabularEngine>;
}

export function openSql(
  { source }: QueryPlan,
  context: QueryContext,
  options?: OperationOptions,
): Promise<SqlSource> {
  return context.openSql(source.datastore, options);
}

/** Opens a plan over a query in the engine. */
export async function loadQuery(
  plan: QueryPlan,
  context: QueryContext,
  options?: ReadTableOptions,
): Promise<TabularResult> {
  const started = await startQuery(plan, await openSql(plan, context, options), "engine", options);
  return loadStarted(plan, started, context, options);
}

/** How a database names a decimal of a certain width, which the engine takes over; only for a NaN it makes text of it. */
const DECLARED = /\(\d+, ?\d+\)$/;

/**
 * A plan over a query in the engine, `rowsAtATime` after the others, each result closed behind its reader. All rows are
 * in one result where a step is left for the engine, and for decimals of no declared width, whose type depends on all of
 * their values. A query without rows has one result.
 */
export async function* loadQueryInParts(
  plan: QueryPlan,
  context: QueryContext,
  rowsAtATime: number,
  options?: ReadTableOptions,
): AsyncGenerator<TabularResult> {
  const started = await startQuery(plan, await openSql(plan, context, options), "engine", options);
  const { pushed, first } = started;
  const isOpen = ({ type, nativeType = "" }: Column): boolean =>
    type === "decimal" && !DECLARED.test(nativeType);
  if (pushed.rest.length > 0 || first.schema.columns.some(isOpen)) {
    await using all = await loadStarted(plan, started, context, options);
    yield all;
    return;
  }
  await using _query = first;
  const { schema, batches } = first;
  const rows = batches[Symbol.asyncIterator]();
  let more = await rows.next();
  async function* some(): AsyncGenerator<readonly Row[]> {
    for (let count = 0; more.done !== true && count < rowsAtATime; more = await rows.next()) {
      count += more.value.length;
      yield more.value;
    }
  }
  do {
    const part: SqlResult = { schema, batches: some(), [Symbol.asyncDispose]: () => Promise.resolve() };
    await using result = await loadStarted(plan, { ...started, first: part }, context, options);
    yield result;
  } while (more.done !== true);
}

interface TypedColumn {
  readonly name: string;
  readonly type: unknown;
}

/** @throws `schema_mismatch` where a decimal holds NaN, or more digits than are declared, in some parts of a query only. */
export function checkSameTypes(columns: readonly TypedColumn[], before: readonly TypedColumn[]): void {
  for (const [at, { name, type }] of columns.entries()) {
    if (JSON.stringify(type) === JSON.stringify(before[at]?.type)) continue;
    throw new AmlError(
      "schema_mismatch",
      `Column '${name}' is not of one type: in some of the rows only, its decimals hold NaN or more digits than declared.`,
      {
        operation: "query",
        hint: "Cast it in the query, to text or to double precision: all rows have one type.",
        context: { column: name },
      },
    );
  }
}

export async function loadStarted(
  plan: QueryPlan,
  { first, pushed }: StartedQuery,
  context: QueryContext,
  options?: ReadTableOptions,
): Promise<TabularResult> {
  try {
    const engine = await context.engine();
    if (engine.openRows === undefined) throw noRows();
    return await engine.openRows({ ...plan, steps: pushed.rest }, first, options);
  } catch (error) {
    await first[Symbol.asyncDispose]();
    throw withPlanStep(error, plan, pushed.pushedSteps);
  }
}

/** The engine counts the steps that it is given; people count those of the plan. */
function withPlanStep(error: unknown, { steps }: QueryPlan, pushedSteps: readonly number[]): unknown {
  if (!isAmlError(error) || pushedSteps.length === 0) return error;
  const { step } = error.context;
  const at = steps.map((_, index) => index).filter((index) => !pushedSteps.includes(index))[Number(step)];
  if (typeof step !== "number" || at === undefined) return error;
  const message = error.message.replace(`Step ${step} (`, `Step ${at} (`);
  return new AmlError(error.code, message, {
    hint: error.hint,
    context: { ...error.context, step: at },
    cause: error,
  });
}

function noRows(): AmlError {
  return new AmlError("unsupported", "The table engine of this workspace takes no rows of a database.", {
    hint: "Read the query without steps, or use an engine that has openRows, e.g. that of @aml/engine-duckdb.",
  });
}
