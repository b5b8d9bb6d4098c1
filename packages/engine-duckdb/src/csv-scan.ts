import { open } from "node:fs/promises";
import { pieceLength } from "./piece-length.ts";

/** How a delimited file is written, as far as it decides who can read it. */
export interface CsvShape {
  /** `regular`: quotes open fields and close them, and nothing follows them. */
  readonly quotes: "none" | "regular" | "irregular";
  /** There are line breaks within quotes. */
  readonly multiLine: boolean;
  /** The delimiter's first byte occurs. */
  readonly delimited: boolean;
  /** How lines end. */
  readonly lineEnds: "lf" | "crlf" | "cr" | "mixed";
}

const CHUNK = 4 * 2 ** 20;
const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/**
 * Looks through a file of UTF-8 text. Most files hold no quote and no CR, which is found out at the speed of memory;
 * the others are walked from quote to quote.
 */
export async function scanCsv(path: string, delimiter: string, signal?: AbortSignal): Promise<CsvShape> {
  const scanner = createScanner(delimiter);
  const handle = await open(path);
  try {
    // One buffer is read into while the other is looked at.
    const length = await pieceLength(handle, CHUNK);
    let current = Buffer.allocUnsafe(length);
    let other = Buffer.allocUnsafe(length);
    let { bytesRead } = await handle.read(current, 0, length, null);
    while (bytesRead > 0 && !scanner.decided()) {
      signal?.throwIfAborted();
      const next = handle.read(other, 0, length, null);
      scanner.push(current.subarray(0, bytesRead));
      ({ bytesRead } = await next);
      [current, other] = [other, current];
    }
    return scanner.end();
  } finally {
    await handle.close();
  }
}

interface Scanner {
  push(chunk: Buffer): void;
  /** Nothing further can change what is to be done. */
  decided(): boolean;
  end(): CsvShape;
}

function createScanner(delimiter: string): Scanner {
  const single = delimiter.length === 1 ? delimiter.charCodeAt(0) : -1;
  let state: "outside" | "inside" | "maybe closed" = "outside";
  let last = LF;
  let first = true;
  const [lead = 0] = Buffer.from(delimiter);
  let delimited = false;
  let sawQuote = false;
  let irregular = false;
  let multiLine = false;
  const ends = { cr: 0, lf: 0, crlf: 0 };

  const follows = (byte: number | undefined): boolean => byte === single || byte === LF || byte === CR;
  const walk = (chunk: Buffer): void => {
    let at = 0;
    while (at < chunk.length && !irregular) {
      if (state === "maybe closed") {
        const byte = chunk[at];
        if (byte === QUOTE) {
          state = "inside";
          at += 1;
        } else if (follows(byte)) state = "outside";
        else irregular = true;
        continue;
      }
      const quote = chunk.indexOf(QUOTE, at);
      const stop = quote < 0 ? chunk.length : quote;
      if (state === "inside") {
        if (!multiLine) {
          const part = chunk.subarray(at, stop);
          multiLine = part.includes(LF) || part.includes(CR);
        }
        if (quote >= 0) state = "maybe closed";
      } else if (quote >= 0) {
        const before = quote > 0 ? (chunk[quote - 1] ?? LF) : last;
        if (follows(before)) state = "inside";
        // DuckDB takes a quote behind blanks for an opening one; to MLTable it is text.
        else if (before === 0x20 || before === 0x09) irregular = true;
      }
      at = stop + 1;
    }
  };

  return {
    push(chunk) {
      let text = chunk;
      if (first && text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) text = text.subarray(3);
      first = false;
      delimited ||= text.includes(lead);
      // DuckDB overlooks a field too many that holds nothing but NULs.
      irregular ||= text.includes(0);
      if (sawQuote || text.includes(QUOTE)) {
        sawQuote = true;
        if (single < 0 || single > 0x7f) irregular = true;
        else walk(text);
      }
      if (ends.cr > 0 || text.includes(CR)) countEnds(text, last, ends);
      else if (ends.lf === 0 && text.includes(LF)) ends.lf = 1;
      last = text[text.length - 1] ?? last;
    },
    decided: () => irregular || isMixed(ends),
    end: () => ({
      quotes: irregular || state === "inside" ? "irregular" : sawQuote ? "regular" : "none",
      multiLine,
      delimited,
      lineEnds: lineEndsOf(ends),
    }),
  };
}

interface Ends {
  readonly cr: number;
  readonly lf: number;
  readonly crlf: number;
}

function lineEndsOf(ends: Ends): CsvShape["lineEnds"] {
  if (ends.cr === 0) return "lf";
  if (isMixed(ends) || (ends.crlf > 0 && ends.cr !== ends.crlf)) return "mixed";
  return ends.crlf > 0 ? "crlf" : "cr";
}

/** A CR at the end of a chunk may be half of a CRLF still, so two differences are let pass until the end. */
function isMixed({ cr, lf, crlf }: Ends): boolean {
  if (cr === 0) return false;
  if (crlf === 0) return lf > 0;
  return cr - crlf > 1 || lf > crlf;
}

function countEnds(chunk: Buffer, before: number, ends: { cr: number; lf: number; crlf: number }): void {
  let { cr, lf, crlf } = ends;
  let last = before;
  for (let at = 0; at < chunk.length; at += 1) {
    const byte = chunk[at] ?? 0;
    if (byte === LF) {
      lf += 1;
      if (last === CR) crlf += 1;
    } else if (byte === CR) cr += 1;
    last = byte;
  }
  Object.assign(ends, { cr, lf, crlf });
}
