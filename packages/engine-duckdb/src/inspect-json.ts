import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AmlError, type FileRef, type StepOf } from "@aml/core";
import { chainTransforms, transcode, type StageTransform } from "@aml/staging";
import {
  mapFiles,
  MOST_ROWS,
  readStart,
  stageFile,
  textTransform,
  type InspectContext,
} from "./inspect-context.ts";
import type { JsonTable } from "./inspected.ts";
import { readJsonHead } from "./json-head.ts";
import {
  createJsonScanner,
  scanJson,
  type FoundValue,
  type JsonFault,
  type JsonKey,
  type JsonScanOptions,
} from "./json-scan.ts";
import { JSON_BITS } from "./json-value.ts";

type ReadJson = StepOf<"read_json_lines">;

export type JsonFindings = Pick<JsonTable, "kind" | "paths" | "columns">;

/** What is held in memory of first lines, before files are staged whole instead. */
const MOST_BYTES = 16 * 2 ** 20;

/**
 * Finds out the columns of JSON lines: all keys of all rows, in order of first appearance. That takes one pass over the
 * files, unless the plan can use only their first rows; then the columns are those of these rows, and no more of the
 * files is read. No row at all has no keys: a plan that takes none has the columns of the whole table.
 *
 * @throws `parse_failed` for a line that is no object (unless such lines are dropped) and for whole numbers beyond
 * int64; what staging throws.
 */
export async function inspectJson(
  step: ReadJson,
  files: readonly FileRef[],
  wanted: number | undefined,
  context: InspectContext,
): Promise<JsonFindings> {
  const scan = scanOf(step);
  const heads = await readHeads(step, files, scan, wanted ?? 0, context);
  if (heads !== undefined) return { kind: "json_lines", paths: heads.paths, columns: columnsOf(scan) };
  scan.keys.clear();
  const paths: string[] = [];
  for (const { file, path, transform, dropped } of await scanFiles(step, files, scan, context)) {
    const clean = chainTransforms(transform, keepObjects);
    paths.push(dropped ? await stageFile(context, file, clean) : path);
  }
  return { kind: "json_lines", paths, columns: columnsOf(scan) };
}

/**
 * Goes through the rows that `inspectJson` looks at, or through exactly so many, and lets `observer` hear of them.
 *
 * @returns the columns of these rows, how many there are, and how many there could have been.
 * @throws as `inspectJson`.
 */
export async function observeJson(
  step: ReadJson,
  files: readonly FileRef[],
  rows: RowsOfJson,
  observer: JsonObserver,
  context: InspectContext,
): Promise<{ readonly columns: JsonTable["columns"]; readonly rows: number; readonly limit: number }> {
  const scan = scanOf(step, observer);
  const exactly = "exactly" in rows ? rows.exactly : Infinity;
  const wanted = "exactly" in rows ? exactly : (rows.wanted ?? 0);
  const heads = await readHeads(step, files, scan, wanted, context);
  if (heads !== undefined) return { columns: columnsOf(scan), rows: heads.rows, limit: wanted };
  scan.keys.clear();
  observer.restart();
  const all = await scanFiles(step, files, scan, context, exactly);
  const seen = all.reduce((sum, one) => sum + one.rows, 0);
  return { columns: columnsOf(scan), rows: seen, limit: exactly };
}

/** As many as a plan can use, as far as reading knows the number; or the first so many. */
export type RowsOfJson = { readonly wanted: number | undefined } | { readonly exactly: number };

/** Hears of rows while their columns are found out. */
export interface JsonObserver {
  onValue(value: FoundValue, file: number): void;
  /** Some of the rows heard of are invalid to DuckDB. */
  onRefused(): void;
  /** All rows come anew. */
  restart(): void;
}

interface Scan {
  readonly keys: Map<string, JsonKey>;
  /** For the file of this index. */
  readonly of: (file: number) => JsonScanOptions;
}

function scanOf({ invalid_lines }: ReadJson, observer?: JsonObserver): Scan {
  const base = { keys: new Map<string, JsonKey>(), dropInvalid: invalid_lines === "drop" };
  const { keys } = base;
  if (observer === undefined) return { keys, of: () => base };
  const { onRefused } = observer;
  return { keys, of: (file) => ({ ...base, onRefused, onValue: (value) => observer.onValue(value, file) }) };
}

function columnsOf({ keys }: Scan): JsonTable["columns"] {
  return [...keys.values()].map((key) => ({ name: key.name, sqlType: sqlTypeOf(key) }));
}

interface ScannedFile extends Text {
  readonly file: FileRef;
  readonly rows: number;
  /** Lines were passed over. */
  readonly dropped: boolean;
}

/** Looks through whole files, or through their first rows. */
async function scanFiles(
  step: ReadJson,
  files: readonly FileRef[],
  scan: Scan,
  context: InspectContext,
  most = Infinity,
): Promise<ScannedFile[]> {
  const texts = await mapFiles(files, (file) => stageText(step, file, context));
  const big = new Map<string, FileRef>();
  const out: ScannedFile[] = [];
  let missing = most;
  for (const [index, text] of texts.entries()) {
    if (missing <= 0) break;
    const file = files[index] as FileRef;
    const scanner = await scanJson(text.path, { ...scan.of(index), maxRows: missing }, context.signal);
    refuse(scanner.fault(), file);
    const rows = scanner.rows();
    missing -= rows;
    out.push({ ...text, file, rows, dropped: scanner.dropped() > 0 });
    noteBig(scan, big, file);
  }
  refuseBig(scan.keys, big);
  return out;
}

/** In which file the first whole number beyond int64 of each key is. */
function noteBig({ keys }: Scan, big: Map<string, FileRef>, file: FileRef): void {
  for (const { name, big: found } of keys.values()) {
    if (found !== undefined && !big.has(name)) big.set(name, file);
  }
}

/** Leaves out the lines that are no object: DuckDB itself would make rows of some. */
const keepObjects: StageTransform = {
  id: "json-objects-1",
  async *apply(chunks) {
    let lines: Buffer[] = [];
    const scanner = createJsonScanner({
      keys: new Map(),
      dropInvalid: true,
      onRow: (line) => lines.push(line, LINE_FEED),
    });
    let rest: Buffer = Buffer.alloc(0);
    const push = (final: boolean): Buffer => {
      lines = [];
      const taken = scanner.push(rest, final);
      const out = Buffer.concat(lines);
      rest = rest.subarray(taken);
      return out;
    };
    for await (const chunk of chunks) {
      rest = Buffer.concat([rest, chunk]);
      // A long line is not looked at again for each of its pieces.
      if (chunk.includes(0x0a)) yield push(false);
    }
    yield push(true);
  },
};

const LINE_FEED = Buffer.from("\n");

interface Text {
  readonly path: string;
  readonly transform: StageTransform | undefined;
}

/** Plain UTF-8 without a byte order mark, which DuckDB refuses in JSON. */
async function stageText(step: ReadJson, file: FileRef, context: InspectContext): Promise<Text> {
  const transform = textTransform(file, step.encoding);
  const path = await stageFile(context, file, transform);
  const start = await readStart(path, 3);
  if (!start.equals(Buffer.from([0xef, 0xbb, 0xbf]))) return { path, transform };
  const plain = chainTransforms(transform, transcode("utf8bom"));
  return { path: await stageFile(context, file, plain), transform: plain };
}

/** The first lines of the files, in files of their own; undefined when whole files are needed. */
async function readHeads(
  step: ReadJson,
  files: readonly FileRef[],
  scan: Scan,
  wanted: number,
  context: InspectContext,
): Promise<{ readonly paths: string[]; readonly rows: number } | undefined> {
  if (wanted === 0 || wanted > MOST_ROWS) return undefined;
  const paths: string[] = [];
  const big = new Map<string, FileRef>();
  let missing = wanted;
  let left = MOST_BYTES;
  for (const [index, file] of files.entries()) {
    if (missing <= 0) break;
    const transform = textTransform(file, step.encoding);
    const chunks = context.stager.readStart(file, { transform, signal: context.signal });
    const head = await readJsonHead(chunks, { ...scan.of(index), maxRows: missing }, left);
    if (head === undefined) return undefined;
    refuse(head.fault, file);
    missing -= head.rows;
    left -= head.bytes.length;
    const path = join(context.scope.folder, `head-${index}.jsonl`);
    await writeFile(path, head.bytes);
    context.origins.set(path, file.uri);
    paths.push(path);
    noteBig(scan, big, file);
  }
  refuseBig(scan.keys, big);
  return { paths, rows: wanted - missing };
}

function refuse(fault: JsonFault | undefined, file: FileRef): void {
  if (fault === undefined) return;
  const { line, column, message, excerpt } = fault;
  // An array, or an object over several lines.
  const isJson = line === 1 && /^\s*(\[|\{\s*$)/.test(excerpt);
  throw new AmlError("parse_failed", `${file.uri}, line ${line}, column ${column}: ${message}: ${excerpt}`, {
    hint: isJson
      ? "JSON lines are one object in each line, with nothing around them: convert the file, e.g. with jq -c '.[]'."
      : 'Correct the line, or read with invalid_lines: "drop".',
    context: { uri: file.uri, line, column },
  });
}

/** Alone such numbers would make a column of doubles, that changes them without a word. */
function refuseBig(keys: ReadonlyMap<string, JsonKey>, files: ReadonlyMap<string, FileRef>): void {
  for (const { name, bits, big } of keys.values()) {
    if (big === undefined || (bits & ~(JSON_BITS.int | JSON_BITS.bigInt | JSON_BITS.wide)) !== 0) continue;
    const uri = files.get(name)?.uri ?? "A file";
    throw new AmlError(
      "parse_failed",
      `${uri}, line ${big.line}: ${JSON.stringify(name)} is beyond 64 bits: ${big.text.slice(0, 40)}.`,
      {
        hint: "Write such numbers as strings.",
        context: { uri, line: big.line, column: name, value: big.text.slice(0, 80) },
      },
    );
  }
}

function sqlTypeOf({ bits }: JsonKey): string {
  const { boolean, int, bigInt, float, string, wide } = JSON_BITS;
  if (bits === 0 || bits === string) return "VARCHAR";
  if (bits === boolean) return "BOOLEAN";
  if ((bits & ~(int | wide)) === 0) return "BIGINT";
  // Next to fractions, numbers that a double would change keep their digits.
  if ((bits & wide) !== 0) return "JSON";
  return (bits & ~(int | bigInt | float)) === 0 ? "DOUBLE" : "JSON";
}
