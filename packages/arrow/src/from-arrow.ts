import { AmlError, isAmlError, type ColumnBatch } from "@aml/core";
import {
  CompressionType,
  compressionRegistry,
  RecordBatchReader,
  type RecordBatch,
  type Schema,
  type Table,
} from "apache-arrow";
import { fieldOf } from "./arrow-field.ts";
import { vectorOf } from "./arrow-vector.ts";
import { decodeLz4Frame } from "./lz4-frame.ts";
import { MessageFrames } from "./message-frames.ts";

/** A table, or bytes in Arrow's IPC format: of a stream or of a file, which is Feather 2. */
export type ArrowSource = Table | Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/**
 * Arrow data as batches of columns, for `workspace.tabular.fromColumnBatches`. Every value comes through as it is: dictionaries
 * become their values, large and fixed-size lists, texts and bytes plain ones, half floats floats, columns of nulls text,
 * dates of milliseconds dates, times of day at least microseconds, instants micro- or nanoseconds in UTC.
 *
 * Reading throws `unsupported` with the column for durations, intervals, unions and decimals of more than 38 digits, and for
 * bytes of a compression without a codec; `parse_failed` for bytes that are not Arrow's or break off, and with the column for an
 * instant that no microsecond holds and a date with a time of day.
 */
export async function* fromArrow(source: ArrowSource): AsyncGenerator<ColumnBatch> {
  if (isTable(source)) {
    for (const batch of source.batches) yield columnBatch(batch);
    if (source.batches.length === 0) yield noRows(source.schema);
    return;
  }
  provideCodecs();
  const frames = new MessageFrames();
  const bytes = whole(source, frames);
  let given = 0;
  try {
    const reader = await RecordBatchReader.from({
      // Without a way to end it: what follows the reader's end mark is looked at, too.
      [Symbol.asyncIterator]: () => ({ next: () => bytes.next() }),
    });
    await reader.open();
    for await (const batch of batchesOf(reader)) {
      given += 1;
      yield columnBatch(batch);
    }
    for await (const _ of bytes);
    if (frames.batches > 0 && given !== frames.batches)
      throw new Error(`${given} of ${frames.batches} batches were found.`);
    if (given === 0) yield noRows(reader.schema);
  } catch (error) {
    throw isAmlError(error) ? error : unreadable(error);
  } finally {
    await bytes.return(undefined);
  }
}

/** Of a file one by one: apache-arrow looks for ever for a batch where its footer names none. */
async function* batchesOf(reader: RecordBatchReader): AsyncGenerator<RecordBatch> {
  if (!reader.isFile()) return yield* reader;
  for (let at = 0; at < reader.numRecordBatches; at++) {
    const batch = await reader.readRecordBatch(at);
    if (batch === null) throw new Error(`There is no batch where the footer has number ${at}.`);
    yield batch;
  }
}

function isTable(source: ArrowSource): source is Table {
  return "batches" in source;
}

function columnBatch({ schema, numRows, data }: RecordBatch): ColumnBatch {
  // apache-arrow reads no rows as columns without their children.
  if (numRows === 0) return noRows(schema);
  const fields = schema.fields.map((field) => fieldOf(field));
  const columns = data.children.map((child, at) => vectorOf(child, fields[at]?.name ?? ""));
  return { fields, rowCount: numRows, columns };
}

function noRows(schema: Schema): ColumnBatch {
  const fields = schema.fields.map((field) => fieldOf(field));
  return { fields, rowCount: 0, columns: fields.map(() => ({ length: 0, nullCount: 0 })) };
}

/** The word at the end of a file. */
const FILE_END = [...new TextEncoder().encode("ARROW1")];

/** Bytes that end as a stream or file does: what is missing behind a batch would not be missed. */
async function* whole(
  source: Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  frames: MessageFrames,
): AsyncGenerator<Uint8Array> {
  let tail: number[] = [];
  const chunks = source instanceof Uint8Array ? [source] : (source as AsyncIterable<Uint8Array>);
  for await (const chunk of chunks) {
    frames.push(chunk);
    tail = [...tail, ...chunk.subarray(-6)].slice(-6);
    yield chunk;
  }
  if (frames.isFile ? FILE_END.every((byte, at) => tail[at] === byte) : frames.ended) return;
  throw new AmlError("parse_failed", "The Arrow data has no end mark: it breaks off.", {
    hint: "Close the writer of the stream or file, and transfer it again.",
  });
}

interface Zlib {
  zstdDecompressSync?(data: Uint8Array): Uint8Array;
}

/** LZ4, and Zstandard where the runtime has it; unless somebody has brought another. */
function provideCodecs(): void {
  if (compressionRegistry.get(CompressionType.LZ4_FRAME) === null)
    compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decodeLz4Frame });
  if (compressionRegistry.get(CompressionType.ZSTD) !== null) return;
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): Zlib | undefined } };
  const decode = process?.getBuiltinModule?.("node:zlib")?.zstdDecompressSync;
  if (decode !== undefined) compressionRegistry.set(CompressionType.ZSTD, { decode: (data) => decode(data) });
}

function unreadable(cause: unknown): AmlError {
  if (cause instanceof Error && cause.message.includes("codec not found")) {
    return new AmlError(
      "unsupported",
      "The Arrow data is compressed in a way that this runtime does not have.",
      {
        hint: "Write it with LZ4 or uncompressed (pandas: to_feather(path, compression='lz4')), or give a codec to compressionRegistry of apache-arrow.",
        cause,
      },
    );
  }
  return new AmlError("parse_failed", "These bytes are no Arrow IPC stream or file, or are damaged.", {
    hint: "Write them anew, e.g. with pyarrow.ipc.new_stream or toArrowIpc.",
    cause,
  });
}
