import { AmlError } from "./aml-error.ts";

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
  /** Values are escaped as Hive does it. */
  readonly hive: boolean;
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
/** The parts of a date, from the year down. */
export const TOKENS: readonly string[] = ["yyyy", "MM", "dd", "HH", "mm", "ss"];

/**
 * Parses a partition format such as `{Region}/{When:yyyy/MM/dd}/{name}.csv`.
 *
 * `{x}` is a string column, `{x:…}` a datetime column of the tokens yyyy MM dd HH mm ss, `*` is anything, `{{` and
 * `}}` are braces, all else is itself.
 *
 * @throws `plan_invalid` when there is no column, a brace is alone, a date has no `yyyy` or letters that are no
 *   token, a name is both kinds of column, or there are two dates.
 */
export function parsePartitionFormat(
  format: string,
  valueEncoding: "plain" | "hive" = "plain",
): PartitionFormat {
  const columns = new Map<string, PartitionColumn>();
  const parts: PartitionPart[] = [];
  let dates = 0;
  const refuse = (what: string): never => {
    throw new AmlError("plan_invalid", `The partition format ${JSON.stringify(format)} ${what}`, {
      hint: "Write {name} for text, {name:yyyy/MM/dd} for a date, {{ }} for { }.",
      context: { format },
    });
  };
  for (const [piece, name, date] of format.matchAll(PIECE)) {
    if (name === undefined) {
      if (piece === "{" || piece === "}") refuse(`has a ${piece} alone`);
      parts.push(piece === "*" ? {} : { text: piece.replace(/^[{}]/, "") || piece });
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
    hive: valueEncoding === "hive",
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
