import { Table, type RecordBatch } from "apache-arrow";
import { arrowBatches, type ArrowOptions, type ColumnSource } from "./arrow-batches.ts";

/**
 * A whole dataset as an Arrow table in memory.
 *
 * @throws what `arrowBatches` throws.
 */
export async function toArrow(source: ColumnSource, options?: ArrowOptions): Promise<Table> {
  const batches: RecordBatch[] = [];
  for await (const batch of arrowBatches(source, options)) batches.push(batch);
  return new Table(batches);
}
