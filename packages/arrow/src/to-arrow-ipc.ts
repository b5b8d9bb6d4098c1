import {
  AsyncByteQueue,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  type RecordBatch,
} from "apache-arrow";
import { arrowBatches, type ArrowOptions, type ColumnSource } from "./arrow-batches.ts";

export interface ArrowIpcOptions extends ArrowOptions {
  /**
   * `stream`, the default: `pyarrow.ipc.open_stream`, `polars.read_ipc_stream`. `file`, that is Feather 2 without
   * compression: `pandas.read_feather`, `polars.read_ipc`.
   */
  readonly format?: "stream" | "file" | undefined;
}

/**
 * A whole dataset in Arrow's IPC format, a batch at a time as it is read. The end of the stream is the end of the data:
 * where a batch fails, so does the stream, and what came before it has no end mark. Cancelling stops the query.
 *
 * Reading throws what `arrowBatches` throws.
 */
export function toArrowIpc(source: ColumnSource, options: ArrowIpcOptions = {}): ReadableStream<Uint8Array> {
  const { format = "stream", ...rest } = options;
  const chunks = encode(arrowBatches(source, rest), format);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Parts of a few bytes, such as padding, are put together up to this size. */
const CHUNK = 64 * 1024;

/** The writer puts what it makes into a queue without end: here, a batch is written when the one before has left it. */
async function* encode(
  batches: AsyncIterable<RecordBatch>,
  format: "stream" | "file",
): AsyncGenerator<Uint8Array, undefined> {
  const queue = new AsyncByteQueue<Uint8Array>();
  const mark = new Uint8Array(1);
  const writer = format === "file" ? new RecordBatchFileWriter() : new RecordBatchStreamWriter();
  writer.reset(queue);
  for await (const batch of batches) {
    writer.write(batch);
    queue.write(mark);
    yield* joined(queue, mark);
  }
  writer.finish();
  yield* joined(queue, mark);
  return undefined;
}

/** What is in the queue up to the mark, or to its end. */
async function* joined(queue: AsyncByteQueue<Uint8Array>, mark: Uint8Array): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await queue.next();
    const end = done === true || value.buffer === mark.buffer;
    if (!end) {
      parts.push(value);
      size += value.length;
    }
    if (size >= CHUNK || (end && size > 0)) {
      yield concatenated(parts, size);
      parts = [];
      size = 0;
    }
    if (end) return;
  }
}

function concatenated(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
