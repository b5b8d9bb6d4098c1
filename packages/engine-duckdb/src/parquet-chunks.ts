import type { ByteRange } from "@aml/staging";
import type { Scope } from "./scope.ts";
import { escapeGlob, quoteList } from "./sql-text.ts";

/** Columns of files of one schema, by their places in a footer. */
export interface ChunkQuery {
  readonly paths: readonly string[];
  /** The leaves of the wanted columns. */
  readonly leaves: readonly number[];
}

export interface RowGroupChunks {
  readonly rows: number;
  /** Of the wanted columns. Undefined when the footer gives none that can be. */
  readonly chunks: readonly ByteRange[] | undefined;
}

/** The row groups of files, as their footers have them, in order; by the file's path. */
export async function readChunks(
  { paths, leaves }: ChunkQuery,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, readonly RowGroupChunks[]>> {
  const out = new Map<string, RowGroupChunks[]>(paths.map((path) => [path, []]));
  const result = await scope.run(
    "SELECT file_name, row_group_id::INTEGER, row_group_num_rows::DOUBLE,\n" +
      "  CASE WHEN dictionary_page_offset > 0 THEN least(dictionary_page_offset, data_page_offset) " +
      "ELSE data_page_offset END::DOUBLE, total_compressed_size::DOUBLE,\n" +
      `  bloom_filter_offset::DOUBLE, bloom_filter_length::DOUBLE\n` +
      `FROM parquet_metadata(${quoteList(paths.map(escapeGlob))})\n` +
      `WHERE column_id IN (${leaves.join(", ")})`,
    signal,
  );
  for (const [path, group, rows, offset, size, bloom, bloomSize] of await result.getRows()) {
    const groups = out.get(String(path)) ?? [];
    const known = groups[Number(group)];
    const chunk = rangeOf(offset, size);
    const filter = bloom === null ? [] : [rangeOf(bloom, bloomSize)];
    const all = [
      ...(known === undefined ? [] : [known.chunks]),
      chunk && [chunk],
      ...filter.map((one) => one && [one]),
    ];
    groups[Number(group)] = {
      rows: Number(rows),
      chunks: all.includes(undefined) ? undefined : all.flatMap((some) => some ?? []),
    };
  }
  return out;
}

/** Undefined for what cannot be one: a footer may say anything. */
function rangeOf(offset: unknown, size: unknown): ByteRange | undefined {
  const [start, length] = [Number(offset ?? Number.NaN), Number(size ?? Number.NaN)];
  if (!Number.isSafeInteger(start) || start < 0 || !Number.isSafeInteger(length) || length < 0)
    return undefined;
  return { start, end: start + length };
}
