import type { ColumnTypeSpec } from "@aml/core";
import { columnTypeOf } from "./plan-column.ts";
import { quoteList, quoteText } from "./sql-text.ts";

export interface Conversion {
  /** The converted value of `x`, NULL where it cannot be converted. */
  readonly sql: string;
  readonly sqlType: string;
  /** False when every value converts. */
  readonly canFail: boolean;
}

/**
 * A conversion as SQL over `x`, an expression of type `from`. Exact where DuckDB's own casts are lenient: `1.5` and
 * `0x1F` are not integers, `1_000` is no number, `yes` is no boolean (`Yes` is).
 */
export function compileConversion(x: string, from: string, to: ColumnTypeSpec): Conversion {
  if (to === "string" || to === "stream_info") return toText(x, from);
  if (to === "int") return toInt(x, from);
  if (to === "float") return toFloat(x, from, ".");
  if (to === "boolean") return toBoolean(x, from);
  if ("float" in to) return toFloat(x, from, to.float.decimal_mark);
  if ("datetime" in to) return toDatetime(x, from, to.datetime.formats, to.datetime.date_constant ?? "");
  if ("boolean" in to) return toWords(x, from, to.boolean);
  return toText(x, from);
}

function toText(x: string, from: string): Conversion {
  const type = columnTypeOf(from);
  const nested = type === "json" && from !== "JSON";
  const sql =
    from === "VARCHAR"
      ? x
      : from === "JSON"
        ? `CASE WHEN json_type(${x}) = 'VARCHAR' THEN ${x} ->> '$' ELSE ${x}::VARCHAR END`
        : nested
          ? `to_json(${x})::VARCHAR`
          : type === "timestamp"
            ? instantText(x, from)
            : type === "float64"
              ? floatText(`${x}::DOUBLE`)
              : type === "boolean"
                ? `CASE ${x} WHEN true THEN 'True' WHEN false THEN 'False' END`
                : `${x}::VARCHAR`;
  return { sql, sqlType: "VARCHAR", canFail: false };
}

/** `2020-01-31T10:11:12.500+00:00`: in UTC, with a fraction where there is one, in milli- or microseconds where those suffice. */
function instantText(x: string, from: string): string {
  const instant = `${x}::TIMESTAMP`;
  const micros = `microsecond(${instant}) % 1000000`;
  const cut = `CASE WHEN ${micros} = 0 THEN '' WHEN ${micros} % 1000 = 0 THEN strftime(${instant}, '.%g') ELSE strftime(${instant}, '.%f') END`;
  const fraction =
    from === "TIMESTAMP_NS"
      ? `CASE WHEN isfinite(${instant}) AND epoch_ns(${x}) % 1000 <> 0 THEN strftime(${x}, '.%n') ELSE ${cut} END`
      : cut;
  const text = `strftime(${instant}, '%Y-%m-%dT%H:%M:%S') || ${fraction} || '+00:00'`;
  return `CASE WHEN isfinite(${instant}) THEN ${text} ELSE ${instant}::VARCHAR END`;
}

/** The shortest digits that give the number back, without exponent, and without a fraction of zero. */
function floatText(x: string): string {
  const text = `${x}::VARCHAR`;
  const digits = `regexp_replace(regexp_replace(${text}, 'e.*$', ''), '[-.]', '', 'g')`;
  const power = `regexp_extract(${text}, 'e(.*)$', 1)::INTEGER`;
  const plain =
    `CASE WHEN ${x} < 0 THEN '-' ELSE '' END || CASE WHEN ${power} > 0 ` +
    `THEN rpad(${digits}, ${power} + 1, '0') ELSE '0.' || repeat('0', -${power} - 1) || ${digits} END`;
  return `CASE WHEN isnan(${x}) THEN 'NaN' WHEN isfinite(${x}) AND contains(${text}, 'e') THEN ${plain} ELSE regexp_replace(${text}, '\\.0$', '') END`;
}

/** JSON values convert as their text does. */
function textOf(x: string, from: string): string | undefined {
  if (from === "VARCHAR") return x;
  return columnTypeOf(from) === "string" || from === "JSON" ? `(${toText(x, from).sql})` : undefined;
}

function toInt(x: string, from: string): Conversion {
  const text = textOf(x, from);
  const result = (sql: string, canFail = true): Conversion => ({ sql, sqlType: "BIGINT", canFail });
  if (text !== undefined) {
    const cast = `try_cast(${text} AS BIGINT)`;
    const bare = trimmed(text);
    const float = `try_cast(${bare} AS DOUBLE)`;
    // One byte that casts is a digit; and almost every integer is written as it prints, which is cheaper to see than
    // to match. With an exponent it is an integer as long as a double holds each of them. What a CASE looks at first,
    // DuckDB computes once for the whole of it: so that is the cast.
    return result(
      `CASE WHEN ${cast} IS NOT NULL AND strlen(${text}) = 1 THEN ${cast} WHEN ${cast}::VARCHAR = ${text} THEN ${cast} ` +
        `WHEN regexp_full_match(${bare}, '[+-]?[0-9]+(\\.0*)?') THEN try_cast(${bare} AS BIGINT) ` +
        `WHEN regexp_full_match(${bare}, '${DECIMAL}[eE][+-]?[0-9]+') ` +
        `AND ${float} = trunc(${float}) AND abs(${float}) <= 9007199254740991 THEN ${float}::BIGINT END`,
    );
  }
  switch (columnTypeOf(from)) {
    case "int32":
    case "int64":
    case "boolean":
      return result(`${x}::BIGINT`, false);
    case "float64":
    case "decimal":
      return result(`CASE WHEN ${x} = trunc(${x}) THEN try_cast(${x} AS BIGINT) END`);
    default:
      return result("NULL::BIGINT");
  }
}

function toFloat(x: string, from: string, mark: "." | ","): Conversion {
  const text = textOf(x, from);
  const result = (sql: string, canFail = true): Conversion => ({ sql, sqlType: "DOUBLE", canFail });
  if (text !== undefined) {
    const source = mark === "," ? `replace(${text}, ',', '.')` : text;
    const cast = `try_cast(${source} AS DOUBLE)`;
    const bare = trimmed(source);
    const again = `try_cast(${bare} AS DOUBLE)`;
    const strict = mark === "," ? ` AND NOT contains(${text}, '.')` : "";
    // A number beyond a double is infinite, too, and another number then.
    return result(
      `CASE WHEN isfinite(${cast}) AND NOT contains(${text}, '_')${strict} THEN ${cast} ` +
        `WHEN regexp_full_match(${bare}, '[+-]?(nan|inf|infinity)', 'i') THEN ${again} ` +
        `WHEN ${bare} <> ${source} AND regexp_full_match(${bare}, '${DECIMAL}([eE][+-]?[0-9]+)?') ` +
        `AND isfinite(${again})${strict} THEN ${again} END`,
    );
  }
  const type = columnTypeOf(from);
  const numeric = ["int32", "int64", "boolean", "float64", "decimal"].includes(type);
  return numeric ? result(`${x}::DOUBLE`, false) : result("NULL::DOUBLE");
}

export const TRUE_WORDS: readonly string[] = ["true", "True", "TRUE", "1", "T", "t", "Y", "Yes", "YES"];
export const FALSE_WORDS: readonly string[] = ["false", "False", "FALSE", "0", "F", "f", "N", "No", "NO"];

function toBoolean(x: string, from: string): Conversion {
  const text = textOf(x, from);
  const result = (sql: string, canFail = true): Conversion => ({ sql, sqlType: "BOOLEAN", canFail });
  if (text !== undefined) {
    const match = (value: string): string =>
      `WHEN ${isOneOf(TRUE_WORDS, value)} THEN true WHEN ${isOneOf(FALSE_WORDS, value)} THEN false`;
    return result(`CASE ${match(text)} ${match(trimmed(text))} END`);
  }
  const type = columnTypeOf(from);
  if (type === "boolean") return result(x, false);
  const numeric = ["int32", "int64", "float64", "decimal"].includes(type);
  return numeric ? result(`${x} <> 0`, false) : result("NULL::BOOLEAN");
}

const DECIMAL = "[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)";

/** Not by `IN`: DuckDB makes a join of a longer list, and rows come out in another order now and then. */
export function isOneOf(words: readonly string[], text: string): string {
  return `list_contains(${quoteList(words)}::VARCHAR[], ${text})`;
}

/** A text without what `trim` of JavaScript takes away. */
export const trimmed = (text: string): string => `regexp_replace(${text}, '^${BLANK}+|${BLANK}+$', '', 'g')`;

const BLANK = "[\\s\\x0B\\p{Z}\\x{FEFF}]";

type Words = Extract<ColumnTypeSpec, { boolean: unknown }>["boolean"];

/** Words are those of texts: what has a type already is true or false, or has no such meaning. */
function toWords(x: string, from: string, words: Words): Conversion {
  if (textOf(x, from) === undefined) return toBoolean(x, from);
  const mismatch = words.mismatch_as ?? "error";
  const otherwise = mismatch === "error" ? "" : ` WHEN ${x} IS NOT NULL THEN ${mismatch === "true"}`;
  const { true_values, false_values } = words;
  if (true_values === undefined || false_values === undefined) {
    const plain = toBoolean(x, from).sql;
    return {
      sql: otherwise === "" ? plain : `CASE WHEN ${plain} IS NOT NULL THEN ${plain}${otherwise} END`,
      sqlType: "BOOLEAN",
      canFail: mismatch === "error",
    };
  }
  const text = trimmed(toText(x, from).sql);
  return {
    sql: `CASE WHEN ${isOneOf(true_values, text)} THEN true WHEN ${isOneOf(false_values, text)} THEN false${otherwise} END`,
    sqlType: "BOOLEAN",
    canFail: mismatch === "error",
  };
}

function toDatetime(x: string, from: string, formats: readonly string[], prefix: string): Conversion {
  const result = (sql: string, canFail = true): Conversion => ({ sql, sqlType: "TIMESTAMP", canFail });
  if (from === "TIMESTAMP") return result(x, false);
  if (from === "TIMESTAMP WITH TIME ZONE") return result(`${x} AT TIME ZONE 'UTC'`, false);
  if (columnTypeOf(from) === "date" || columnTypeOf(from) === "timestamp")
    return result(`${x}::TIMESTAMP`, false);
  const bare = textOf(x, from);
  if (bare === undefined) return result("NULL::TIMESTAMP");
  const text = prefix === "" ? bare : `(${quoteText(prefix)} || ${bare})`;
  // Formats with an offset give an instant, the others a wall clock, taken as UTC, in microseconds or
  // nanoseconds; a list must be of one sort.
  const parts: string[] = [];
  for (const run of runsOf(formats.flatMap(variants))) {
    const parsed = parse(text, run);
    const sort = sortOf(run[0] ?? "");
    const plain = sort === "nanoseconds" ? `${parsed}::TIMESTAMP` : parsed;
    parts.push(sort === "instant" ? `(${parsed} AT TIME ZONE 'UTC')` : plain);
  }
  return result(parts.length === 1 ? `${parts[0]}` : `coalesce(${parts.join(", ")})`);
}

/** Directives that `strptime` has not. */
const SHORT: Readonly<Record<string, string>> = {
  "%F": "%Y-%m-%d",
  "%D": "%m/%d/%y",
  "%R": "%H:%M",
  "%e": "%d",
};

/** `strptime` alone has no Z for `%z`, and no more than six digits for `%f`. */
function variants(given: string): string[] {
  const format = given.replace(/%[FDRe%]/g, (directive) => SHORT[directive] ?? directive);
  const ends = format.includes("%z") ? [format, format.replace("%z", "Z")] : [format];
  return ends.flatMap((one) =>
    // A fraction may be left out, as in the original.
    one.includes("%f") ? [one, one.replace("%f", "%n"), one.replace(/[.,]?%f/, "")] : [one],
  );
}

/** The format that timestamps print in, where they have no fraction. */
const PRINTED = "%Y-%m-%d %H:%M:%S";

/**
 * NULL where no format fits. A text that is just what its cast prints needs no format, and that takes less time, as long
 * as the cast stands where DuckDB computes it once.
 */
function parse(text: string, formats: readonly string[]): string {
  const parsed = ofFourDigits(text, formats);
  if (formats[0] !== PRINTED) return parsed;
  const cast = `try_cast(${text} AS TIMESTAMP)`;
  return `CASE WHEN ${cast} IS NOT NULL AND strlen(${text}) = 19 AND ${cast}::VARCHAR = ${text} THEN ${cast} ELSE ${parsed} END`;
}

/**
 * Where formats give no date, NULL. DuckDB takes two digits for a year of four, which is one of the first century then: no
 * such text fits, and the next format has its turn.
 */
function ofFourDigits(text: string, formats: readonly string[]): string {
  const isLong = (format: string): boolean => format.replaceAll("%%", "").includes("%Y");
  const runs = formats.every(isLong) || !formats.some(isLong) ? [formats] : formats.map((one) => [one]);
  const parts = runs.map((run) => {
    const list = run.length === 1 ? quoteText(run[0] ?? "") : quoteList(run);
    const parsed = `try_strptime(${text}, ${list})`;
    if (!isLong(run[0] ?? "")) return parsed;
    return `CASE WHEN year(${parsed}) > 999 OR regexp_matches(${text}, '0[0-9]{3}') THEN ${parsed} END`;
  });
  return parts.length === 1 ? `${parts[0]}` : `coalesce(${parts.join(", ")})`;
}

/** What `strptime` gives for a format. */
function sortOf(format: string): "instant" | "nanoseconds" | "plain" {
  const directives = format.replaceAll("%%", "");
  if (directives.includes("%z")) return "instant";
  return directives.includes("%n") ? "nanoseconds" : "plain";
}

function runsOf(formats: readonly string[]): string[][] {
  const runs: string[][] = [];
  for (const format of formats) {
    const last = runs.at(-1);
    if (last !== undefined && sortOf(last[0] ?? "") === sortOf(format)) last.push(format);
    else runs.push([format]);
  }
  return runs;
}
