import { AmlError } from "@aml/core";
import type { StageTransform } from "@aml/staging";
import { createCsvParser, CsvFault, type CsvDialect, type CsvRecord } from "./csv-parser.ts";
import { raggedRowHint } from "./ragged-row-hint.ts";

export interface NormaliseOptions extends CsvDialect {
  /** Fields of a full row: shorter ones are filled up, longer ones are errors. */
  readonly fields: number;
  /** Fields where nothing stands are empty texts, and not null as missing ones. */
  readonly emptyAsString: boolean;
  /** The first record is a header, and left out. */
  readonly skipHeader: boolean;
}

/**
 * Rewrites a delimited file that DuckDB would refuse or read otherwise than MLTable: every row full, quoted where it
 * must be, ended by \n, without header. Empty texts are quoted, so that what is null stands apart.
 *
 * Iterating throws `parse_failed` with file and line for a row that is too long and a quote that is not closed.
 */
export function normaliseCsv(options: NormaliseOptions): StageTransform {
  return {
    id: `csv-2-${JSON.stringify([options.delimiter, options.multiLine, options.fields, options.skipHeader, options.emptyAsString])}`,
    async *apply(chunks, file) {
      const parser = createCsvParser(options);
      const decode = utf8Decoder();
      let skip = options.skipHeader;
      const write = (records: readonly CsvRecord[]): Uint8Array => {
        const rows = skip ? records.slice(1) : records;
        skip &&= records.length === 0;
        return Buffer.from(formatRecords(rows, options));
      };
      try {
        for await (const chunk of chunks) yield write(parser.push(decode(chunk)));
        decode();
        yield write(parser.end());
      } catch (error) {
        throw namedFault(error, file.uri);
      }
    },
  };
}

function utf8Decoder(): (chunk?: Uint8Array) => string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return (chunk) => (chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }));
}

export type RecordShape = Pick<NormaliseOptions, "delimiter" | "fields" | "emptyAsString">;

/** Records as lines that DuckDB reads back as they are. @throws CsvFault for a record that is too long. */
export function formatRecords(
  records: readonly CsvRecord[],
  { delimiter, fields, emptyAsString }: RecordShape,
): string {
  let out = "";
  for (const record of records) {
    if (isTooLong(record, fields)) throw tooLong(record, fields, delimiter);
    for (let at = 0; at < fields; at += 1) {
      if (at > 0) out += delimiter;
      const field = record.fields[at];
      const value = field === null && emptyAsString ? "" : field;
      if (value === null || value === undefined) continue;
      const bare = fields > 1 && !/^$|["\r\n]|^\s|\s$/.test(value) && !value.includes(delimiter.charAt(0));
      out += bare ? value : `"${value.replaceAll('"', '""')}"`;
    }
    out += "\n";
  }
  return out;
}

/** Delimiters at the end of a full row are let pass, as DuckDB lets one: no value is behind them. */
function isTooLong({ fields: own }: CsvRecord, fields: number): boolean {
  return own.length > fields && own.slice(fields).some((value) => value !== null && value !== "");
}

function tooLong(record: CsvRecord, fields: number, delimiter: string): CsvFault {
  const row = record.fields.join(delimiter);
  const excerpt = row.length > 80 ? `${row.slice(0, 80)}…` : row;
  return new CsvFault(
    `the row has ${record.fields.length} fields where the header has ${fields}: ${excerpt}`,
    record.line,
    raggedRowHint(fields, row),
  );
}

/** Names the file of a fault. */
export function namedFault(error: unknown, uri: string): unknown {
  if (error instanceof CsvFault) {
    return new AmlError("parse_failed", `${uri}, line ${error.line}: ${error.message}.`, {
      hint: error.hint ?? raggedRowHint(0, ""),
      context: { uri, line: error.line },
      cause: error,
    });
  }
  if (
    error instanceof TypeError &&
    (error as { code?: unknown }).code === "ERR_ENCODING_INVALID_ENCODED_DATA"
  ) {
    return new AmlError("parse_failed", `${uri} is not UTF-8 text.`, {
      hint: "Set the encoding that the file is written in.",
      context: { uri },
      cause: error,
    });
  }
  return error;
}
