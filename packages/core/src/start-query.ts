import { isAmlError } from "./aml-error.ts";
import type { ExplainOptions } from "./explanation.ts";
import type { QuerySource, Step, TabularPlan } from "./plan.ts";
import { isSettled, pushDown, pushWindow, type PushedDown } from "./push-down.ts";
import type { SqlPart } from "./sql-part.ts";
import type { SqlResult, SqlSource } from "./sql-source.ts";
import type { OperationOptions } from "./storage.ts";
import type { Schema } from "./table.ts";

/** Rows that are read one by one live through fewer collections in small batches; the engine takes in 2,048 at a time. */
const BATCH_ROWS = { rows: 256, engine: 2048, columns: 1 } as const;

/** A plan over a query. */
export type QueryPlan = TabularPlan & { readonly source: QuerySource };

/** A query that runs, with what its database was asked for. */
export interface StartedQuery {
  readonly pushed: PushedDown;
  readonly first: SqlResult;
  /** Runs the same anew, for rows. */
  again(signal: AbortSignal | undefined): Promise<SqlResult>;
  /** The statement, for people. */
  readonly sent: string;
}

/**
 * Starts the query of a plan, and gives the database those of its steps that mean the same there. A database that refuses
 * a part of the query is asked for the whole, so that its errors are of the query as it was written.
 *
 * @param use - `rows`: they are read as they come if no step is left. `engine`: they are taken into it. `columns`: none
 * is read.
 * @param demand - rows and columns that nobody needs in the end may be missing.
 */
export async function startQuery(
  { source, steps }: QueryPlan,
  sql: SqlSource,
  use: "rows" | "engine" | "columns",
  options?: OperationOptions,
  { columns, conditions }: Demand = {},
): Promise<StartedQuery> {
  const { query: text, parameters, timeoutMs } = source;
  const asksForAll = steps.length === 0 && columns === undefined && conditions === undefined;
  const ask = (
    part: SqlPart | undefined,
    timestamps: "date" | "text",
    signal = options?.signal,
  ): Promise<SqlResult> =>
    sql.query(
      { text, parameters, ...(part && { part }) },
      { timeoutMs, timestamps, signal, batchRows: BATCH_ROWS[use] },
    );
  const whole = (why: string | undefined): PushedDown => ({
    part: undefined,
    rest: steps,
    pushedSteps: [],
    why,
  });
  const choose = async (): Promise<PushedDown> => {
    if (asksForAll) return whole(undefined);
    if (sql.parts === undefined) return whole("this database runs queries whole only");
    const { takes, why = "" } = sql.parts.support(text);
    if (takes === "window") return pushWindow(steps, why);
    if (takes === "nothing") return whole(why);
    await using none = await ask({ take: 0 }, "text");
    return pushDown(
      [...steps, ...demanded(steps, none.schema, { columns, conditions })],
      none.schema,
      sql.parts,
    );
  };
  const start = (pushed: PushedDown): Promise<SqlResult> => {
    const none = use === "columns" && sql.parts?.support(text).takes === "rows" && pushed.part !== undefined;
    return ask(
      none ? { ...pushed.part, take: 0 } : pushed.part,
      use === "rows" && pushed.rest.length === 0 ? "date" : "text",
    );
  };
  const started = (pushed: PushedDown, first: SqlResult): StartedQuery => ({
    pushed,
    first,
    again: (signal) => ask(pushed.part, "date", signal),
    sent: pushed.part === undefined ? text : (sql.parts?.shown(text, pushed.part).text ?? text),
  });
  try {
    const pushed = await choose();
    const first = await start(pushed);
    const isWindow = pushed.part?.take !== undefined || pushed.part?.skip !== undefined;
    if (!isWindow || sql.parts === undefined || isSettled(pushed.rest, first.schema, sql.parts)) {
      return started(pushed, first);
    }
    // A query that sorts tells its columns only now.
    await first[Symbol.asyncDispose]();
    const all = whole("a filter looks at a column whose type all rows tell");
    return started(all, await start(all));
  } catch (error) {
    const refused = isAmlError(error, "query_failed") || isAmlError(error, "unsupported");
    if (!refused || asksForAll) throw error;
    const pushed = whole(`the database refuses a part of the query: ${error.message}`);
    return started(pushed, await start(pushed));
  }
}

/** What is of use to a statement of the rows of a query. */
type Demand = Pick<ExplainOptions, "columns" | "conditions">;

function demanded(
  steps: readonly Step[],
  { columns: all }: Schema,
  { columns, conditions }: Demand,
): readonly Step[] {
  const isPlain = steps.every(({ op }) => ["filter", "take", "skip"].includes(op));
  const more = isPlain ? (conditions?.(all) ?? []) : [];
  if (columns === undefined) return more;
  const names = all.map(({ name }) => name);
  const kept = names.filter((name) => columns.has(name.toLowerCase()));
  // A table has a column, if only to have rows.
  return [...more, { op: "keep_columns", columns: kept.length > 0 ? kept : names.slice(0, 1) }];
}
