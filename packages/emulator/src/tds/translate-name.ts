import { peek, take, type Reading } from "./reading.ts";
import { quoteName, quoteString } from "./sql-emitter.ts";
import { SqlError, syntaxError, unsupported } from "./sql-error.ts";
import type { Token } from "./tokenizer.ts";

const RENAMED: Readonly<Record<string, string>> = {
  isnull: "coalesce",
  ceiling: "ceil",
  log: "ln",
  rand: "random",
  replicate: "repeat",
};

/** Names that PostgreSQL takes for keywords and T-SQL does not. */
const RESERVED: ReadonlySet<string> = new Set(
  `analyse analyze array asymmetric binary both collation concurrently current_catalog current_role deferrable do false
  freeze ilike initially isnull lateral leading limit localtime localtimestamp notnull offset only overlaps placing
  returning similar symmetric tablesample trailing true user variadic verbose window`.split(/\s+/),
);

/** A word or a quoted name, alone or with what qualifies it. */
export function translateName(reading: Reading, token: Token, isCall: boolean): void {
  const next = peek(reading, 1);
  if (next?.kind === "symbol" && next.text === ".") translateQualified(reading, token);
  else if (token.quoted) take(reading, quoteName(token.text));
  else if (isCall) take(reading, RENAMED[token.word] ?? token.word);
  else take(reading, plainWord(reading, token.word));
}

function plainWord(reading: Reading, word: string): string {
  if (word === "system_user") return quoteString(reading.scope.login);
  if (!word.startsWith("#") && !word.includes("$") && !RESERVED.has(word)) return word;
  // OFFSET and the like are clauses where a number follows, and names elsewhere.
  const next = peek(reading, 1);
  const before = peek(reading, -1)?.word;
  const counts = next?.kind === "number" || next?.kind === "variable" || next?.text === "(";
  if (word === "offset" && counts) return word;
  if (word === "only" && (before === "rows" || before === "row")) return word;
  return quoteName(word);
}

/** `database.schema.object`, `schema.object`, `table.column`. */
function translateQualified(reading: Reading, first: Token): void {
  const parts = [first];
  while (peek(reading, parts.length * 2 - 1)?.text === ".") {
    const part = peek(reading, parts.length * 2);
    if (part?.text === "*") {
      take(reading, `${parts.map(({ text }) => quoteName(text)).join(".")}.*`, parts.length * 2 + 1);
      return;
    }
    // `database..object`
    if (part?.text === ".") throw unsupported("..", first.line);
    if (part?.kind !== "name") throw syntaxError(part?.text ?? ".", first.line);
    parts.push(part);
  }
  const names = parts.map(({ text }) => text);
  take(
    reading,
    inDatabase(names, reading.scope.database, first.line).map(quoteName).join("."),
    parts.length * 2 - 1,
  );
}

/** Without the name of the database, if it is this one. */
function inDatabase(names: readonly string[], database: string, line: number): readonly string[] {
  const own = names[0]?.toLowerCase() === database.toLowerCase();
  if (names.length === 3 && own) return names.slice(1);
  if (names.length < 3 || names[0]?.toLowerCase() === "dbo") return names;
  throw new SqlError(
    40_515,
    15,
    `Reference to database and/or server name in '${names.join(".")}' is not supported in this version of SQL Server.`,
    line,
  );
}
