import { parseMoment, dateText, timeText } from "./date-text.ts";
import { scaledText, unscaled } from "./decimal-text.ts";
import type { ResultColumn } from "./result-column.ts";
import { SqlError, syntaxError } from "./sql-error.ts";
import { readType, typeText, type SqlType } from "./sql-type.ts";
import type { Token } from "./tokenizer.ts";

/**
 * Reads `WITH RESULT SETS ((name type [COLLATE name] [NULL | NOT NULL], …))`, of one result.
 *
 * @see https://learn.microsoft.com/sql/t-sql/language-elements/execute-transact-sql – read 2026-11
 */
export function readResultSets(tokens: readonly Token[]): ResultColumn[] {
  const words = tokens
    .slice(0, 3)
    .map(({ word }) => word)
    .join(" ");
  const [open, inner] = [tokens[3], tokens[4]];
  if (words !== "with result sets" || open?.text !== "(" || inner?.text !== "(") {
    const wrong = tokens[3] ?? tokens[0];
    throw syntaxError(wrong?.text ?? "with", wrong?.line ?? 1);
  }
  const columns: ResultColumn[] = [];
  for (let at = 5; ; at++) {
    const name = tokens[at];
    if (name?.kind !== "name") throw syntaxError(name?.text ?? "(", name?.line ?? open.line);
    const { type, end } = readType(tokens, at + 1, 1);
    at = tokens[end]?.word === "collate" ? end + 2 : end;
    const required = tokens[at]?.word === "not";
    if (required) at++;
    if (tokens[at]?.word === "null") at++;
    columns.push({ name: name.text, type, nullable: !required });
    if (tokens[at]?.text === ",") continue;
    if (tokens[at]?.text === ")" && tokens[at + 1]?.text === ")" && at + 2 === tokens.length) return columns;
    throw syntaxError(tokens[at]?.text ?? ")", tokens[at]?.line ?? name.line);
  }
}

/** How the values of a result are converted to what WITH RESULT SETS declares. */
export function conversions(
  from: readonly ResultColumn[],
  to: readonly ResultColumn[],
): ((text: string) => string)[] {
  if (from.length !== to.length) {
    throw new SqlError(
      11_537,
      16,
      `EXECUTE statement failed because its WITH RESULT SETS clause specified ${to.length} column(s) for result set number 1, but the statement sent ${from.length} column(s) at run time.`,
    );
  }
  return from.map((column, index) => conversion(column.type, to[index]?.type ?? column.type, index + 1));
}

const TEXT: ReadonlySet<string> = new Set(["char", "varchar", "nchar", "nvarchar"]);
const NUMBERS: ReadonlySet<string> = new Set([
  "bit",
  "tinyint",
  "smallint",
  "int",
  "bigint",
  "real",
  "float",
  "decimal",
  "money",
  "smallmoney",
]);
const TIMES: ReadonlySet<string> = new Set([
  "date",
  "datetime",
  "smalldatetime",
  "datetime2",
  "datetimeoffset",
]);
const BINARY: ReadonlySet<string> = new Set(["binary", "varbinary"]);

function conversion(from: SqlType, to: SqlType, place: number): (text: string) => string {
  if (
    TEXT.has(to.name) &&
    !BINARY.has(from.name) &&
    !from.name.endsWith("money") &&
    from.name !== "sql_variant"
  ) {
    return (text) => fitting(valueText(from, text), to);
  }
  const alike = [NUMBERS, TIMES, BINARY].some((family) => family.has(from.name) && family.has(to.name));
  if (alike || from.name === to.name) return (text) => text;
  throw new SqlError(
    11_538,
    16,
    `EXECUTE statement failed because its WITH RESULT SETS clause specified type '${typeText(to)}' for column #${place} in result set #1, and the corresponding type sent at run time was '${typeText(from)}'; there is no conversion between the two types.`,
  );
}

function fitting(text: string, { name, length }: SqlType): string {
  if (typeof length !== "number" || text.length <= length)
    return name.endsWith("varchar") ? text : text.padEnd(Number(length));
  throw new SqlError(8152, 16, "String or binary data would be truncated.");
}

/** A value as SQL Server writes it in text. */
function valueText(type: SqlType, text: string): string {
  if (type.name === "decimal") return scaledText(unscaled(text, type.scale ?? 0) ?? 0n, type.scale ?? 0);
  if (type.name === "bit") return text === "t" || text === "1" ? "1" : "0";
  const moment = type.name === "time" || TIMES.has(type.name) ? parseMoment(text) : undefined;
  if (!moment) return text;
  const scale = type.name === "datetime" ? 3 : type.name === "smalldatetime" ? 0 : (type.scale ?? 7);
  if (type.name === "date") return dateText(moment.days);
  const time = timeText(moment.ticks, scale);
  if (type.name === "time") return time;
  return `${dateText(moment.days)} ${time}${type.name === "datetimeoffset" ? " +00:00" : ""}`;
}
