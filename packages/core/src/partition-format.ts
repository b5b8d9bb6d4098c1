import { AmlError } from "./aml-error.ts";
import { utcDate } from "./utc-date.ts";

export interface PartitionColumn {
  readonly name: string;
  readonly kind: "string" | "datetime";
}

/** A parsed partition format: what `matchPartitionFormat` needs. */
export interface PartitionFormat {
  readonly format: string;
  /** In the order of their first appearance, the datetime last. */
  readonly columns: readonly PartitionColumn[];
  readonly parts: readonly PartitionPart[];
}

/** What a stretch of the path must be: `text`; a `column`'s value; its digits, as many as the `token` has letters; or,
 * of an empty part, anything. */
export interface PartitionPart {
  readonly text?: string;
  readonly column?: string;
  readonly token?: string;
}

const PIECE = /\{\{|\}\}|\{([^{}:]*)(:[^{}]*)?\}|\*|[^{}*]+|[{}]/g;
const DATE_PIECE = /yyyy|([MdHms])\1|[yMdHhms]|[^yMdHhms]+/g;
const TOKENS: readonly string[] = ["yyyy", "MM", "dd", "HH", "mm", "ss"];

/**
 * Parses a partition format such as `{Region}/{When:yyyy/MM/dd}/{name}.csv`.
 *
 * `{x}` is a string column, `{x:…}` a datetime column of the tokens yyyy MM dd HH mm ss, `*` is anything, `{{` and
 * `}}` are braces, all else is itself.
 *
 * @throws `plan_invalid` when there is no column, a brace is alone, a date has no `yyyy` or letters that are no
 *   token, a name is both kinds of column, or there are two dates.
 */
export function parsePartitionFormat(format: string): PartitionFormat {
  const columns = new Map<string, PartitionColumn>();
  const parts: PartitionPart[] = [];
  let dates = 0;
  const refuse = (what: string): never => {
    throw new AmlError("plan_invalid", `The partition format ${JSON.stringify(format)} ${what}`, {
      hint: "Write {region} for a string column, {day:yyyy/MM/dd} for a date; {{ and }} are braces.",
      context: { format },
    });
  };
  for (const [piece, name, date] of format.matchAll(PIECE)) {
    if (name === undefined) {
      if (piece === "{" || piece === "}") refuse(`has a ${piece} alone`);
      parts.push(piece === "*" ? {} : { text: piece === "{{" || piece === "}}" ? piece.charAt(0) : piece });
      continue;
    }
    const kind = date === undefined ? "string" : "datetime";
    if (name === "") refuse("has a column without a name");
    if ((columns.get(name)?.kind ?? kind) !== kind) refuse(`has ${name} as string and as datetime`);
    columns.set(name, Object.freeze({ name, kind }));
    if (date === undefined) parts.push({ column: name });
    else {
      dates++;
      parts.push(...dateParts(name, date.slice(1), refuse));
    }
  }
  const kinds = (kind: string): PartitionColumn[] =>
    [...columns.values()].filter((each) => each.kind === kind);
  if (columns.size === 0) refuse("has no column");
  if (dates > 1) refuse("has two dates");
  if (dates && !parts.some(({ token }) => token === "yyyy")) refuse("has a date without yyyy");
  return Object.freeze({
    format,
    columns: Object.freeze([...kinds("string"), ...kinds("datetime")]),
    parts: Object.freeze(parts),
  });
}

function dateParts(column: string, date: string, refuse: (what: string) => never): PartitionPart[] {
  return Array.from(date.matchAll(DATE_PIECE), ([piece]) => {
    if (TOKENS.includes(piece)) return { column, token: piece };
    return /[yMdHhms]/.test(piece)
      ? refuse(`has ${piece} in a date, which takes ${TOKENS.join(" ")}`)
      : { text: piece };
  });
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
  { parts, columns }: PartitionFormat,
  uri: string,
): Readonly<Record<string, string | Date>> | undefined {
  const fits = fitTable(parts, uri);
  let at = (fits[0] as Uint8Array).indexOf(1);
  if (at < 0) return undefined;
  const found = new Map<string, string>();
  for (const [index, { text, column, token }] of parts.entries()) {
    const start = at;
    const fixed = text ?? token;
    if (fixed !== undefined) at += fixed.length;
    // As far as the value runs while something still fits behind it; as near as the rest fits.
    else if (column !== undefined) while (fits[index]?.[at]) at++;
    else while (!fits[index + 1]?.[at]) at++;
    const key = token ?? `=${column}`;
    if (column !== undefined && !found.has(key)) found.set(key, uri.slice(start, at));
  }
  const [year, month, day, hour, minute, second] = TOKENS.map((token) =>
    Number(found.get(token) ?? (/[ymsH]/.test(token) ? 0 : 1)),
  ) as [number, number, number, number, number, number];
  const date = found.has("yyyy") ? utcDate(year, month, day, hour, minute, second) : undefined;
  if (date === null) return undefined;
  const valueOf = ({ name }: PartitionColumn): string | Date => found.get(`=${name}`) ?? (date as Date);
  return Object.freeze(Object.fromEntries(columns.map((column) => [column.name, valueOf(column)])));
}

/** For each part and position: whether this part and all after it fit from there. Worked out from the end. */
function fitTable(parts: readonly PartitionPart[], uri: string): readonly Uint8Array[] {
  const fits = [new Uint8Array(uri.length + 1).fill(1)];
  for (const { text, column, token } of parts.toReversed()) {
    const next = fits[0] as Uint8Array;
    const own = new Uint8Array(uri.length + 1);
    for (let at = uri.length; at >= 0; at--) {
      const here = next[at] ?? 0;
      const longer = own[at + 1] ?? 0;
      if (text !== undefined) own[at] = uri.startsWith(text, at) ? (next[at + text.length] ?? 0) : 0;
      else if (token !== undefined) {
        const end = at + token.length;
        own[at] = next[end] && !/\D/.test(uri.slice(at, end)) ? 1 : 0;
      } else if (column !== undefined) own[at] = isValue(uri.charAt(at)) ? next[at + 1] || longer : 0;
      else own[at] = here || longer;
    }
    fits.unshift(own);
  }
  return fits;
}

const isValue = (character: string): boolean => character !== "" && !"./\\".includes(character);
