import { AmlError } from "@aml/core/adapter";
import { placeAt, type BoundStatement } from "@aml/core/sql";

/**
 * Words that change something, end a transaction, begin another statement or reach another server. All but `value` are
 * reserved in T-SQL: outside of quotes they are never names.
 *
 * @see https://learn.microsoft.com/sql/t-sql/language-elements/reserved-keywords-transact-sql – read 2026-11
 */
const FORBIDDEN: ReadonlySet<string> = new Set(
  `alter backup begin bulk checkpoint close commit create dbcc deallocate declare delete deny disk drop dump exec execute
  fetch goto grant if insert into kill load merge open opendatasource openquery openrowset print raiserror
  readtext reconfigure restore return revert revoke rollback save set setuser shutdown truncate update updatetext use
  waitfor while writetext`.split(/\s+/),
);
const FIRST: ReadonlySet<string> = new Set(["select", "with"]);

/**
 * Lets a statement pass that is one SELECT, with or without a WITH before it, and refuses everything else before it is
 * sent: SQL Server cannot make a session read-only.
 *
 * @throws `unsupported` with the place of the word that is in the way.
 */
export function checkStatement({ text, original, originalOffset }: BoundStatement): void {
  const strange = text.search(/\r(?!\n)|\0/);
  // Whether a comment ends there is the server's secret.
  if (strange >= 0) {
    const { shown } = placeAt(original, originalOffset(strange));
    throw refused("It has a carriage return without a line feed, or a zero character", shown);
  }
  let previous = "";
  let first = true;
  let ended = false;
  for (const { word, at } of wordsOf(text)) {
    const refuse = (what: string): AmlError => refused(what, placeAt(original, originalOffset(at)).shown);
    if (word === ";") ended = !first;
    else if (ended) throw refuse("It is more than one statement");
    else {
      if (first && word !== "(" && !FIRST.has(word)) throw refuse("It does not begin with SELECT or WITH");
      if (word !== "(") first = false;
      if (isForbidden(word, previous, text, at))
        throw refuse(`${word.toUpperCase()} has no place in a query`);
      previous = word;
    }
  }
  if (first) throw refused("It is empty", placeAt(original, 0).shown);
}

function isForbidden(word: string, previous: string, text: string, at: number): boolean {
  // `NEXT VALUE FOR` takes a number from a sequence, which no rollback gives back.
  if (word === "value") return previous === "next";
  // `OFFSET … FETCH NEXT …` and the hint `MERGE JOIN` belong to queries.
  if (word === "fetch")
    return (
      !/^fetch\s+(next|first)\b/i.test(text.slice(at, at + 40)) || !/\boffset\b/i.test(text.slice(0, at))
    );
  if (word === "merge") return !/^merge\s+(join|union)\b/i.test(text.slice(at, at + 40));
  return FORBIDDEN.has(word);
}

const WORD = /[\p{L}_@#][\p{L}\p{N}_@#$]*/uy;
// A number ends where its digits do: `1into` is two words.
const NUMBER = /0x[0-9a-f]*|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d*)?/iy;

/** Words in lower case, semicolons and opening brackets, outside of strings, quoted names and comments. */
function* wordsOf(text: string): Generator<{ word: string; at: number }> {
  for (let at = 0; at < text.length;) {
    const end = skip(text, at);
    if (end > at) {
      at = end;
      continue;
    }
    const word = match(WORD, text, at);
    const sign = text[at] ?? "";
    if (word !== undefined) yield { word: word.normalize("NFKC").toLowerCase(), at };
    else if (!/\s/.test(sign)) yield { word: sign === ";" || sign === "(" ? sign : "?", at };
    at += (word ?? match(NUMBER, text, at) ?? sign).length;
  }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

const CLOSING: Readonly<Record<string, string>> = { "'": "'", '"': '"', "[": "]" };

function skip(text: string, at: number): number {
  if (text.startsWith("--", at)) return orEnd(text, text.indexOf("\n", at));
  if (text.startsWith("/*", at)) return commentEnd(text, at);
  const close = CLOSING[text[at] ?? ""];
  if (close === undefined) return at;
  for (let end = at + 1; end < text.length; end += 1) {
    if (text[end] !== close) continue;
    if (text[end + 1] !== close) return end + 1;
    end += 1;
  }
  return text.length;
}

/** Comments stand in comments. */
function commentEnd(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text.startsWith("/*", at)) depth += 1;
    else if (text.startsWith("*/", at)) depth -= 1;
    else continue;
    at += 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function orEnd(text: string, found: number): number {
  return found < 0 ? text.length : found;
}

function refused(why: string, shown: string): AmlError {
  return new AmlError("unsupported", `The statement is no plain query. ${why}: ${shown}`, {
    operation: "query",
    hint: "Ask for rows with one SELECT, which may have a WITH before it; change data with the database's own tools.",
  });
}
