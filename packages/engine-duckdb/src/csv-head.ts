import type { FileRef } from "@aml/core";
import { createCsvParser, type CsvDialect, type CsvRecord } from "./csv-parser.ts";
import { namedFault } from "./csv-normalise.ts";

/** The first records of a file, its header among them. */
export interface CsvHead {
  readonly records: readonly CsvRecord[];
  /** Bytes that were looked at. */
  readonly bytes: number;
}

const PIECE_BYTES = 16 * 1024;
/** Enough to tell how long records are. */
const TELLING_BYTES = 256 * 1024;

/**
 * Reads the first `wanted` records of a file, or all if there are fewer. What lies behind them is not looked at.
 *
 * @param chunks - UTF-8 from the beginning of the file; no more is taken than is needed.
 * @returns undefined when they do not fit in `limit` bytes, as far as can be told.
 * @throws `parse_failed` for bytes that are not UTF-8, and for a record that cannot be split; what `chunks` throws.
 */
export async function readCsvHead(
  file: FileRef,
  chunks: AsyncIterable<Uint8Array>,
  dialect: CsvDialect,
  wanted: number,
  limit: number,
): Promise<CsvHead | undefined> {
  const parser = createCsvParser(dialect);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const records: CsvRecord[] = [];
  let bytes = 0;
  const head = (): CsvHead => ({ records: records.slice(0, wanted), bytes });
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        bytes += piece.length;
        for (const record of parser.push(decoder.decode(piece, { stream: true }))) records.push(record);
        if (records.length >= wanted) return head();
      }
      const expected = bytes < TELLING_BYTES ? bytes : (bytes / Math.max(records.length, 1)) * wanted;
      if (bytes > limit || (records.length > 0 && expected > limit)) return undefined;
    }
    decoder.decode();
    records.push(...parser.end());
    return head();
  } catch (error) {
    throw namedFault(error, file.uri);
  }
}
