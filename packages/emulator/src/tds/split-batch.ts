import type { Token } from "./tokenizer.ts";

/** Words that begin a statement. */
const STARTS: ReadonlySet<string> = new Set([
  "select",
  "insert",
  "update",
  "delete",
  "merge",
  "create",
  "alter",
  "drop",
  "truncate",
  "set",
  "declare",
  "begin",
  "commit",
  "rollback",
  "save",
  "exec",
  "execute",
  "print",
  "raiserror",
  "throw",
  "use",
  "waitfor",
  "if",
  "while",
  "return",
  "grant",
  "revoke",
  "deny",
  "bulk",
  "backup",
  "restore",
  "kill",
  "dbcc",
  "goto",
  "open",
  "fetch",
  "close",
  "deallocate",
]);

/**
 * Cuts a batch into its statements. T-SQL needs no semicolons: a statement ends where a word stands that begins
 * one and cannot belong to the statement before.
 */
export function splitBatch(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [];
  let current: Token[] = [];
  // Without what stands in brackets: a subquery's SELECT is none of the statement's own.
  let outer: Token[] = [];
  let depth = 0;
  const end = (): void => {
    if (current.length > 0) statements.push(current);
    current = [];
    outer = [];
  };
  for (const token of tokens) {
    if (token.text === "(" && token.kind === "symbol") depth++;
    if (token.text === ")" && token.kind === "symbol") depth--;
    if (token.text === ";" && token.kind === "symbol") {
      depth = 0;
      end();
      continue;
    }
    if (depth === 0 && current.length > 0 && STARTS.has(token.word) && !belongs(token.word, outer)) end();
    current.push(token);
    if (depth === 0) outer.push(token);
  }
  end();
  return statements;
}

const SET_OPERATIONS: ReadonlySet<string> = new Set(["union", "all", "except", "intersect"]);

/** Tells whether a word that may begin a statement goes on with this one. */
function belongs(word: string, statement: readonly Token[]): boolean {
  const first = statement[0]?.word ?? "";
  const before = statement.at(-1);
  const has = (...words: string[]): boolean => statement.some((token) => words.includes(token.word));
  if (before?.text === "." || before?.word === "as") return word !== "declare";
  if (["create", "alter", "grant", "revoke", "deny"].includes(first) && !has("as")) {
    return (
      word !== "select" &&
      !(word === "set" && first === "create") &&
      !(STATEMENT_ONLY.has(word) && before?.word !== "on")
    );
  }
  switch (word) {
    case "select":
      if (SET_OPERATIONS.has(before?.word ?? "")) return true;
      if (has("insert")) return !has("select", "values", "exec", "execute");
      return first === "with" && !has("select", "update", "delete");
    case "set":
      return (first === "update" || (first === "with" && has("update"))) && !has("set");
    case "insert":
    case "update":
    case "delete":
      return (
        (first === "with" && !has("select", "insert", "update", "delete")) ||
        before?.word === "on" ||
        before?.word === "for"
      );
    case "exec":
    case "execute":
      return first === "insert";
    case "fetch":
      return has("offset");
    default:
      return false;
  }
}

/** Never a part of a definition. */
const STATEMENT_ONLY: ReadonlySet<string> = new Set([
  "insert",
  "update",
  "delete",
  "declare",
  "exec",
  "execute",
  "drop",
  "create",
  "begin",
  "commit",
  "rollback",
  "print",
  "use",
  "waitfor",
  "truncate",
]);
