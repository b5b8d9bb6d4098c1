import type { Row, SqlQueryOptions, SqlResult, SqlSource, SqlStatement } from "@aml/core";
import type { SqlMutate } from "./sql-case.ts";

type Ask = (statement: SqlStatement, options: SqlQueryOptions) => Promise<SqlResult>;

/** Asks something else, or gives something else than the answer. */
export function asking(
  change: (ask: Ask, statement: SqlStatement, options: SqlQueryOptions) => Promise<SqlResult>,
): SqlMutate {
  return (fixture) => ({ ...fixture, sql: otherwise(fixture.sql, change) });
}

export function otherwise(
  sql: SqlSource,
  change: (ask: Ask, statement: SqlStatement, options: SqlQueryOptions) => Promise<SqlResult>,
): SqlSource {
  const ask: Ask = (statement, options) => sql.query(statement, options);
  return { ...sql, query: (statement, options = {}) => change(ask, statement, options) };
}

/** Gives other batches than those that came. */
export function batching(
  change: (batches: AsyncIterable<readonly Row[]>) => AsyncIterable<readonly Row[]>,
): SqlMutate {
  return asking(async (ask, statement, options) => {
    const result = await ask(statement, options);
    return { ...result, batches: change(result.batches) };
  });
}

/** Gives other rows than those that came. */
export function rowing(change: (row: Row) => Row): SqlMutate {
  return batching(async function* (batches) {
    for await (const batch of batches) yield batch.map(change);
  });
}

/** Runs with other options than asked for. */
export function optioning(change: (options: SqlQueryOptions) => SqlQueryOptions): SqlMutate {
  return asking((ask, statement, options) => ask(statement, change(options)));
}

/** Runs another text than asked for. */
export function texting(change: (statement: SqlStatement) => SqlStatement): SqlMutate {
  return asking((ask, statement, options) => ask(change(statement), options));
}

/** Takes a failure in the middle for the end: the worst that a source can do. */
export async function* truncating(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[]> {
  try {
    yield* batches;
  } catch {
    return;
  }
}

/** Reads the rest of what its reader leaves. */
export async function* clinging(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[]> {
  const reader = batches[Symbol.asyncIterator]();
  for (let next = await reader.next(); !next.done; next = await reader.next()) yield next.value;
}
