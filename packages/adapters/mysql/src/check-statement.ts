import { AmlError } from "@aml/core/adapter";

/** What a statement that only reads begins with. */
const READS = new Set(["select", "with", "table", "values", "show", "describe", "desc", "explain"]);

/**
 * Refuses a statement that does not begin like one that reads. It is the first of three walls: the server also tells,
 * before anything runs, whether a statement gives rows, and runs it in a read-only transaction. This one is there for
 * statements that those let through, such as ANALYZE TABLE, which gives rows and is no part of a transaction.
 *
 * @throws `unsupported`.
 */
export function checkStatement(text: string): void {
  const word = firstWord(text);
  if (word !== undefined && READS.has(word)) return;
  throw new AmlError(
    "unsupported",
    word === undefined
      ? "The statement has no first word to tell what it does."
      : `The statement begins with ${JSON.stringify(word.toUpperCase())}, and datastores are read-only.`,
    { operation: "query", hint: "Ask for rows with SELECT; change data with the database's own tools." },
  );
}

/** Statements whose columns the server does not tell before it runs them. */
export function tellsColumnsLate(text: string): boolean {
  return !["select", "with", "table", "values"].includes(firstWord(text) ?? "");
}

/** The first word behind blanks, comments and opening parentheses; `/*!` is no comment, since servers run it. */
function firstWord(text: string): string | undefined {
  let rest = text;
  for (;;) {
    const skipped = /^(?:[\s(]+|--(?=\s|$)[^\n]*|#[^\n]*|\/\*(?!M?!)[^]*?\*\/)/.exec(rest);
    if (skipped === null || skipped[0] === "") break;
    rest = rest.slice(skipped[0].length);
  }
  return /^[A-Za-z_]+/.exec(rest)?.[0].toLowerCase();
}
