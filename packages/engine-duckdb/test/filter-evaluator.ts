import type { Expr } from "@aml/core";

/** Microseconds since 1970. */
export interface Time {
  readonly micros: bigint;
}
/** A bigint is a whole number, a number one with a fraction. */
export type Value = bigint | number | string | boolean | Time | null;

export interface Outcome {
  readonly value: Value;
  /** A whole number went beyond 64 bits somewhere, or something is divided by zero, which ends a query. */
  readonly overflow: boolean;
  /** It calculates with a text or a time, or takes something else for a condition. */
  readonly refused: boolean;
  /** Its last digit is not for us to say (a power). */
  readonly unsure: boolean;
}

const LARGEST = 2n ** 63n - 1n;
const SMALLEST = -(2n ** 63n);

/** What a filter means, written a second time, row by row, from the reference alone. */
export function evaluate(expr: Expr, row: Readonly<Record<string, Value>>): Outcome {
  const state = { overflow: false, unsure: false, refused: false };
  /** Within what `and` or `or` no longer asks. */
  let unasked = 0;
  const noDivision = (): null => {
    if (unasked === 0) state.overflow = true;
    return null;
  };
  const whole = (value: bigint): bigint => {
    if (value > LARGEST || value < SMALLEST) state.overflow = true;
    return value;
  };
  const visit = (node: Expr): Value => {
    if ("col" in node) return row[node.col] ?? null;
    if ("int" in node) return BigInt(node.int);
    if ("lit" in node) return Number.isSafeInteger(node.lit) ? BigInt(node.lit as number) : node.lit;
    if (node.fn === "datetime") return { micros: microsOf(node.args.map((arg) => Number(visit(arg)))) };
    if (node.fn === "is_error") return false;
    const args: Value[] = [];
    let decided = false;
    for (const arg of node.args) {
      if (decided) unasked += 1;
      args.push(visit(arg));
      if (decided) unasked -= 1;
      decided ||= (node.fn === "and" && args.at(-1) === false) || (node.fn === "or" && args.at(-1) === true);
    }
    const [a = null, b = null] = args;
    if (/^(and|or|not)$/.test(node.fn)) state.refused ||= !args.every(isCondition);
    const isTexts = node.fn === "+" && typeof a === "string" && typeof b === "string";
    if (/^([-+*/%]|\/\/|\*\*|negate)$/.test(node.fn) && !isTexts) {
      state.refused ||= !args.includes(null) && args.some((arg) => typeof arg === "string" || isTime(arg));
    }
    switch (node.fn) {
      case "and":
        return args.includes(false) ? false : args.every((arg) => arg === true) ? true : null;
      case "or":
        return args.includes(true) ? true : args.every((arg) => arg === false) ? false : null;
      case "not":
        return typeof a === "boolean" ? !a : null;
      case "is_null":
        return a === null;
      case "is_not_null":
        return a !== null;
      case "in":
        return a === null ? null : args.slice(1).some((item) => isEqual(a, item));
      case "not_in":
        return a === null ? null : !args.slice(1).some((item) => isEqual(a, item));
      case "==":
        return a === null || b === null ? null : isEqual(a, b);
      case "!=":
        return a === null || b === null ? null : !isEqual(a, b);
      case "<":
        return alike(a, b) === undefined ? null : isLess(a, b);
      case ">":
        return alike(a, b) === undefined ? null : isLess(b, a);
      case "<=":
        return alike(a, b) === undefined ? null : isLess(a, b) || isEqual(a, b);
      case ">=":
        return alike(a, b) === undefined ? null : isLess(b, a) || isEqual(a, b);
      case "+":
        if (typeof a === "string" && typeof b === "string") return a + b;
        return calculate(node.fn, a, b, whole, state, noDivision);
      case "-":
      case "*":
      case "/":
      case "//":
      case "%":
      case "**":
        return calculate(node.fn, a, b, whole, state, noDivision);
      case "negate":
        return calculate("-", 0n, a, whole, state, noDivision);
      case "abs": {
        const number = asNumber(a);
        return typeof number === "bigint"
          ? whole(number < 0n ? -number : number)
          : number && Math.abs(number);
      }
      case "year":
      case "month":
      case "day":
      case "hour":
      case "minute":
      case "second":
      case "microsecond":
      case "weekday":
        return isTime(a) ? BigInt(partOf(node.fn, a)) : null;
      default:
        return textFunction(node.fn, args, whole);
    }
  };
  const value = visit(expr);
  state.refused ||= !isCondition(value);
  return { value, ...state };
}

const isCondition = (value: Value): boolean => value === null || typeof value === "boolean";
const isTime = (value: Value): value is Time => typeof value === "object" && value !== null;

function microsOf([
  year = 0,
  month = 1,
  day = 1,
  hour = 0,
  minute = 0,
  second = 0,
  micro = 0,
]: readonly number[]) {
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
  date.setUTCFullYear(year, month - 1, day);
  return BigInt(date.getTime()) * 1000n + BigInt(micro);
}

function partOf(part: string, { micros }: Time): number {
  const inSecond = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = new Date(Number((micros - inSecond) / 1000n));
  switch (part) {
    case "year":
      return date.getUTCFullYear();
    case "month":
      return date.getUTCMonth() + 1;
    case "day":
      return date.getUTCDate();
    case "hour":
      return date.getUTCHours();
    case "minute":
      return date.getUTCMinutes();
    case "second":
      return date.getUTCSeconds();
    case "microsecond":
      return Number(inSecond);
    default:
      return (date.getUTCDay() + 6) % 7;
  }
}

function asNumber(value: Value): bigint | number | null {
  if (typeof value === "boolean") return value ? 1n : 0n;
  return typeof value === "bigint" || typeof value === "number" ? value : null;
}

/** Both as numbers, texts or times that JavaScript can compare; nothing for different kinds. */
function alike(
  a: Value,
  b: Value,
): readonly [bigint | number | string, bigint | number | string] | undefined {
  if (typeof a === "string" && typeof b === "string") {
    // By code point, not by UTF-16 unit.
    const [x, y] = [a, b].map((text) => Buffer.from(text).toString("latin1"));
    return [x ?? "", y ?? ""];
  }
  if (isTime(a) && isTime(b)) return [a.micros, b.micros];
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x === null || y === null) return undefined;
  // Next to a fraction a whole number counts as one, rounded beyond 2^53; Python compares exactly.
  return typeof x === typeof y ? [x, y] : [Number(x), Number(y)];
}

function isEqual(a: Value, b: Value): boolean {
  const both = alike(a, b);
  // oxlint-disable-next-line eqeqeq -- 1n is 1
  return both !== undefined && both[0] == both[1];
}

function isLess(a: Value, b: Value): boolean {
  const both = alike(a, b);
  return both !== undefined && both[0] < both[1];
}

type Arithmetic = "+" | "-" | "*" | "/" | "//" | "%" | "**";

function calculate(
  fn: Arithmetic,
  left: Value,
  right: Value,
  whole: (value: bigint) => bigint,
  state: { unsure: boolean },
  noDivision: () => null,
): Value {
  const [a, b] = [asNumber(left), asNumber(right)];
  if (a === null || b === null) return null;
  if (typeof a === "bigint" && typeof b === "bigint" && fn !== "/" && fn !== "**") {
    if (fn === "+") return whole(a + b);
    if (fn === "-") return whole(a - b);
    if (fn === "*") return whole(a * b);
    if (b === 0n) return noDivision();
    const rest = a % b;
    const below = rest !== 0n && rest < 0n !== b < 0n;
    return fn === "//" ? whole(a / b - (below ? 1n : 0n)) : rest + (below ? b : 0n);
  }
  const [x, y] = [Number(a), Number(b)];
  if (fn === "+") return x + y;
  if (fn === "-") return x - y;
  if (fn === "*") return x * y;
  if (fn === "**") {
    const power = x ** y;
    if (!(Number.isInteger(power) && Math.abs(power) < 2 ** 50)) state.unsure = true;
    return power;
  }
  if (y === 0) return noDivision();
  if (fn === "/") return x / y;
  // As CPython's float_divmod.
  const rest = x % y;
  const below = rest !== 0 && rest < 0 !== y < 0;
  if (fn === "%") return rest + (below ? y : 0);
  return roundHalfAway((x - rest) / y) - (below ? 1 : 0);
}

const roundHalfAway = (x: number): number => Math.sign(x) * Math.round(Math.abs(x));

/** Without the white space in front. */
function stripped(points: readonly string[]): readonly string[] {
  const start = points.findIndex((point) => point.trim() !== "" && !"\x1c\x1d\x1e\x1f\x85".includes(point));
  return start < 0 ? [] : points.slice(start);
}

function textFunction(fn: string, args: readonly Value[], whole: (value: bigint) => bigint): Value {
  const [text, second, third] = args;
  if (typeof text !== "string") return null;
  const points = [...text];
  switch (fn) {
    case "length":
      return BigInt(points.length);
    case "strip":
      return stripped(stripped(points).toReversed()).toReversed().join("");
    case "to_upper":
      return text.toUpperCase();
    case "to_lower":
      return text.toLowerCase();
    case "substring": {
      if (typeof second !== "bigint" || (args.length > 2 && typeof third !== "bigint")) return null;
      const start = Number(second < 0n ? whole(BigInt(points.length) + second) : second);
      const from = Math.max(start, 0);
      const length = typeof third === "bigint" ? Math.max(Number(third), 0) : points.length;
      return points.slice(from, from + length).join("");
    }
    default:
      break;
  }
  if (typeof second !== "string") return null;
  switch (fn) {
    case "contains":
      return text.includes(second);
    case "starts_with":
      return text.startsWith(second);
    case "ends_with":
      return text.endsWith(second);
    case "index_of": {
      const at = text.indexOf(second);
      return BigInt(at < 0 ? -1 : Array.from(text.slice(0, at)).length);
    }
    default:
      throw new Error(`The evaluator does not know ${fn}.`);
  }
}
