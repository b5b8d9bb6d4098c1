import { AmlError, isAmlError } from "./aml-error.ts";
import type { ColumnBatch } from "./column-batch.ts";
import { columnBatches } from "./column-batches.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import { encodeLazily } from "./encode-lazily.ts";
import type { TabularEngine, TabularResult } from "./engine.ts";
import type { ExplainedQuery, ExplainOptions } from "./explanation.ts";
import type { TabularPlan } from "./plan.ts";
import { startQuery, type QueryPlan, type StartedQuery } from "./start-query.ts";
import type { SqlResult, SqlSource } from "./sql-source.ts";
import type { OperationOptions } from "./storage.ts";
import type { Column, Row, Schema } from "./table.ts";

/** What a query of a plan needs of its workspace. */
export interface QueryContext {
  openSql(name: string, options?: OperationOptions): Promise<SqlSource>;
  engine(): Promise<TabularEngine>;
}

/**
 * Opens a plan over a query. The database does what it does alike; when no step is left, the rows come straight from it.
 * For the rest of the steps, and for a file, the engine takes the rows in, exactly, and works on those.
 */
export async function openQuery(
  plan: QueryPlan,
  context: QueryContext,
  options?: ReadTableOptions,
): Promise<TabularResult> {
  const started = await startQuery(plan, await openSql(plan, context, options), "rows", options);
  if (started.pushed.rest.length > 0) return load(plan, started, context, options);
  const whole: Load = (signal) => loadQuery(plan, context, { signal });
  return direct(started, whole, options?.signal);
}

/** Opens a plan over a query in the engine. */
export async function loadQuery(
  plan: QueryPlan,
  context: QueryContext,
  options?: ReadTableOptions,
): Promise<TabularResult> {
  const started = await startQuery(plan, await openSql(plan, context, options), "engine", options);
  return load(plan, started, context, options);
}

/** How a database names a decimal of a certain width, which the engine takes over; only for a NaN it makes text of it. */
const DECLARED = /\(\d+, ?\d+\)$/;

/** Rows that the engine holds at a time when it only makes columns of them: as many as a batch has at most. */
const ROWS_AT_A_TIME = 65_536;

/**
 * The columns of a plan over a query. Where no step is left for the engine, it takes in one batch's rows after the other;
 * else, and for decimals of no declared width, whose type depends on all of their values, all rows first.
 *
 * @throws `schema_mismatch` while reading, where a decimal of declared width holds NaN in some batches only.
 */
export async function* queryColumnBatches(
  plan: QueryPlan,
  context: QueryContext,
  options?: ReadTableOptions,
): AsyncIterable<ColumnBatch> {
  const started = await startQuery(plan, await openSql(plan, context, options), "engine", options);
  const { pushed, first } = started;
  const isOpen = ({ type, nativeType = "" }: Column): boolean =>
    type === "decimal" && !DECLARED.test(nativeType);
  if (pushed.rest.length > 0 || first.schema.columns.some(isOpen)) {
    yield* columnBatches(() => load(plan, started, context, options), options);
    return;
  }
  await using _query = first;
  const { schema, batches } = first;
  const rows = batches[Symbol.asyncIterator]();
  let ended = false;
  async function* next(): AsyncGenerator<readonly Row[]> {
    for (let count = 0; count < ROWS_AT_A_TIME;) {
      const { done, value } = await rows.next();
      if (done === true) {
        ended = true;
        return;
      }
      count += value.length;
      yield value;
    }
  }
  let fields: ColumnBatch["fields"] | undefined;
  while (!ended) {
    const some: SqlResult = { schema, batches: next(), [Symbol.asyncDispose]: () => Promise.resolve() };
    const take = (): Promise<TabularResult> => load(plan, { ...started, first: some }, context, options);
    for await (const batch of columnBatches(take, options)) {
      // A table without rows has one batch; the last rows of others have none behind them.
      if (fields !== undefined && batch.rowCount === 0) continue;
      checkFields(batch.fields, (fields ??= batch.fields));
      yield batch;
    }
  }
}

function checkFields(fields: ColumnBatch["fields"], before: ColumnBatch["fields"]): void {
  for (const [at, { name, type }] of fields.entries()) {
    if (JSON.stringify(type) === JSON.stringify(before[at]?.type)) continue;
    throw new AmlError(
      "schema_mismatch",
      `Column '${name}' is a decimal in some batches and, for the NaN in them, text in others.`,
      {
        operation: "query",
        hint: "Cast it in the query, to text or to double precision: all batches have one type.",
        context: { column: name },
      },
    );
  }
}

/** What a query's database does and what is left for the engine, and the columns that it is left with. Reads no rows. */
export async function describeQuery(
  plan: QueryPlan,
  context: QueryContext,
  options?: ExplainOptions,
): Promise<{ readonly query: ExplainedQuery; readonly schema: Schema; readonly rest: TabularPlan }> {
  const { datastore, query, parameters = {} } = plan.source;
  const sql = await openSql(plan, context, options);
  const { pushed, first } = await startQuery(plan, sql, "columns", options, options);
  await first[Symbol.asyncDispose]();
  const { part, rest, pushedSteps, why } = pushed;
  const shown = part === undefined ? undefined : sql.parts?.shown(query, part);
  const types: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters))
    types[name] = value === null ? "null" : typeof value;
  for (const [at, kind] of (shown?.constants ?? []).entries()) types[`constant_${at + 1}`] = kind;
  const sent = shown?.text ?? query;
  return {
    query: {
      datastore,
      sent,
      parameters: types,
      // The columns that a statement names are no step of the plan.
      pushedSteps: pushedSteps.filter((step) => step < plan.steps.length),
      ...(why === undefined ? {} : { notPushed: why }),
    },
    schema: first.schema,
    rest: { ...plan, steps: rest },
  };
}

function openSql(
  { source }: QueryPlan,
  context: QueryContext,
  options?: OperationOptions,
): Promise<SqlSource> {
  return context.openSql(source.datastore, options);
}

async function load(
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

type Load = (signal: AbortSignal | undefined) => Promise<TabularResult>;

function direct(
  { first: started, again, sent }: StartedQuery,
  whole: Load,
  signal: AbortSignal | undefined,
): TabularResult {
  // The query that told the columns also gives the rows of the first reading.
  let first: typeof started | undefined = started;
  const open = new Set<AsyncDisposable>([started]);
  async function* batches(own: AbortSignal | undefined): AsyncGenerator<readonly Row[]> {
    own?.throwIfAborted();
    const ready = own === undefined || own === signal ? first : undefined;
    const result = ready ?? (await again(own));
    open.add(result);
    if (ready !== undefined) first = undefined;
    try {
      yield* result.batches;
    } finally {
      open.delete(result);
      await result[Symbol.asyncDispose]();
    }
  }
  return {
    schema: started.schema,
    sql: sent,
    batches: (own) => batches(own?.signal),
    encode: (format, own) => encodeLazily(() => whole(own?.signal), format, own),
    async [Symbol.asyncDispose]() {
      await Promise.all([...open].map((result) => result[Symbol.asyncDispose]()));
    },
  };
}

function noRows(): AmlError {
  return new AmlError("unsupported", "The table engine of this workspace takes no rows of a database.", {
    hint: "Read the query without steps, or use an engine that has openRows, e.g. that of @aml/engine-duckdb.",
  });
}
