import type { FileRef } from "@aml/core";
import { createCsvParser, type CsvDialect, type CsvRecord } from "./csv-parser.ts";
import { namedFault } from "./csv-normalise.ts";

/** The first records of a file, its header among them. */
export interface CsvHead {
  readonly records: readonly CsvRecord[];
  /** They are all records of the file. */
  readonly complete: boolean;
}

const FIRST_BYTES = 64 * 1024;
const LAST_BYTES = 64 * 2 ** 20;

/**
 * Reads at least `wanted` records from the beginning of a file, in larger and larger pieces.
 *
 * @param read - gives the first bytes; fewer than asked for at the end of the file.
 * @returns undefined when they do not fit in 64 MiB.
 * @throws `parse_failed` for bytes that are not UTF-8, and for a record that cannot be split.
 */
export async function readCsvHead(
  file: FileRef,
  read: (bytes: number) => Promise<Uint8Array>,
  dialect: CsvDialect,
  wanted: number,
): Promise<CsvHead | undefined> {
  for (let bytes = FIRST_BYTES; bytes <= LAST_BYTES; bytes *= 4) {
    const start = await read(bytes);
    const complete = start.byteLength < bytes;
    const records = parseStart(file, start, dialect, complete, wanted);
    if (complete || records.length >= wanted) return { records, complete };
  }
  return undefined;
}

function parseStart(
  file: FileRef,
  bytes: Uint8Array,
  dialect: CsvDialect,
  complete: boolean,
  wanted: number,
): readonly CsvRecord[] {
  const parser = createCsvParser(dialect);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const records: CsvRecord[] = [];
  try {
    // In pieces, so that what lies behind the wanted records is not even looked at.
    for (let at = 0; at < bytes.length; at += FIRST_BYTES) {
      const piece = bytes.subarray(at, at + FIRST_BYTES);
      records.push(...parser.push(decoder.decode(piece, { stream: true })));
      if (records.length >= wanted) return records;
    }
    if (complete) {
      decoder.decode();
      records.push(...parser.end());
    }
    return records;
  } catch (error) {
    throw namedFault(error, file.uri);
  }
}
