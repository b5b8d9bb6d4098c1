import { SqlEmitter } from "./sql-emitter.ts";
import { syntaxError } from "./sql-error.ts";
import type { SqlType } from "./sql-type.ts";
import type { Token } from "./tokenizer.ts";

/** What a statement may refer to. */
export interface Scope {
  readonly database: string;
  readonly login: string;
  /** Values of `@name`, by lower-case name. */
  readonly variables: ReadonlyMap<string, { readonly type: SqlType; readonly text: string | null }>;
  /** Values of `@@name`, as expressions of PostgreSQL. */
  readonly globals: Readonly<Record<string, string>>;
}

/** A statement that is being read, token by token, and written for PostgreSQL. */
export interface Reading {
  readonly tokens: readonly Token[];
  readonly scope: Scope;
  readonly out: SqlEmitter;
  /** Of the parameters `$1`, `$2` …, and which of them a variable is. */
  readonly values: (string | null)[];
  readonly slots: Map<string, number>;
  /** Translates from where this stands up to a token, whatever its brackets. */
  readonly translateTo: (reading: Reading, end: number) => void;
  at: number;
}

/** A query, or a part of one in brackets. */
export interface Level {
  /** Goes to the end of the query: `limit 5`. */
  limit: string;
}

export function peek(reading: Reading, offset = 0): Token | undefined {
  return reading.tokens[reading.at + offset];
}

/** Writes something for the next `count` tokens. */
export function take(reading: Reading, text: string, count = 1): void {
  reading.out.emit(text, peek(reading));
  reading.at += count;
}

/** Translates up to a token, apart from the rest. */
export function textTo(reading: Reading, end: number): string {
  const out = new SqlEmitter();
  const part = { ...reading, out };
  reading.translateTo(part, end);
  reading.at = part.at;
  return out.text;
}

export function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === "symbol" && token.text === text;
}

/** Index of the bracket that closes the call whose arguments begin here. @throws SqlError */
export function closing({ tokens, at }: Reading, call: Token): number {
  let depth = 1;
  for (let index = at; index < tokens.length; index++) {
    if (isSymbol(tokens[index], "(")) depth++;
    if (isSymbol(tokens[index], ")") && --depth === 0) return index;
  }
  throw syntaxError(call.text, call.line);
}

/** Indexes of what stands in no bracket, from here to `end`. */
export function outside({ tokens, at }: Reading, end: number, is: (token: Token) => boolean): number[] {
  let depth = 0;
  const found: number[] = [];
  for (let index = at; index < end; index++) {
    const token = tokens[index];
    if (isSymbol(token, "(")) depth++;
    if (isSymbol(token, ")")) depth--;
    if (token && depth === 0 && is(token)) found.push(index);
  }
  return found;
}

/** The arguments of a call, each translated; stands after the closing bracket then. */
export function argumentTexts(reading: Reading, call: Token): string[] {
  const close = closing(reading, call);
  const ends = [...outside(reading, close, (token) => isSymbol(token, ",")), close];
  return ends.map((end) => {
    const text = textTo(reading, end);
    reading.at = end + 1;
    return text;
  });
}
