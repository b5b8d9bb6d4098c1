import type { ReadTableOptions } from "./conversion-errors.ts";
import { encodeQuery } from "./encode-query.ts";
import type { TabularResult } from "./engine.ts";
import type { ExplainedQuery, ExplainOptions } from "./explanation.ts";
import { loadStarted, openSql, type QueryContext } from "./load-query.ts";
import type { TabularPlan } from "./plan.ts";
import { startQuery, type QueryPlan, type StartedQuery } from "./start-query.ts";
import type { Row, Schema } from "./table.ts";

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
  if (started.pushed.rest.length > 0) return loadStarted(plan, started, context, options);
  const encode: TabularResult["encode"] = (format, own) => encodeQuery(plan, context, format, own);
  return direct(started, encode, options?.signal);
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

function direct(
  { first: started, again, sent }: StartedQuery,
  encode: TabularResult["encode"],
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
    encode,
    async [Symbol.asyncDispose]() {
      await Promise.all([...open].map((result) => result[Symbol.asyncDispose]()));
    },
  };
}
