import { AmlError } from "./aml-error.ts";
import type { ColumnBatch } from "./column-batch.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import type { TabularResult } from "./engine.ts";

/** The columns of a result that is opened for them, and closed behind them. */
export async function* columnBatches(
  load: (options?: ReadTableOptions) => Promise<TabularResult>,
  options?: ReadTableOptions,
): AsyncIterable<ColumnBatch> {
  const result = await load(options);
  try {
    if (result.columnBatches === undefined) throw noColumns();
    yield* result.columnBatches(options);
  } finally {
    await result[Symbol.asyncDispose]();
  }
}

function noColumns(): AmlError {
  return new AmlError("unsupported", "The table engine of this workspace gives rows, not columns.", {
    hint: "Use an engine that does, e.g. that of @aml/engine-duckdb.",
  });
}
