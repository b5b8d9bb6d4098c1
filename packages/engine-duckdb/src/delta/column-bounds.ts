/** What a Delta log says of a column of a file. The file may hold deleted rows, too: of those that are left it holds as well. */
interface ColumnBounds {
  /** Texts of values that are at most and at least as great as all; undefined where the log does not tell. */
  readonly least: string | undefined;
  readonly most: string | undefined;
  /** Whether no row, or every row, is null. Undefined for anything between, which says nothing of the rows that are left. */
  readonly nulls: "none" | "all" | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Digits that a number of JavaScript may not hold; few files have any, and the others are read much faster. */
const MANY_DIGITS = /\d{16}|\d[eE]/;
/** A JSON text, or a number between texts. */
const TOKEN = /("(?:[^"\\]|\\.)*")|-?\d[\d.eE+-]*/g;

/**
 * Reads the statistics that a log has of a file. Numbers stay the texts that they are: as numbers of JavaScript they would be
 * rounded, and a bound that is rounded is none.
 *
 * @param names - of the columns, as the file has them.
 * @returns for each name its bounds; for statistics that are none, nothing of any.
 */
export function columnBounds(stats: string | undefined, names: readonly string[]): readonly ColumnBounds[] {
  const { minValues, maxValues, nullCount, numRecords } = objectOf(parse(stats));
  const [least, most, nulls] = [objectOf(minValues), objectOf(maxValues), objectOf(nullCount)];
  return names.map((name) => {
    const count = textOf(nulls, name);
    const all = count !== undefined && count === textOf({ numRecords }, "numRecords");
    return {
      least: textOf(least, name),
      most: textOf(most, name),
      nulls: count === "0" ? "none" : all ? "all" : undefined,
    };
  });
}

function parse(stats: string | undefined): unknown {
  if (stats === undefined) return undefined;
  try {
    if (!MANY_DIGITS.test(stats)) return JSON.parse(stats);
    return JSON.parse(stats.replace(TOKEN, (found: string, text?: string) => text ?? `"${found}"`));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function textOf(values: Json, name: string): string | undefined {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  // What was cut within a character is no bound of what it was cut from.
  return typeof value === "string" && !/[\0\ud800-\udfff]/u.test(value) ? value : undefined;
}

/** A bound as an expression of its column's type; NULL where it is none. */
export function boundSql(text: string, sqlType: string, end: "least" | "most"): BoundSql {
  const sign = end === "least" ? "-" : "+";
  if (sqlType === "VARCHAR") {
    // A greatest text that was cut ends in a character that is meant to be greater than any, and is not in all writers.
    return { sqlType, sql: end === "least" ? text : `rtrim(${text}, '\u{fffd}\u{ffff}\u{10ffff}')` };
  }
  if (/^(FLOAT|DOUBLE|DECIMAL.*)$/.test(sqlType)) {
    // Writers round them, some to numbers of 32 bits. NaN is in no bound, or is one that says nothing.
    const value = `try_cast(${text} AS DOUBLE)`;
    const far = `${value} ${sign} abs(${value}) * 1e-6 ${sign} 1e-37`;
    return { sqlType: "DOUBLE", sql: `CASE WHEN isfinite(${value}) THEN ${far} END` };
  }
  if (sqlType === "DATE" || sqlType.startsWith("TIMESTAMP")) {
    const zoned = `regexp_matches(${text}, '(Z|[+-][0-9]{2}:?[0-9]{2})$')`;
    const isClear =
      sqlType === "DATE" ? "true" : sqlType === "TIMESTAMP" ? `${text} LIKE '%Z' OR NOT ${zoned}` : zoned;
    const value = `CASE WHEN ${isClear} THEN try_cast(${text} AS ${sqlType}) END`;
    // Of a second the log has thousandths, the rest is cut off. Before 1900 writers have different calendars.
    const far = sqlType === "DATE" ? value : `${value} ${sign} INTERVAL 1 MILLISECOND`;
    return { sqlType, sql: `CASE WHEN year(${value}) BETWEEN 1900 AND 9998 THEN ${far} END` };
  }
  // Not a number that a writer rounded on its way.
  const isClear = sqlType === "BOOLEAN" ? "true" : `regexp_matches(${text}, '^-?[0-9]+$')`;
  return { sqlType, sql: `CASE WHEN ${isClear} THEN try_cast(${text} AS ${sqlType}) END` };
}

interface BoundSql {
  readonly sql: string;
  readonly sqlType: string;
}
