import { createReadStream } from "node:fs";
import { AmlError, type FileRef, type StepOf } from "@aml/core";
import { readCsvHead, type CsvHead } from "./csv-head.ts";
import type { CsvDialect } from "./csv-parser.ts";
import { mapFiles, MOST_ROWS, stageFile, textTransform, type InspectContext } from "./inspect-context.ts";

type ReadDelimited = StepOf<"read_delimited">;

/** A file of which the first records are known. */
export interface Opened {
  readonly file: FileRef;
  readonly index: number;
  /** Absent when no more than the head is here. */
  readonly path?: string;
  readonly head: CsvHead;
}

/** Text that is looked at, and held in memory as records, before files are staged whole instead. */
const MOST_BYTES = 16 * 2 ** 20;

/**
 * Opens as many files as it takes to have so many rows, and of each no more than its beginning. Where each file has
 * names of its own, of the others the header.
 *
 * @returns undefined for more than is held in memory: then whole files are needed.
 */
export async function openStarts(
  step: ReadDelimited,
  files: readonly FileRef[],
  dialect: CsvDialect,
  rows: number,
  { stager, signal }: InspectContext,
): Promise<Opened[] | undefined> {
  if (rows > MOST_ROWS) return undefined;
  const read = ({ file }: Place): AsyncIterable<Uint8Array> =>
    stager.readStart(file, { transform: textTransform(file, step.encoding), signal });
  const first = await openFirst(step, files, rows, { read, dialect, limit: MOST_BYTES });
  if (first === undefined || step.header !== "all_files_different_headers") return first;
  return openRest(files, first, { read, dialect, limit: MOST_BYTES });
}

/** Brings all files here, and reads the first rows and all headers. */
export async function openWhole(
  step: ReadDelimited,
  files: readonly FileRef[],
  dialect: CsvDialect,
  rows: number,
  context: InspectContext,
): Promise<Opened[]> {
  const paths = await mapFiles(files, (file) => stageFile(context, file, textTransform(file, step.encoding)));
  const read = ({ index }: Place): AsyncIterable<Uint8Array> => createReadStream(paths[index] ?? "");
  const how = { read, dialect, limit: Infinity };
  const first = await openFirst(step, files, rows, how);
  const opened = first && (await openRest(files, first, how));
  if (opened === undefined) throw new AmlError("internal", "A file without limit was too long.");
  return opened.map((one) => ({ ...one, path: paths[one.index] ?? "" }));
}

interface Place {
  readonly file: FileRef;
  readonly index: number;
}

interface HowToRead {
  readonly read: (place: Place) => AsyncIterable<Uint8Array>;
  readonly dialect: CsvDialect;
  /** Bytes of the first rows together, and of each header behind them. */
  readonly limit: number;
}

/** The first rows, from one file after the other: most often one has them all. */
async function openFirst(
  step: ReadDelimited,
  files: readonly FileRef[],
  rows: number,
  { read, dialect, limit }: HowToRead,
): Promise<Opened[] | undefined> {
  const header = step.header ?? "all_files_same_headers";
  const out: Opened[] = [];
  let missing = rows;
  let left = limit;
  let isFirst = true;
  for (const [index, file] of files.entries()) {
    // A file without a record tells no names either.
    if (missing <= 0 && !isFirst) break;
    const headers = header === "no_header" || (header === "from_first_file" && !isFirst) ? 0 : 1;
    const records = Math.max(missing + headers, 1);
    const head = await readCsvHead(file, read({ file, index }), dialect, records, left);
    if (head === undefined) return undefined;
    out.push({ file, index, head });
    left -= head.bytes;
    if (head.records.length === 0) continue;
    missing -= head.records.length - headers;
    isFirst = false;
  }
  return out;
}

/** The headers of the other files. */
async function openRest(
  files: readonly FileRef[],
  opened: readonly Opened[],
  { read, dialect, limit }: HowToRead,
): Promise<Opened[] | undefined> {
  const rest = await mapFiles(files.slice(opened.length), async (file, at) => {
    const index = opened.length + at;
    const head = await readCsvHead(file, read({ file, index }), dialect, 1, limit);
    // Parts of a text keep all of it in memory; copies do not.
    return head && { file, index, head: structuredClone(head) };
  });
  const known = rest.filter((one) => one !== undefined);
  return known.length === rest.length ? [...opened, ...known] : undefined;
}
