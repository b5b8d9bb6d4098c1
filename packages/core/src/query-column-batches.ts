import type { ColumnBatch } from "./column-batch.ts";
import { columnBatchesOf } from "./column-batches.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import { checkSameTypes, loadQueryInParts, type QueryContext } from "./load-query.ts";
import type { QueryPlan } from "./start-query.ts";
import type { Schema } from "./table.ts";

/** As many as a batch has at most: no more are asked for than are read. */
const ROWS_AT_A_TIME = 65_536;

/**
 * The columns of a plan over a query.
 *
 * @throws `schema_mismatch` while reading, where a decimal of declared width holds NaN in some rows only.
 */
export async function* queryColumnBatches(
  plan: QueryPlan,
  context: QueryContext,
  options?: ReadTableOptions,
): AsyncIterable<ColumnBatch> {
  let first: Schema | undefined;
  for await (const part of loadQueryInParts(plan, context, ROWS_AT_A_TIME, options)) {
    checkSameTypes(part.schema, (first ??= part.schema));
    yield* columnBatchesOf(part, options);
  }
}
