import { FALSE_WORDS, isOneOf, trimmed, TRUE_WORDS } from "./compile-convert.ts";

/**
 * A text with which type inference finds what it finds with `x`, as SQL over `x`, which is not null. There are few of
 * them, however many values there are: of numbers some, of dates one for each day and hour.
 */
export function compileRepresentative(x: string): string {
  const bare = trimmed(x);
  const arms = [
    // Most integers are written as they print, which is cheaper to see than to match.
    [`try_cast(${x} AS BIGINT)::VARCHAR = ${x}`, `CASE WHEN ${x} IN ('0', '1') THEN ${x} ELSE '2' END`],
    [
      `NOT regexp_matches(${x}, '[0-9]')`,
      `CASE WHEN ${isOneOf([...TRUE_WORDS, ...FALSE_WORDS], bare)} THEN ${bare} ` +
        `WHEN regexp_full_match(${bare}, '[+-]?(nan|inf|infinity)', 'i') THEN 'NaN' ELSE 'x' END`,
    ],
    [`regexp_full_match(${bare}, '${NUMBER}')`, number(bare)],
    [`regexp_full_match(${x}, '${DATE}(?:[T ]${CLOCK}${ZONE})?')`, datetime(x)],
  ];
  return `CASE ${arms.map(([condition, value]) => `WHEN ${condition} THEN ${value}`).join(" ")} ELSE 'x' END`;
}

const NUMBER = "[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?";
const DAY = "(?:0?[1-9]|[12][0-9]|3[01])";
const DATE =
  `(?:[0-9]{4}-${DAY}-${DAY}|[0-9]{4}/${DAY}/${DAY}|` +
  `${DAY}-${DAY}-[0-9]{4}|${DAY}/${DAY}/[0-9]{4}|${DAY}[.]${DAY}[.][0-9]{4})`;
const MINUTES = ":[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?";
const CLOCK = `(?:(?:[01]?[0-9]|2[0-3])${MINUTES}|(?:0?[1-9]|1[0-2])${MINUTES} ?[AaPp][Mm])`;
const ZONE = "(?:Z|[+-][0-9]{2}:?[0-9]{2})?";

/** An integer with or without leading zeros; else a number that a double holds, loses digits of, or does not hold. */
function number(x: string): string {
  const double = `try_cast(${x} AS DOUBLE)`;
  const zeros = `regexp_matches(${x}, '^[+-]?0[0-9]')`;
  const whole = `regexp_full_match(${x}, '[+-]?[0-9]{1,19}') AND try_cast(${x} AS BIGINT) IS NOT NULL`;
  return (
    `CASE WHEN ${x} IN ('0', '1') THEN ${x} WHEN ${whole} THEN CASE WHEN ${zeros} THEN '02' ELSE '2' END ` +
    `WHEN NOT coalesce(isfinite(${double}), false) THEN '1e999' WHEN ${zeros} THEN '02.5' ` +
    `WHEN length(${x}) < 16 AND NOT regexp_matches(${x}, '[eE]') OR ${digits(x)} = ${digits(`${double}::VARCHAR`)} ` +
    `THEN '2.5' ELSE '0.12345678901234567891' END`
  );
}

/** The significant digits. */
function digits(x: string): string {
  const mantissa = `regexp_replace(${x}, '[eE].*$', '', 's')`;
  return `trim(regexp_replace(${mantissa}, '[^0-9]', '', 'g'), '0')`;
}

/** The day as it is written, and the time with ones for its digits: there is such a time in any format. */
function datetime(x: string): string {
  const day = `regexp_extract(${x}, '^(${DATE})(?:[T ]|$)', 1)`;
  return `${day} || upper(translate(substr(${x}, length(${day}) + 1), '023456789', '111111111'))`;
}
