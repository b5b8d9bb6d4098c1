import { buffer } from "node:stream/consumers";
import type { ReadTableOptions, TableFormat } from "@aml/core";
import pl, { type DataFrame } from "nodejs-polars";

/** A dataset, or a table that is open. */
export interface EncodedSource {
  encode(format: TableFormat, options?: ReadTableOptions): ReadableStream<Uint8Array>;
}

/**
 * A whole dataset as a polars frame: by way of Parquet, which the engine writes and polars reads faster than anything
 * else. The engine's temporary file is deleted before this resolves.
 *
 * @throws `unsupported` for a table without columns, or with columns that differ by case only; what reading throws.
 */
export async function toPolars(source: EncodedSource, options?: ReadTableOptions): Promise<DataFrame> {
  return pl.readParquet(await buffer(source.encode("parquet", options)));
}
