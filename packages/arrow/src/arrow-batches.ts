import { AmlError, type ArrowVector, type ColumnBatch, type ReadTableOptions } from "@aml/core";
import { DataType, makeData, RecordBatch, Struct, type Data, type Int, type Schema } from "apache-arrow";
import { arrowSchema } from "./arrow-schema.ts";

/** A dataset, or a table that is open. */
export interface ColumnSource {
  columnBatches?(options?: ReadTableOptions): AsyncIterable<ColumnBatch>;
}

export interface ArrowOptions extends ReadTableOptions {
  /** Key-value pairs of the Arrow schema. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * The rows of a dataset as record batches of up to 64 Ki rows, all of one schema; at least one, perhaps of no rows. The
 * buffers are those of the engine: nothing is copied or converted. Leaving the loop early stops the query.
 *
 * Reading throws `unsupported` when the engine gives no columns, and what `columnBatches` throws.
 */
export async function* arrowBatches(
  source: ColumnSource,
  options: ArrowOptions = {},
): AsyncGenerator<RecordBatch> {
  const { metadata, ...operation } = options;
  if (source.columnBatches === undefined) throw noColumns();
  let schema: Schema | undefined;
  for await (const batch of source.columnBatches(operation)) {
    schema ??= arrowSchema(batch.fields, metadata);
    yield recordBatch(batch, schema);
  }
}

function recordBatch({ rowCount, columns }: ColumnBatch, schema: Schema): RecordBatch {
  const children = columns.map((column, at) => dataOf(column, schema.fields[at]?.type as DataType));
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: rowCount, nullCount: 0, children }));
}

function dataOf(
  { length, nullCount, validity, offsets, data, children = [] }: ArrowVector,
  type: DataType,
): Data {
  const common = { length, nullCount, nullBitmap: validity };
  const nested = children.map((child, at) => dataOf(child, type.children?.[at]?.type as DataType));
  if (DataType.isStruct(type)) return makeData({ ...common, type, children: nested });
  const [child] = nested;
  if (DataType.isList(type))
    return makeData({ ...common, type, valueOffsets: offsets, child: child as Data });
  if (DataType.isMap(type)) return makeData({ ...common, type, valueOffsets: offsets, child: child as Data });
  if (DataType.isUtf8(type))
    return makeData({ ...common, type, valueOffsets: offsets, data: data as Uint8Array });
  if (DataType.isBinary(type))
    return makeData({ ...common, type, valueOffsets: offsets, data: data as Uint8Array });
  // Of the types left, each has one buffer of values.
  return makeData({ ...common, type: type as Int, data: data as Int32Array });
}

function noColumns(): AmlError {
  return new AmlError("unsupported", "The table engine of this workspace gives rows, not columns.", {
    hint: "Use an engine that has columnBatches, e.g. that of @aml/engine-duckdb.",
  });
}
