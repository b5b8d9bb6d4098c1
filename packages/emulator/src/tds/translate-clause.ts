import { numberText } from "./number-text.ts";
import { argumentTexts, closing, isSymbol, peek, take, type Level, type Reading } from "./reading.ts";
import { quoteName } from "./sql-emitter.ts";
import { syntaxError, unsupported } from "./sql-error.ts";
import type { Token } from "./tokenizer.ts";

/** Clauses that PostgreSQL writes otherwise, or not at all. @returns false for all others. */
export function translateClause(reading: Reading, token: Token, level: Level): boolean {
  const next = peek(reading, 1);
  switch (token.word) {
    case "select":
      translateSelect(reading, level);
      return true;
    case "delete":
    case "insert":
      if (reading.at > 0) return false;
      translateTarget(reading, token, next);
      return true;
    case "union":
    case "except":
    case "intersect":
      if (level.limit !== "") throw unsupported(`TOP with ${token.text.toUpperCase()}`, token.line);
      return false;
    case "with":
    case "option":
      // Table hints and query hints: no lock of PostgreSQL's stops a reader, and its planner takes none.
      if (!isSymbol(next, "(")) return false;
      reading.at += 2;
      reading.at = closing(reading, token) + 1;
      return true;
    case "as":
      return translateAlias(reading, next);
    case "cross":
    case "outer":
      if (next?.word !== "apply") return false;
      if (token.word === "outer") throw unsupported("OUTER APPLY", token.line);
      take(reading, "cross join lateral", 2);
      return true;
    default:
      refuseClause(token, next);
      return false;
  }
}

/** FROM and INTO may be left out. */
function translateTarget(reading: Reading, token: Token, next: Token | undefined): void {
  if (next?.word === "top") throw unsupported(`${token.text.toUpperCase()} TOP`, token.line);
  const word = token.word === "delete" ? "from" : "into";
  const more = word === "from" && next?.word !== word && reading.tokens.some((one) => one.word === word);
  if (more) throw unsupported("DELETE … FROM", token.line);
  take(reading, `${token.word} ${word}`, next?.word === word ? 2 : 1);
}

const FORMATS: ReadonlySet<string> = new Set(["xml", "json", "browse"]);

function refuseClause(token: Token, next: Token | undefined): void {
  if (token.word === "for" && FORMATS.has(next?.word ?? "")) {
    throw unsupported(`FOR ${next?.text.toUpperCase()}`, token.line);
  }
  const pivot = (token.word === "pivot" || token.word === "unpivot") && isSymbol(next, "(");
  if (pivot || token.word === "output") throw unsupported(token.text.toUpperCase(), token.line);
}

function translateSelect(reading: Reading, level: Level): void {
  take(reading, "select");
  const quantifier = peek(reading)?.word;
  if (quantifier === "distinct" || quantifier === "all") take(reading, quantifier);
  const top = peek(reading);
  if (top?.word === "top") translateTop(reading, top, level);
}

/** `TOP 5` stands at the beginning, `LIMIT 5` at the end. */
function translateTop(reading: Reading, top: Token, level: Level): void {
  reading.at++;
  const count = peek(reading);
  let part: string;
  if (isSymbol(count, "(")) {
    reading.at++;
    part = `(${argumentTexts(reading, top)[0] ?? ""})`;
  } else {
    if (count?.kind !== "number") throw syntaxError(count?.text ?? "TOP", top.line);
    part = numberText(count.text);
    reading.at++;
  }
  if (peek(reading)?.word === "percent") throw unsupported("PERCENT", top.line);
  const ties = peek(reading)?.word === "with" && peek(reading, 1)?.word === "ties";
  if (ties) reading.at += 2;
  level.limit = ties ? `fetch first ${part} rows with ties` : `limit ${part}`;
}

function translateAlias(reading: Reading, next: Token | undefined): boolean {
  if (next?.kind !== "string" && next?.kind !== "name") return false;
  if (next.word === "select" || next.word === "with") return false;
  take(reading, `as ${quoteName(next.text)}`, 2);
  return true;
}
