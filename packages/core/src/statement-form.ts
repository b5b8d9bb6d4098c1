import { skipQuoted, type SqlDialect } from "./bind-parameters.ts";
import type { PartDialect } from "./bind-part.ts";
import type { PartSupport } from "./sql-part.ts";

/** A statement's words that stand in no brackets, in lower case, and where it ends. */
interface Form {
  readonly words: readonly string[];
  /** Without the semicolon at its end and what follows. */
  readonly body: string;
  /** Where the SELECT behind the parts of a WITH begins, if it stands in no brackets. */
  readonly main: number | undefined;
}

const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;

/** Undefined for several statements, and for brackets that do not match. */
function formOf(text: string, dialect: SqlDialect): Form | undefined {
  const words: string[] = [];
  let depth = 0;
  let end: number | undefined;
  let main: number | undefined;
  let before = "";
  for (let at = 0; at < text.length;) {
    const next = skipQuoted(text, at, dialect);
    const sign = text[at] ?? "";
    const comment = sign === "#" || text.startsWith("--", at) || text.startsWith("/*", at);
    if (end !== undefined && !(next > at && comment) && !/[\s;]/.test(sign)) return undefined;
    if (next > at) {
      at = next;
      continue;
    }
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (word !== undefined && depth === 0) words.push(word.toLowerCase());
    // Behind UNION it would not be the first.
    if (depth === 0 && before === ")" && words[0] === "with" && /^select$/i.test(word ?? "")) main ??= at;
    if (/\S/.test(sign)) before = sign;
    if (sign === "(") depth += 1;
    if (sign === ")") depth -= 1;
    if (sign === ";" && depth === 0) end ??= at;
    if (depth < 0) return undefined;
    at += word?.length ?? 1;
  }
  return depth === 0 ? { words, body: text.slice(0, end), main } : undefined;
}

/** The statement as a part of another one: without the semicolon at its end. */
export function bodyOf(text: string, dialect: SqlDialect): string | undefined {
  return formOf(text, dialect)?.body;
}

/** A statement cut where the SELECT behind its WITH begins. */
export function mainSelectOf(
  text: string,
  dialect: SqlDialect,
): readonly [parts: string, select: string] | undefined {
  const { body = "", main } = formOf(text, dialect) ?? {};
  return main === undefined ? undefined : [body.slice(0, main), body.slice(main)];
}

/** Words of clauses that end a query for good, or make of its rows something else. */
const CLOSING = ["for", "into", "option", "procedure", "lock"];
const WINDOW = ["limit", "offset", "fetch", "top"];

/** What part a statement takes. A subquery need not keep the order of its rows, so one that sorts takes a window only. */
export function supportOf(text: string, dialect: SqlDialect & { readonly parts: PartDialect }): PartSupport {
  const { parts } = dialect;
  const nothing = (why: string): PartSupport => ({ takes: "nothing", why });
  if (parts.strange?.test(text) === true)
    return nothing("the query has comments that only the server reads right");
  const form = formOf(text, dialect);
  if (form === undefined) return nothing("the query is not one whole statement");
  const { words } = form;
  const [first = ""] = words;
  if (first !== "select" && first !== "with") return nothing("the query does not begin with SELECT or WITH");
  const closing = words.find((word) => CLOSING.includes(word));
  if (closing !== undefined) return nothing(`the query has a clause ${closing.toUpperCase()}`);
  const sorts = words.some((word, at) => word === "order" && words[at + 1] === "by");
  if (sorts) {
    return words.some((word) => WINDOW.includes(word))
      ? nothing("the query sorts its rows and takes some of them")
      : { takes: "window", why: "the query sorts its rows, and a subquery need not keep their order" };
  }
  if (first === "with" && !parts.nestedWith && form.main === undefined) {
    return nothing("a query with WITH is no subquery here, and it has no plain SELECT behind it");
  }
  return { takes: "rows" };
}
