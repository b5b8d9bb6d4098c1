import { quoteIdentifier } from "./sql-text.ts";

/** A type of DuckDB, taken apart. */
export type SqlType =
  | { readonly kind: "leaf"; readonly name: string }
  /** `fixed`: all of its values are of one length. */
  | { readonly kind: "list"; readonly item: SqlType; readonly fixed: boolean }
  | { readonly kind: "struct"; readonly fields: readonly (readonly [name: string, type: SqlType])[] }
  | { readonly kind: "map"; readonly key: SqlType; readonly value: SqlType };

/** Names, quoted names, quoted texts, numbers and signs. */
const TOKEN = /\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[^\s()[\],"']+|[()[\],])/y;

/**
 * Reads a type as DuckDB writes it, e.g. `STRUCT(a INTEGER, "b c" DECIMAL(10,2)[])`. Enums, unions and types of one
 * name are leaves.
 *
 * @returns nothing for what is none.
 */
export function parseSqlType(text: string): SqlType | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const [, token] = TOKEN.exec(text) ?? [];
    if (token === undefined) return undefined;
    tokens.push(token);
  }
  const reader: Reader = { tokens, at: 0 };
  const type = typeAt(reader);
  return reader.at === tokens.length ? type : undefined;
}

/** A type as DuckDB reads it. */
export function sqlTypeText(type: SqlType): string {
  switch (type.kind) {
    case "leaf":
      return type.name;
    case "list":
      return `${sqlTypeText(type.item)}[]`;
    case "map":
      return `MAP(${sqlTypeText(type.key)}, ${sqlTypeText(type.value)})`;
    case "struct":
      return `STRUCT(${type.fields.map(([name, of]) => `${quoteIdentifier(name)} ${sqlTypeText(of)}`).join(", ")})`;
  }
}

interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

function accept(reader: Reader, token: string): boolean {
  if (reader.tokens[reader.at] !== token) return false;
  reader.at += 1;
  return true;
}

function typeAt(reader: Reader): SqlType | undefined {
  let type = baseAt(reader);
  while (type !== undefined && accept(reader, "[")) {
    const fixed = /^\d+$/.test(reader.tokens[reader.at] ?? "");
    if (fixed) reader.at += 1;
    if (!accept(reader, "]")) return undefined;
    type = { kind: "list", item: type, fixed };
  }
  return type;
}

function baseAt(reader: Reader): SqlType | undefined {
  const [first, open] = reader.tokens.slice(reader.at, reader.at + 2);
  if (open === "(" && first === "STRUCT") return structAt(reader);
  if (open === "(" && first === "MAP") {
    reader.at += 2;
    const key = typeAt(reader);
    const value = accept(reader, ",") ? typeAt(reader) : undefined;
    return key && value && accept(reader, ")") ? { kind: "map", key, value } : undefined;
  }
  return leafAt(reader);
}

function structAt(reader: Reader): SqlType | undefined {
  reader.at += 2;
  const fields: (readonly [string, SqlType])[] = [];
  do {
    const name = nameOf(reader.tokens[reader.at]);
    reader.at += 1;
    const type = typeAt(reader);
    if (name === undefined || type === undefined) return undefined;
    fields.push([name, type]);
  } while (accept(reader, ","));
  return accept(reader, ")") ? { kind: "struct", fields } : undefined;
}

function nameOf(token: string | undefined): string | undefined {
  return token?.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
}

/** Words, and what stands behind them in parentheses: `TIMESTAMP WITH TIME ZONE`, `DECIMAL(10,2)`, `ENUM('a', 'b')`. */
function leafAt(reader: Reader): SqlType | undefined {
  const from = reader.at;
  while (/^[^()[\],']+$/.test(reader.tokens[reader.at] ?? "")) reader.at += 1;
  if (reader.at === from) return undefined;
  const words = reader.tokens.slice(from, reader.at).join(" ");
  if (reader.tokens[reader.at] !== "(") return { kind: "leaf", name: words };
  const open = reader.at;
  for (let depth = 0; reader.at < reader.tokens.length;) {
    const token = reader.tokens[reader.at];
    reader.at += 1;
    depth += token === "(" ? 1 : token === ")" ? -1 : 0;
    if (depth === 0) return { kind: "leaf", name: words + reader.tokens.slice(open, reader.at).join("") };
  }
  return undefined;
}
