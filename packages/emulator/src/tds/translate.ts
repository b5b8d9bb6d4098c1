import { displayNames, type DisplayNames } from "./display-names.ts";
import { numberText } from "./number-text.ts";
import { pgType } from "./pg-types.ts";
import { isSymbol, peek, take, type Level, type Reading, type Scope } from "./reading.ts";
import { quoteString, SqlEmitter } from "./sql-emitter.ts";
import { SqlError, syntaxError } from "./sql-error.ts";
import type { Token } from "./tokenizer.ts";
import { translateCall } from "./translate-call.ts";
import { translateClause } from "./translate-clause.ts";
import { translateName } from "./translate-name.ts";

/** A statement for PostgreSQL. */
export interface Translation {
  readonly text: string;
  readonly values: readonly (string | null)[];
  readonly names: DisplayNames | undefined;
  /** Columns may be NULL that their table forbids. */
  readonly outer: boolean;
  /** The line of the batch for a position in `text`, which is one-based. */
  lineAt(position: number): number | undefined;
}

const OUTER: ReadonlySet<string> = new Set(["left", "right", "full", "outer", "union"]);

/** Translates SELECT, INSERT, UPDATE, DELETE, definitions, and parts of them. @throws SqlError */
export function translate(tokens: readonly Token[], scope: Scope): Translation {
  const out = new SqlEmitter();
  const reading: Reading = { tokens, scope, out, values: [], slots: new Map(), translateTo, at: 0 };
  translateLevel(reading);
  const rest = peek(reading);
  if (rest) throw syntaxError(rest.text, rest.line);
  return {
    text: out.text,
    values: reading.values,
    names: displayNames(tokens),
    outer: tokens.some(({ word }) => OUTER.has(word)),
    lineAt: (position) => out.lineAt(position),
  };
}

/** Everything up to the bracket that closes this level. */
function translateLevel(reading: Reading): void {
  const level: Level = { limit: "" };
  for (let token = peek(reading); token && !isSymbol(token, ")"); token = peek(reading)) {
    translateToken(reading, token, level);
  }
  reading.out.emit(level.limit);
}

function translateTo(reading: Reading, end: number): void {
  for (let token = peek(reading); token && reading.at < end; token = peek(reading)) {
    translateToken(reading, token, { limit: "" });
  }
}

function translateToken(reading: Reading, token: Token, level: Level): void {
  switch (token.kind) {
    case "string":
      return take(reading, quoteString(token.text));
    case "number":
      return take(reading, numberText(token.text));
    case "variable":
      return translateVariable(reading, token);
    case "symbol":
      return translateSymbol(reading, token);
    case "name": {
      const isCall = isSymbol(peek(reading, 1), "(");
      if (isCall && translateCall(reading, token)) return;
      if (!translateClause(reading, token, level)) translateName(reading, token, isCall);
    }
  }
}

const SYMBOLS: Readonly<Record<string, string>> = { "!=": "<>", "!<": ">=", "!>": "<=" };
/** What PostgreSQL would take for an operator of its own, or worse. */
const NO_SYMBOLS: ReadonlySet<string> = new Set([
  ";",
  "{",
  "}",
  "\\",
  "`",
  "?",
  "::",
  "]",
  "$",
  "@",
  "#",
  ":",
  "!",
  ")",
]);

function translateSymbol(reading: Reading, token: Token): void {
  if (NO_SYMBOLS.has(token.text)) throw syntaxError(token.text, token.line);
  take(reading, SYMBOLS[token.text] ?? token.text);
  if (token.text !== "(") return;
  translateLevel(reading);
  if (!isSymbol(peek(reading), ")")) throw syntaxError("(", token.line);
  take(reading, ")");
}

function translateVariable(reading: Reading, token: Token): void {
  const { scope, slots, values } = reading;
  const name = token.text.toLowerCase();
  const known = name.startsWith("@@") ? scope.globals[name] : undefined;
  if (known !== undefined) return take(reading, known);
  const variable = scope.variables.get(name);
  if (!variable) {
    throw new SqlError(137, 15, `Must declare the scalar variable "${token.text}".`, token.line, 2);
  }
  const slot = slots.get(name) ?? values.push(variable.text);
  slots.set(name, slot);
  take(reading, `cast($${slot} as ${pgType(variable.type)})`);
}
