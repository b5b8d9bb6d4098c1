import { unsupported } from "./sql-error.ts";
import type { Token } from "./tokenizer.ts";

/**
 * What the columns of a query are called, in the case in which the query writes them; an expression without an alias
 * has no name. `undefined` stands for what only the database knows.
 */
export interface DisplayNames {
  readonly before: readonly (string | undefined)[];
  /** After a `*`, counted from the end. */
  readonly after: readonly (string | undefined)[];
  readonly star: boolean;
}

const END_OF_LIST: ReadonlySet<string> = new Set([
  "from",
  "into",
  "where",
  "group",
  "having",
  "order",
  "union",
  "except",
  "intersect",
  "option",
  "for",
  "offset",
]);

/** @returns `undefined` for what is no query. */
export function displayNames(tokens: readonly Token[]): DisplayNames | undefined {
  const items = selectList(tokens);
  if (!items) return undefined;
  for (const [first, second] of items) {
    if (first?.kind === "name" && second?.text === "=")
      throw unsupported(`${first.text} = expression`, first.line);
  }
  const stars = items.map(
    (item) => item.at(-1)?.text === "*" && (item.length === 1 || item.at(-2)?.text === "."),
  );
  const first = stars.indexOf(true);
  if (first === -1) return { before: items.map(nameOf), after: [], star: false };
  const last = stars.lastIndexOf(true);
  return { before: items.slice(0, first).map(nameOf), after: items.slice(last + 1).map(nameOf), star: true };
}

/** The items of the first SELECT that stands in no bracket. */
function selectList(tokens: readonly Token[]): Token[][] | undefined {
  let depth = 0;
  let items: Token[][] | undefined;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "symbol" && token.text === ")") depth--;
    if (depth === 0 && items) {
      if (END_OF_LIST.has(token.word)) break;
      if (token.kind === "symbol" && token.text === ",") {
        items.push([]);
        continue;
      }
    }
    if (items) items.at(-1)?.push(token);
    else if (depth === 0 && token.word === "select") items = [[]];
    if (token.kind === "symbol" && token.text === "(") depth++;
    if (!items && index === 0 && token.word !== "with" && token.word !== "(" && token.word !== "")
      return undefined;
  }
  if (items?.[0]) items[0] = withoutTop(items[0]);
  return items;
}

function withoutTop(item: Token[]): Token[] {
  let at = item[0]?.word === "distinct" || item[0]?.word === "all" ? 1 : 0;
  if (item[at]?.word !== "top") return item.slice(at);
  at++;
  if (item[at]?.text === "(") {
    let depth = 0;
    do {
      if (item[at]?.text === "(") depth++;
      if (item[at]?.text === ")") depth--;
      at++;
    } while (depth > 0 && at < item.length);
  } else at++;
  if (item[at]?.word === "with") at += 2;
  return item.slice(at);
}

const NO_ALIAS: ReadonlySet<string> = new Set([
  "end",
  "null",
  "current_timestamp",
  "current_user",
  "session_user",
  "system_user",
]);

function nameOf(item: readonly Token[]): string | undefined {
  const last = item.at(-1);
  const before = item.at(-2);
  if (!last) return undefined;
  if (before?.word === "as" || item.length === 1)
    return last.kind === "name" && !NO_ALIAS.has(last.word) ? last.text : aliasString(last, before);
  if (last.kind !== "name" || NO_ALIAS.has(last.word)) return "";
  if (before?.text === "." && before.kind === "symbol") return isPath(item) ? last.text : "";
  const operand =
    before?.kind === "symbol"
      ? before.text === ")"
      : before?.word === "end" || before?.kind !== "name" || !OPERATORS.has(before.word);
  return operand ? last.text : "";
}

const OPERATORS: ReadonlySet<string> = new Set([
  "and",
  "or",
  "not",
  "like",
  "in",
  "is",
  "between",
  "then",
  "else",
  "when",
  "collate",
]);

function aliasString(last: Token, before: Token | undefined): string {
  return before?.word === "as" && last.kind === "string" ? last.text : "";
}

function isPath(item: readonly Token[]): boolean {
  return item.every((token, index) => (index % 2 === 0 ? token.kind === "name" : token.text === "."));
}

/** The names of a result: those of the query where it tells them, else those of the database. */
export function resultNames(names: DisplayNames | undefined, fields: readonly string[]): string[] {
  if (!names) return [...fields];
  return fields.map((field, index) => {
    if (!names.star) return names.before[index] ?? field;
    const fromEnd = names.after.length - (fields.length - index);
    return names.before[index] ?? (fromEnd >= 0 ? names.after[fromEnd] : undefined) ?? field;
  });
}
