import type { Row } from "@aml/core";
import { createRowDecoder } from "./decode-chunk.ts";
import { columnTypeOf } from "./plan-column.ts";
import { streamChunks, type StreamOptions } from "./stream-chunks.ts";

/** The rows of a query whose columns are in their plain types, in batches of up to 2048. */
export async function* streamRows(options: StreamOptions): AsyncGenerator<readonly Row[]> {
  const { columns } = options.query;
  const decode = createRowDecoder(
    columns.map(({ name }) => name),
    columns.map(({ sqlType }) => columnTypeOf(sqlType)),
  );
  for await (const { chunk, from, count } of streamChunks(options)) {
    const rows = decode(chunk, count);
    yield from === 0 ? rows : rows.slice(from);
  }
}
