import { SqlError } from "./sql-error.ts";

export type TokenKind = "name" | "string" | "number" | "variable" | "symbol";

/** One word of T-SQL. Space and comments lie between tokens. */
export interface Token {
  readonly kind: TokenKind;
  /** As written; a string or a quoted name without its quotes. */
  readonly text: string;
  /** In lower case, for names that were not quoted; else empty: a quoted name is never a keyword. */
  readonly word: string;
  /** In brackets or double quotes. */
  readonly quoted: boolean;
  /** N'…' */
  readonly national: boolean;
  /** One-based. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

const NAME_START = /[\p{L}_#]/u;
const NAME = /[\p{L}\p{N}_@$#]*/uy;
const NUMBER = /0x[0-9a-f]*|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy;
const SPACE = /\s+/y;
const SYMBOLS = ["<>", "<=", ">=", "!=", "!<", "!>", "+=", "-=", "*=", "/=", "::"];

/** @throws SqlError 102, 105 or 113 for text that never ends. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let counted = 0;
  const lineOf = (offset: number): number => {
    for (; counted < offset; counted++) if (sql.charCodeAt(counted) === 10) line++;
    return line;
  };
  for (;;) {
    at = skipSpace(sql, at, lineOf);
    if (at >= sql.length) return tokens;
    const token = readToken(sql, at, lineOf(at));
    tokens.push(token);
    at = token.end;
  }
}

function skipSpace(sql: string, from: number, lineOf: (offset: number) => number): number {
  let at = from;
  for (;;) {
    const space = match(SPACE, sql, at);
    at += space.length;
    if (sql.startsWith("--", at)) {
      const end = sql.indexOf("\n", at);
      at = end === -1 ? sql.length : end;
    } else if (sql.startsWith("/*", at)) {
      at = endOfComment(sql, at, lineOf);
    } else if (space === "") return at;
  }
}

/** Comments nest. */
function endOfComment(sql: string, from: number, lineOf: (offset: number) => number): number {
  let depth = 0;
  for (let at = from; at < sql.length;) {
    if (sql.startsWith("/*", at)) depth++;
    else if (sql.startsWith("*/", at)) depth--;
    else {
      at++;
      continue;
    }
    at += 2;
    if (depth === 0) return at;
  }
  throw new SqlError(113, 15, "Missing end comment mark '*/'.", lineOf(from));
}

function readToken(sql: string, start: number, line: number): Token {
  const char = sql[start] ?? "";
  const make = (
    kind: TokenKind,
    end: number,
    text = sql.slice(start, end),
    quoted = false,
    national = false,
  ): Token => ({
    kind,
    text,
    word: kind === "name" && !quoted ? text.toLowerCase() : "",
    quoted,
    national,
    line,
    start,
    end,
  });
  const national = (char === "N" || char === "n") && sql[start + 1] === "'";
  if (char === "'" || national) {
    const [text, end] = readQuoted(sql, start + (national ? 1 : 0), "'", line);
    return make("string", end, text, false, national);
  }
  if (char === '"' || char === "[") {
    const [text, end] = readQuoted(sql, start, char === "[" ? "]" : char, line);
    return make("name", end, text, true);
  }
  if (/\d/.test(char) || (char === "." && /\d/.test(sql[start + 1] ?? ""))) {
    return make("number", start + match(NUMBER, sql, start).length);
  }
  const first = String.fromCodePoint(sql.codePointAt(start) ?? 0);
  if (char === "@" || NAME_START.test(first)) {
    const marks = sql.startsWith("@@", start) ? 2 : first.length;
    return make(char === "@" ? "variable" : "name", start + marks + match(NAME, sql, start + marks).length);
  }
  const symbol = SYMBOLS.find((two) => sql.startsWith(two, start)) ?? first;
  return make("symbol", start + symbol.length);
}

function readQuoted(sql: string, start: number, close: string, line: number): [text: string, end: number] {
  let text = "";
  for (let from = start + 1; ;) {
    const end = sql.indexOf(close, from);
    if (end === -1) {
      const rest = sql.slice(start + 1);
      throw new SqlError(
        105,
        15,
        `Unclosed quotation mark after the character string '${rest.slice(0, 128)}'.`,
        line,
      );
    }
    text += sql.slice(from, end);
    if (sql[end + 1] !== close) return [text, end + 1];
    text += close;
    from = end + 2;
  }
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}
