import { AmlError, isAmlError, type AmlErrorCode } from "@aml/core";
import { raggedRowHint } from "./ragged-row-hint.ts";
import { CONVERSION_FAILED, DIVISION_BY_ZERO, NO_JSON_NUMBER, WIDENING_FAILED } from "./relation.ts";

/** Local paths and the URIs of the files that they are copies of. */
export type Origins = ReadonlyMap<string, string>;

interface Reading {
  readonly code: AmlErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly context?: Readonly<Record<string, unknown>>;
}

/**
 * DuckDB's error as an `AmlError`: by its text, which is all that there is. Local paths become the URIs that they
 * stand for.
 */
export function toAmlError(error: unknown, origins: Origins, uris: readonly string[] = []): AmlError {
  if (isAmlError(error)) return error;
  const text = nameSources(error instanceof Error ? error.message : String(error), origins);
  const reading = readText(text, uris);
  const cause = new Error(text);
  return new AmlError(reading.code, reading.message, { ...reading, cause });
}

/** Puts URIs in the place of local paths, in one pass: a URI may hold the path of another file. */
export function nameSources(text: string, origins: Origins): string {
  const paths = [...origins.keys()].filter((path) => text.includes(path));
  if (paths.length === 0) return text;
  // The longer one first, where one path begins with another.
  const sorted = paths.toSorted((a, b) => b.length - a.length);
  const any = new RegExp(sorted.map((path) => path.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"), "g");
  return text.replace(any, (path) => origins.get(path) ?? path);
}

function readText(text: string, uris: readonly string[]): Reading {
  return (
    readConversion(text, uris) ??
    readWidening(text) ??
    readDivision(text) ??
    readJsonNumber(text) ??
    readCsvError(text, uris) ??
    readJsonError(text) ??
    readParquetError(text, uris) ??
    readOther(text)
  );
}

function readConversion(text: string, uris: readonly string[]): Reading | undefined {
  const start = text.indexOf(CONVERSION_FAILED);
  if (start < 0) return undefined;
  const found = /^("(?:[^"\\]|\\.)*") ([^]*)$/.exec(text.slice(start + CONVERSION_FAILED.length));
  const column = found?.[1] === undefined ? "?" : (JSON.parse(found[1]) as string);
  const value = found?.[2] ?? "";
  const uri = uris.length === 1 ? uris[0] : undefined;
  return {
    code: "parse_failed",
    message: `${uri === undefined ? "" : `${uri}: `}A value of column ${column} cannot be converted: ${JSON.stringify(value)}.`,
    hint: 'Convert the column to string, correct the value, or read with onError: "null".',
    context: { ...(uri === undefined ? {} : { uri }), column, value },
  };
}

function readWidening(text: string): Reading | undefined {
  const start = text.indexOf(WIDENING_FAILED);
  if (start < 0) return undefined;
  const list = /^\[.*\]/.exec(text.slice(start + WIDENING_FAILED.length))?.[0] ?? "[]";
  const [column = "?", from = "?", to = "?"] = JSON.parse(list) as string[];
  return {
    code: "schema_mismatch",
    message: `The files have column ${column} in several types, and a value of type ${from} does not fit ${to}.`,
    hint: "Read these files apart, or write the column in one type.",
    context: { column, from, to },
  };
}

function readDivision(text: string): Reading | undefined {
  const start = text.indexOf(DIVISION_BY_ZERO);
  if (start < 0) return undefined;
  const step = Number.parseInt(text.slice(start + DIVISION_BY_ZERO.length), 10);
  return {
    code: "query_failed",
    message: `Step ${step} (filter) divides by zero in a row.`,
    hint: "Leave such rows out in front of it: miles != 0 and fare / miles > 2.",
    context: { step },
  };
}

function readJsonNumber(text: string): Reading | undefined {
  const start = text.indexOf(NO_JSON_NUMBER);
  if (start < 0) return undefined;
  const name = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(start + NO_JSON_NUMBER.length))?.[0] ?? '"?"';
  const column = JSON.parse(name) as string;
  return {
    code: "unsupported",
    message: `The nested column ${column} holds NaN or infinity, which JSON cannot.`,
    hint: "Write parquet, or drop the column.",
    context: { column },
  };
}

function readCsvError(text: string, uris: readonly string[]): Reading | undefined {
  const isCsv = /CSV Error on Line|The CSV Parser state machine|The Parallel CSV Reader/.test(text);
  if (!isCsv) return undefined;
  const uri = /^\s*file = (.*)$/m.exec(text)?.[1] ?? uris[0] ?? "a file";
  const line = /CSV Error on Line: (\d+)/.exec(text)?.[1];
  const row = /Original Line: (.*)$/m.exec(text)?.[1] ?? "";
  const excerpt = row.length > 80 ? `${row.slice(0, 80)}…` : row;
  const counts = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(text);
  const column = /Column with name: "?([^"\n]*)"?/.exec(text)?.[1];
  let what = "the row cannot be read";
  if (counts !== null) what = `the row has ${counts[2]} fields where the header has ${counts[1]}`;
  else if (text.includes("unterminated quote")) what = "a quote is not closed, or text follows it";
  else if (text.includes("unicode")) what = "the row is not UTF-8 text";
  else if (/Maximum line size|does not support a full read/.test(text)) what = "the row is longer than 2 MB";
  return {
    code: "parse_failed",
    message: `${uri}${line === undefined ? "" : `, line ${line}`}: ${what}${excerpt === "" ? "" : `: ${excerpt}`}.`,
    hint: raggedRowHint(Number(counts?.[1]), excerpt),
    context: { uri, ...(line === undefined ? {} : { line: Number(line) }), ...(column ? { column } : {}) },
  };
}

function readJsonError(text: string): Reading | undefined {
  // A malformed line is counted one too high, a line of the wrong kind is not.
  const malformed = /Malformed JSON in file "(.*)", at byte (\d+) in line (\d+): ([^\n]*)/.exec(text);
  const wrong = /JSON transform error in file "(.*)", in line (\d+): ([^\n]*)/.exec(text);
  const [uri, line, what] =
    malformed !== null
      ? [malformed[1], Number(malformed[3]) - 1, malformed[4]]
      : [wrong?.[1], Number(wrong?.[2]), wrong?.[3]];
  if (uri === undefined) return undefined;
  return {
    code: "parse_failed",
    message: `${uri}, line ${line}: ${what?.trim().replace(/\.$/, "")}.`,
    hint: 'Correct the line, or read with invalid_lines: "drop".',
    context: { uri, line, ...(malformed === null ? {} : { column: Number(malformed[2]) }) },
  };
}

const PARQUET = [
  /No magic bytes found at end of file '(.*?)'/,
  /File '(.*?)' too small to be a Parquet file/,
  /(?:Failed to read|encoding found in) Parquet file ["'](.*?)["']/,
  /file ["'](.*?)["'].*(?:footer|metadata|Parquet)/i,
];

function readParquetError(text: string, uris: readonly string[]): Reading | undefined {
  const named = PARQUET.map((pattern) => pattern.exec(text)?.[1]).find((uri) => uri !== undefined);
  const page = /TProtocolException|Out of buffer|snappy|zstd|decompress|Parquet/i.test(text);
  if (named === undefined && !page) return undefined;
  const uri = named ?? (uris.length === 1 ? uris[0] : undefined);
  if (/schema mismatch/i.test(text)) return { code: "schema_mismatch", message: firstLine(text) };
  return {
    code: "parse_failed",
    message: `${uri ?? "One of the files"} is no Parquet file, or cut or damaged.`,
    hint: "Upload the file again, or leave it out of the paths.",
    context: { ...(uri === undefined ? { uris: uris.slice(0, 20) } : { uri }), detail: firstLine(text) },
  };
}

function readOther(text: string): Reading {
  const message = firstLine(text);
  if (/No space left|ENOSPC/i.test(text)) {
    return {
      code: "resource_exhausted",
      message: `The disk is full: ${message}`,
      hint: "Free space in the cache folder, or choose one on another disk.",
    };
  }
  if (/Out of Memory|max_temp_directory_size/i.test(text)) {
    return {
      code: "resource_exhausted",
      message: `The query does not fit in memory: ${message}`,
      hint: "Raise memoryLimit, or keep fewer columns and rows.",
    };
  }
  if (/Overflow (in|on) /.test(text)) {
    return {
      code: "query_failed",
      message: `A calculation goes beyond the largest whole number or decimal: ${message}`,
      hint: "Divide first, as fractions have no such end: x / 1 * y.",
    };
  }
  if (text.startsWith("Permission Error")) {
    return { code: "permission_denied", message, hint: "Check the rights of the local file." };
  }
  if (/^(Binder|Catalog) Error/.test(text)) {
    const near = /^(Candidate|Did you mean).*$/m.exec(text)?.[0];
    return {
      code: "query_failed",
      message,
      hint: `Check the names of columns and functions, and their types${near === undefined ? "." : `. ${near}`}`,
    };
  }
  return { code: "query_failed", message };
}

function firstLine(text: string): string {
  return (text.split("\n").find((line) => line.trim() !== "") ?? text).slice(0, 500);
}
