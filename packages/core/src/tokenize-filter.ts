import { AmlError } from "./aml-error.ts";
import type { Expr } from "./expr.ts";
import { ALONE, CALLABLES, POWER, VALUES } from "./filter-vocabulary.ts";

/** The longest filter, in UTF-16 units; also bounds the canonical form of whatever is parsed. */
export const MAX_FILTER_LENGTH: number = 2 ** 18;

export interface Token {
  readonly kind: "literal" | "name" | "operator" | "end";
  readonly text: string;
  /** Zero-based, in UTF-16 units. */
  readonly start: number;
  readonly literal?: Expr | undefined;
}

const TOKEN =
  /(\s+)|((?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?)|([\p{ID_Start}_]\p{ID_Continue}*)|("[^"\\\n]*(?:\\[^][^"\\\n]*)*"|'[^'\\\n]*(?:\\[^][^'\\\n]*)*')|\*\*|\/\/|[=!<>]=|[<>+\-*/%()[\],.&|~]/uy;

/** Splits a filter into tokens. @throws `plan_invalid` at the first character that begins none. */
export function tokenizeFilter(filter: string): readonly Token[] {
  if (filter.length > MAX_FILTER_LENGTH) throw refuse(filter, 0, filter.length, "the filter is too long");
  const tokens: Token[] = [];
  for (let start = 0; start < filter.length;) {
    TOKEN.lastIndex = start;
    const [text, space, number, name, string] = TOKEN.exec(filter) ?? [];
    if (text === undefined) throw refuseCharacter(filter, start);
    const value = VALUES.get(text);
    const literal = number
      ? parseNumber(filter, start, number)
      : string
        ? parseString(filter, start, string)
        : value !== undefined && { lit: value };
    const kind = literal ? "literal" : name && !POWER.has(name) ? "name" : "operator";
    if (!space) tokens.push({ kind, text, start, literal: literal || undefined });
    start += text.length;
  }
  tokens.push({ kind: "end", text: "", start: filter.length });
  return tokens;
}

function refuseCharacter(filter: string, start: number): AmlError {
  const character = String.fromCodePoint(filter.codePointAt(start) as number);
  const open = /["']/.test(character);
  const why = open
    ? "this string is not closed"
    : `${JSON.stringify(character)} is not part of the filter language`;
  return refuse(filter, start, character.length, why);
}

function parseNumber(filter: string, start: number, text: string): Expr {
  const digits = text.replaceAll("_", "");
  const value = Number(digits);
  const whole = /^\d+$/.test(digits);
  if (whole ? /^0+[1-9]/.test(digits) : !Number.isFinite(value)) {
    throw refuse(
      filter,
      start,
      text.length,
      whole ? "a number has no leading zeros" : "this number is too large",
    );
  }
  return whole && !Number.isSafeInteger(value) ? { int: digits } : { lit: value };
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "\n": "" }),
);

/** As Python reads it: `\d` and other unknown escapes keep their backslash. */
function parseString(filter: string, start: number, text: string): Expr {
  const lit = text
    .slice(1, -1)
    .replace(
      /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]))/gu,
      (all: string, octal?: string, x?: string, u?: string, long?: string, other = "") => {
        const point = octal ? Number.parseInt(octal, 8) : Number.parseInt(x ?? u ?? long ?? "", 16);
        if (point <= 0x10ffff) return String.fromCodePoint(point);
        if (/[xuUN]/.test(all[1] as string)) {
          throw refuse(filter, start, text.length, `the escape ${all} is not complete or not known`);
        }
        return /["'\\]/.test(other) ? other : (ESCAPES.get(other) ?? all);
      },
    );
  return { lit };
}

const METHODS = CALLABLES.map(([, , , name = ""]) => name).filter((name) => !ALONE.test(name));
const ALLOWED =
  'Allowed are col("name"), plain column names, numbers, strings, True, False, None, datetime(2025, 1, 31), ' +
  "== != < <= > >=, and or not, in [...], is None, + - * / // % **, len(x), abs(x), the methods " +
  `${METHODS.join(", ")}, and of times year, month, day, hour, minute, second, microsecond.`;

/** The error for one place of a filter, with an excerpt that points at it. */
export function refuse(
  filter: string,
  position: number,
  length: number,
  why: string,
  hint: string = ALLOWED,
): AmlError {
  const from = Math.max(0, position - 50);
  const excerpt = filter.slice(from, position + 50).replace(/[\s\0]/g, " ");
  const marks = "^".repeat(Math.max(1, Math.min(length, 50)));
  return new AmlError(
    "plan_invalid",
    `Filter, column ${position + 1}: ${why}.\n  ${excerpt}\n  ${" ".repeat(position - from)}${marks}`,
    { hint, context: { position, length, filter } },
  );
}
