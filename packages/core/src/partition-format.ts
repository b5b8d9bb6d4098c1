import { AmlError } from "./aml-error.ts";
import { utcDate } from "./utc-date.ts";

export interface PartitionColumn {
  readonly name: string;
  readonly kind: "string" | "datetime";
}

/** A parsed partition format: what `matchPartitionFormat` needs. */
export interface PartitionFormat {
  readonly format: string;
  /** In the order of their first appearance. */
  readonly columns: readonly PartitionColumn[];
  readonly parts: readonly PartitionPart[];
}

/** What a stretch of the path must be: this text, a value, digits of a date, or anything (as little as possible). */
export type PartitionPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly column: string }
  | { readonly kind: "digits"; readonly column: string; readonly token: string }
  | { readonly kind: "any" };

const PIECE = /\{\{|\}\}|\{([^{}]*)\}|\*|[^{}*]+|[^]/gy;
const DATE_PIECE = /yyyy|MM|dd|HH|mm|ss|[yMdHhms]+|[^yMdHhms]+/g;
const TOKENS: readonly string[] = ["yyyy", "MM", "dd", "HH", "mm", "ss"];

/**
 * Parses a partition format such as `{Region}/{When:yyyy/MM/dd}/{name}.csv`.
 *
 * `{x}` is a string column, `{x:…}` a datetime column of the tokens yyyy MM dd HH mm ss, `*` is anything, `{{` and
 * `}}` are braces, all else is itself.
 *
 * @throws `plan_invalid` when there is no column, a brace is alone, a date has no `yyyy` or letters that are no
 *   token, a name is both kinds of column, or there are two datetime columns.
 */
export function parsePartitionFormat(format: string): PartitionFormat {
  const columns = new Map<string, PartitionColumn["kind"]>();
  const parts: PartitionPart[] = [];
  for (const [piece, inside] of format.matchAll(PIECE)) {
    if (inside !== undefined) parts.push(...columnParts(format, inside, columns));
    else if (piece === "*") parts.push({ kind: "any" });
    else if (piece === "{" || piece === "}")
      throw invalid(format, `has a "${piece}" alone`, `Write "${piece}${piece}".`);
    else parts.push({ kind: "text", text: piece === "{{" ? "{" : piece === "}}" ? "}" : piece });
  }
  const dates = [...columns].flatMap(([name, kind]) => (kind === "datetime" ? [name] : []));
  if (columns.size === 0) throw invalid(format, "has no column", "Put a name in braces, such as {region}.");
  if (dates.length > 1)
    throw invalid(format, `has two datetime columns, ${dates.join(" and ")}`, "Keep one.");
  if (dates.length === 1 && !parts.some((part) => part.kind === "digits" && part.token === "yyyy")) {
    throw invalid(format, `has a date without a year in ${dates[0]}`, "Add yyyy.");
  }
  const list = [...columns].map(([name, kind]) => Object.freeze({ name, kind }));
  return Object.freeze({ format, columns: Object.freeze(list), parts: Object.freeze(parts) });
}

function columnParts(
  format: string,
  inside: string,
  columns: Map<string, PartitionColumn["kind"]>,
): readonly PartitionPart[] {
  const colon = inside.indexOf(":");
  const column = colon < 0 ? inside : inside.slice(0, colon);
  const kind = colon < 0 ? "string" : "datetime";
  if (column === "") throw invalid(format, "has a column without a name", "Write a name, such as {region}.");
  if ((columns.get(column) ?? kind) !== kind) {
    throw invalid(format, `has ${column} as string and as datetime`, "Use two names.");
  }
  columns.set(column, kind);
  if (kind === "string") return [{ kind: "value", column }];
  const parts = Array.from(inside.slice(colon + 1).matchAll(DATE_PIECE), ([text]): PartitionPart => {
    if (TOKENS.includes(text)) return { kind: "digits", column, token: text };
    if (!/[yMdHhms]/.test(text)) return { kind: "text", text };
    throw invalid(format, `has the unknown date token "${text}"`, `Tokens are ${TOKENS.join(", ")}.`);
  });
  if (!parts.some((part) => part.kind === "digits")) {
    throw invalid(format, `has no date token in ${column}`, `Tokens are ${TOKENS.join(", ")}.`);
  }
  return parts;
}

function invalid(format: string, what: string, hint: string): AmlError {
  return new AmlError("plan_invalid", `Partition format "${format}" ${what}`, { hint, context: { format } });
}

/**
 * Finds the format anywhere in a file's URI and takes the values of its columns.
 *
 * A value is one or more characters other than `.`, `/` and `\`, as many as fit; the first place that fits counts.
 * Takes time linear in the length of the URI, whatever the format. Values are not percent-decoded.
 *
 * @returns the values, dates in UTC; undefined when the format is not found or its date is in no calendar.
 */
export function matchPartitionFormat(
  format: PartitionFormat,
  uri: string,
): Readonly<Record<string, string | Date>> | undefined {
  const { parts } = format;
  const fits = fitTable(parts, uri);
  let at = fits[0]?.indexOf(1) ?? -1;
  if (at < 0) return undefined;
  const found = new Map<string, string>();
  for (const [index, part] of parts.entries()) {
    const start = at;
    at = endOf(part, fits[index] as Uint8Array, fits[index + 1] as Uint8Array, start);
    if (part.kind === "text" || part.kind === "any") continue;
    const key = part.kind === "digits" ? part.token : `=${part.column}`;
    if (!found.has(key)) found.set(key, uri.slice(start, at));
  }
  const date = toDate(found);
  if (date === null) return undefined;
  return Object.freeze(
    Object.fromEntries(
      format.columns.map(({ name, kind }) => [
        name,
        kind === "string" ? (found.get(`=${name}`) ?? "") : (date as Date),
      ]),
    ),
  );
}

/** For each part and position: whether this part and all after it fit from there. Worked out from the end. */
function fitTable(parts: readonly PartitionPart[], uri: string): readonly Uint8Array[] {
  const size = uri.length;
  const fits = [new Uint8Array(size + 1).fill(1)];
  for (const part of parts.toReversed()) {
    const next = fits[0] as Uint8Array;
    const own = new Uint8Array(size + 1);
    for (let at = size; at >= 0; at--) {
      if (part.kind === "any") own[at] = next[at] || (own[at + 1] ?? 0);
      else if (part.kind === "value") own[at] = isValue(uri, at) ? next[at + 1] || (own[at + 1] ?? 0) : 0;
      else if (part.kind === "text")
        own[at] = uri.startsWith(part.text, at) ? (next[at + part.text.length] ?? 0) : 0;
      else own[at] = areDigits(uri, at, part.token.length) ? (next[at + part.token.length] ?? 0) : 0;
    }
    fits.unshift(own);
  }
  return fits;
}

function endOf(part: PartitionPart, own: Uint8Array, next: Uint8Array, start: number): number {
  if (part.kind === "text") return start + part.text.length;
  if (part.kind === "digits") return start + part.token.length;
  let at = start;
  if (part.kind === "any") while (next[at] !== 1) at++;
  // As far as the value runs while something still fits behind it.
  else while (own[at] === 1) at++;
  return at;
}

function isValue(uri: string, at: number): boolean {
  return at < uri.length && !"./\\".includes(uri.charAt(at));
}

function areDigits(uri: string, at: number, count: number): boolean {
  for (let index = at; index < at + count; index++) {
    const code = uri.charCodeAt(index);
    if (!(code >= 48 && code <= 57)) return false;
  }
  return true;
}

/** Null for a moment that no calendar has; undefined for a format without a date. */
function toDate(found: ReadonlyMap<string, string>): Date | null | undefined {
  if (!found.has("yyyy")) return undefined;
  const [year, month, day, hour, minute, second] = TOKENS.map((token) =>
    Number(found.get(token) ?? (token === "MM" || token === "dd" ? 1 : 0)),
  ) as [number, number, number, number, number, number];
  return utcDate(year, month, day, hour, minute, second);
}
