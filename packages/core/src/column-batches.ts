import { AmlError } from "./aml-error.ts";
import type { ColumnBatch } from "./column-batch.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import type { TabularResult } from "./engine.ts";

/** The columns of a result that is opened for them, and closed behind them. */
export async function* columnBatches(
  load: (options?: ReadTableOptions) => Promise<TabularResult>,
  options?: ReadTableOptions,
): AsyncIterable<ColumnBatch> {
  await using result = await load(options);
  yield* columnBatchesOf(result, options);
}

/** @throws `unsupported` for a result of an engine that gives no columns. */
export function columnBatchesOf(
  result: TabularResult,
  options?: ReadTableOptions,
): AsyncIterable<ColumnBatch> {
  if (result.columnBatches === undefined) throw noColumns();
  return result.columnBatches(options);
}

function noColumns(): AmlError {
  return new AmlError("unsupported", "The table engine of this workspace gives rows, not columns.", {
    hint: "Use an engine that does, e.g. that of @aml/engine-duckdb.",
  });
}
