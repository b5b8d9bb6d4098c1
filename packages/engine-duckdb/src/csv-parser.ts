/** A record of a delimited file. */
export interface CsvRecord {
  /** Null where nothing stands, not even quotes. */
  readonly fields: readonly (string | null)[];
  /** The physical line that it begins on, from 1. */
  readonly line: number;
}

export interface CsvDialect {
  /** One or two characters. */
  readonly delimiter: string;
  /** Quoted fields may hold line breaks; otherwise every line break ends a record and closes an open quote. */
  readonly multiLine: boolean;
}

/** What is wrong with a record, and where. */
export class CsvFault extends Error {
  readonly line: number;
  readonly hint: string | undefined;
  constructor(message: string, line: number, hint?: string) {
    super(message);
    this.line = line;
    this.hint = hint;
  }
}

/** A multi-line record longer than this is an open quote. UTF-16 units. */
const MAX_RECORD = 64 * 2 ** 20;

export interface CsvParser {
  /** Takes a piece of text and gives the records that are complete now. @throws CsvFault */
  push(text: string): CsvRecord[];
  /** Ends the text and gives its last record. @throws CsvFault */
  end(): CsvRecord[];
}

/**
 * Splits delimited text as MLTable does: a quote counts at the beginning of a field only and is doubled inside;
 * blank lines are no records; \n, \r\n and \r end lines, in any mixture; a byte order mark is dropped.
 */
export function createCsvParser(dialect: CsvDialect): CsvParser {
  let rest = "";
  let line = 1;
  let started = false;
  // A record that is not complete is parsed again from its start, so only after the text has doubled.
  let retryAt = 0;
  const parse = (final: boolean): CsvRecord[] => {
    const out: CsvRecord[] = [];
    let at = 0;
    for (;;) {
      const record = parseRecord(rest, at, dialect, final, line);
      if (record === undefined) break;
      if (record.fields !== undefined) out.push({ fields: record.fields, line });
      line += record.lines;
      at = record.next;
    }
    rest = rest.slice(at);
    retryAt = rest.length * 2;
    if (rest.length > MAX_RECORD) throw new CsvFault("a quote that opens there is not closed", line);
    return out;
  };
  return {
    push(text) {
      if (text === "") return [];
      rest += started || text.codePointAt(0) !== 0xfeff ? text : text.slice(1);
      started = true;
      return rest.length < retryAt ? [] : parse(false);
    },
    end: () => parse(true),
  };
}

interface Parsed {
  /** Absent for a blank line. */
  readonly fields?: readonly (string | null)[];
  readonly next: number;
  readonly lines: number;
}

function parseRecord(
  text: string,
  start: number,
  dialect: CsvDialect,
  final: boolean,
  line: number,
): Parsed | undefined {
  if (start >= text.length) return undefined;
  const end = lineEnd(text, start, final);
  if (end === undefined) return undefined;
  if (end.at === start) return { next: end.next, lines: 1 };
  const limit = dialect.multiLine ? text.length : end.at;
  const fields: (string | null)[] = [];
  let at = start;
  let lines = 1;
  for (;;) {
    const field = text[at] === '"' && at < limit ? quoted(text, at, limit) : undefined;
    if (field !== undefined) {
      if (field.next < 0) {
        if (dialect.multiLine && final) throw new CsvFault("a quote that opens there is not closed", line);
        if (dialect.multiLine) return undefined;
        fields.push(field.value);
        return { fields, next: end.next, lines };
      }
      // What follows the closing quote may decide only in the text to come.
      if (!final && dialect.multiLine && field.next + 2 > text.length) return undefined;
      fields.push(field.value);
      lines += breaksIn(field.value);
      at = field.next;
    }
    const here = dialect.multiLine ? lineEnd(text, at, final) : end;
    if (here === undefined) return undefined;
    if (field === undefined) {
      const next = text.indexOf(dialect.delimiter, at);
      const stop = next < 0 || next > here.at ? here.at : next;
      fields.push(stop === at ? null : text.slice(at, stop));
      at = stop;
    }
    if (at >= here.at) return { fields, next: here.next, lines };
    if (!text.startsWith(dialect.delimiter, at)) {
      throw new CsvFault(`field ${fields.length} goes on behind its closing quote`, line);
    }
    at += dialect.delimiter.length;
  }
}

/** A quoted field; `next` is -1 when it is not closed before `limit`. */
function quoted(text: string, open: number, limit: number): { value: string; next: number } {
  let value = "";
  let from = open + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0 || quote >= limit) return { value: value + text.slice(from, limit), next: -1 };
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"' || quote + 1 >= limit) return { value, next: quote + 1 };
    value += '"';
    from = quote + 2;
  }
}

interface LineEnd {
  readonly at: number;
  readonly next: number;
}

function lineEnd(text: string, from: number, final: boolean): LineEnd | undefined {
  const feed = text.indexOf("\n", from);
  const limit = feed < 0 ? text.length : feed;
  const back = text.lastIndexOf("\r", limit) >= from ? text.indexOf("\r", from) : -1;
  if (back >= 0 && back < limit) {
    if (back + 1 === text.length && !final) return undefined;
    return { at: back, next: text[back + 1] === "\n" ? back + 2 : back + 1 };
  }
  if (feed >= 0) return { at: feed, next: feed + 1 };
  return final ? { at: text.length, next: text.length } : undefined;
}

function breaksIn(value: string): number {
  let count = 0;
  for (let at = value.search(/[\r\n]/); at >= 0 && at < value.length; at += 1) {
    if (value[at] === "\n" || (value[at] === "\r" && value[at + 1] !== "\n")) count += 1;
  }
  return count;
}
