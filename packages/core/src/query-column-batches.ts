import type { ColumnBatch } from "./column-batch.ts";
import { columnBatchesOf } from "./column-batches.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import { checkSameTypes, loadQueryInParts, type QueryContext } from "./load-query.ts";
import type { QueryPlan } from "./start-query.ts";

/** As many as a batch has at most: no more are asked for than are read. */
const ROWS_AT_A_TIME = 65_536;

/**
 * The columns of a plan over a query.
 *
 * @throws `schema_mismatch` while reading, where a decimal holds NaN, or more digits than are declared, in some rows only.
 */
export async function* queryColumnBatches(
  plan: QueryPlan,
  context: QueryContext,
  options?: ReadTableOptions,
): AsyncIterable<ColumnBatch> {
  let fields: ColumnBatch["fields"] | undefined;
  for await (const part of loadQueryInParts(plan, context, ROWS_AT_A_TIME, options)) {
    for await (const batch of columnBatchesOf(part, options)) {
      checkSameTypes(batch.fields, (fields ??= batch.fields));
      yield batch;
    }
  }
}
