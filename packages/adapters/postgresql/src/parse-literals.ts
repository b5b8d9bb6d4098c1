import { AmlError, type Cell } from "@aml/core/adapter";

/** Reads a value's text as the server wrote it. */
export type Parser = (text: string) => Cell;

/** `{1,NULL,"a b"}`, nested to any depth; `[0:1]={…}` tells bounds that a list does not have. */
export function parseArray(text: string, item: Parser): Cell {
  const source = text.startsWith("[") ? text.slice(text.indexOf("=") + 1) : text;
  let at = 0;
  const list = (): Cell[] => {
    const items: Cell[] = [];
    at += 1;
    while (source[at] !== "}") {
      if (at >= source.length) throw broken("array", text);
      if (source[at] === ",") at += 1;
      else items.push(source[at] === "{" ? list() : element());
    }
    at += 1;
    return items;
  };
  const element = (): Cell => {
    if (source[at] === '"') return item(quoted());
    const from = at;
    while (at < source.length && source[at] !== "," && source[at] !== "}") at += source[at] === "\\" ? 2 : 1;
    const word = source.slice(from, at);
    return word === "NULL" ? null : item(word.replace(/\\(.)/gs, "$1"));
  };
  const quoted = (): string => {
    let value = "";
    for (at += 1; source[at] !== '"'; at += 1) {
      if (at >= source.length) throw broken("array", text);
      if (source[at] === "\\") at += 1;
      value += source[at];
    }
    at += 1;
    return value;
  };
  return list();
}

/** `(1,"a b",)`: the texts of the fields; nothing between two commas is NULL. */
export function parseFields(text: string): (string | null)[] {
  const fields: (string | null)[] = [];
  let value: string | null = null;
  for (let at = 1; at < text.length; at += 1) {
    const sign = text[at] as string;
    if (sign === "," || (sign === ")" && at === text.length - 1)) {
      fields.push(value);
      value = null;
    } else if (sign === '"') {
      value ??= "";
      for (at += 1; ; at += 1) {
        if (at >= text.length) throw broken("row", text);
        if (text[at] === '"' && text[at + 1] !== '"') break;
        if (text[at] === "\\" || text[at] === '"') at += 1;
        value += text[at];
      }
    } else {
      if (sign === "\\") at += 1;
      value = (value ?? "") + (text[at] ?? "");
    }
  }
  return fields;
}

function broken(what: string, text: string): AmlError {
  return new AmlError("parse_failed", `A value is no ${what}: ${text.slice(0, 80)}`, { operation: "query" });
}

const LONG_INTEGER = /^-?\d{16,}$/;

/** JSON as cells: whole numbers that a double cannot hold exactly are bigint. */
export function parseJson(text: string): Cell {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as Cell;
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined || !LONG_INTEGER.test(source)) return value;
    return Number.isSafeInteger(value) ? value : BigInt(source);
  }) as Cell;
}
