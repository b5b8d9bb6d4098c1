import { AmlError } from "./aml-error.ts";
import type { PartDialect } from "./bind-part.ts";
import type { SqlStatement } from "./sql-source.ts";
import type { Cell } from "./table.ts";

/** Where a database's SQL has text that is no SQL, and how it writes a parameter. */
export interface SqlDialect {
  /** The nth parameter of the statement, from 1: `$1`, `?`, `@p1`. */
  placeholder(index: number): string;
  /** Placeholders have no number: each place gets its value anew. */
  readonly positional?: boolean | undefined;
  /** Opening quotes of strings and names, each with its closing one: `'`, `"`, `` ` ``, `[` with `]`. */
  readonly quotes: Readonly<Record<string, string>>;
  /** A backslash hides the next character in `'…'` and `"…"`: always, in `E'…'` only, or never. */
  readonly backslashes?: "always" | "e_strings" | undefined;
  /** `$tag$ … $tag$` is a string. */
  readonly dollarQuotes?: boolean | undefined;
  /** `#` begins a comment. */
  readonly hashComments?: boolean | undefined;
  /** Comments stand in comments. */
  readonly nestedComments?: boolean | undefined;
  /** How it is asked for a part of a query. */
  readonly parts?: PartDialect | undefined;
}

export interface BoundStatement {
  /** With the database's own placeholders. */
  readonly text: string;
  /** In the order of the placeholders. */
  readonly values: readonly Cell[];
  /** As it was given: what errors show. */
  readonly original: string;
  /** The place in `original` of a place in `text`; both from 0, in UTF-16 units. */
  originalOffset(offset: number): number;
}

/**
 * Rewrites the `:name` places of a statement to the database's placeholders. Only names that have a value are places;
 * `::name` is a cast.
 *
 * @throws `config_invalid` for a parameter that the text does not use, or whose name is none.
 */
export function bindParameters({ text, parameters = {} }: SqlStatement, dialect: SqlDialect): BoundStatement {
  const names = Object.keys(parameters);
  const unused = new Set(names);
  const numbers = new Map<string, number>();
  const values: Cell[] = [];
  const places: { from: number; to: number; placeholder: string }[] = [];
  for (const { from, name } of names.length === 0 ? [] : placesOf(text, dialect)) {
    if (!Object.hasOwn(parameters, name)) continue;
    let number = dialect.positional === true ? undefined : numbers.get(name);
    if (number === undefined) {
      number = values.push(parameters[name] as Cell);
      numbers.set(name, number);
    }
    unused.delete(name);
    places.push({ from, to: from + 1 + name.length, placeholder: dialect.placeholder(number) });
  }
  const [name] = unused;
  if (name !== undefined) throw unusedParameter(name);
  let bound = "";
  let at = 0;
  for (const { from, to, placeholder } of places) {
    bound += text.slice(at, from) + placeholder;
    at = to;
  }
  return {
    text: bound + text.slice(at),
    values,
    original: text,
    originalOffset(offset) {
      // How much farther a place is in the original than in the bound text.
      let shift = 0;
      for (const { from, to, placeholder } of places) {
        if (offset < from - shift) break;
        if (offset < from - shift + placeholder.length) return from;
        shift += to - from - placeholder.length;
      }
      return Math.min(offset + shift, text.length);
    },
  };
}

function unusedParameter(name: string): AmlError {
  return new AmlError(
    "config_invalid",
    `The statement has no place for the parameter ${JSON.stringify(name)}.`,
    {
      operation: "query",
      hint: /^[A-Za-z_]\w*$/.test(name)
        ? `Write :${name} where the value belongs, outside of quotes and comments.`
        : "A parameter's name has letters, digits and underscores.",
    },
  );
}

const NAME = /:([A-Za-z_]\w*)/y;

/** Each `:name` outside of strings, quoted names and comments. */
function* placesOf(text: string, dialect: SqlDialect): Generator<{ from: number; name: string }> {
  for (let at = 0; at < text.length;) {
    const end = skipQuoted(text, at, dialect);
    if (end > at) {
      at = end;
      continue;
    }
    NAME.lastIndex = at;
    const [place, name] = text[at - 1] === ":" ? [] : (NAME.exec(text) ?? []);
    if (place !== undefined && name !== undefined) yield { from: at, name };
    at += place?.length ?? 1;
  }
}

/** The end of what begins here and is no SQL; `at` itself when nothing does. An open quote ends with the text. */
export function skipQuoted(text: string, at: number, dialect: SqlDialect): number {
  const sign = text[at] ?? "";
  const close = Object.hasOwn(dialect.quotes, sign) ? dialect.quotes[sign] : undefined;
  if (close !== undefined) return quoteEnd(text, at, close, hidesWithBackslash(text, at, dialect));
  if (text.startsWith("--", at) || (sign === "#" && dialect.hashComments === true)) {
    return orEnd(text, text.indexOf("\n", at));
  }
  if (text.startsWith("/*", at)) return commentEnd(text, at, dialect.nestedComments === true);
  if (sign !== "$" || dialect.dollarQuotes !== true || /[\w$]/.test(text[at - 1] ?? "")) return at;
  const [tag] = /^\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/.exec(text.slice(at, at + 130)) ?? [];
  if (tag === undefined) return at;
  const end = text.indexOf(tag, at + tag.length);
  return end < 0 ? text.length : end + tag.length;
}

function hidesWithBackslash(text: string, at: number, { backslashes }: SqlDialect): boolean {
  if (backslashes === "e_strings")
    return text[at] === "'" && /(^|[^\w$])e$/i.test(text.slice(Math.max(0, at - 2), at));
  return backslashes === "always" && (text[at] === "'" || text[at] === '"');
}

function quoteEnd(text: string, open: number, close: string, backslash: boolean): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (backslash && text[at] === "\\") at += 1;
    else if (text[at] === close) {
      if (text[at + 1] !== close) return at + 1;
      at += 1;
    }
  }
  return text.length;
}

function commentEnd(text: string, open: number, nested: boolean): number {
  let depth = 1;
  for (let at = open + 2; at < text.length; at += 1) {
    if (text.startsWith("*/", at)) {
      depth -= 1;
      at += 1;
      if (depth === 0) return at + 1;
    } else if (nested && text.startsWith("/*", at)) {
      depth += 1;
      at += 1;
    }
  }
  return text.length;
}

function orEnd(text: string, found: number): number {
  return found < 0 ? text.length : found;
}
