/** Where a value stands inside a plan or an MLTable: keys and zero-based indexes from the root. */
export type Pointer = readonly (string | number)[];

/** One thing wrong with a value. */
export interface PlanIssue {
  readonly pointer: Pointer;
  /** Reads on after the name of the place: "must be an integer, not true". */
  readonly message: string;
  readonly hint?: string | undefined;
  /** The unknown name itself, where one is the trouble, … */
  readonly key?: string;
  /** … and the names that could stand there. */
  readonly known?: readonly string[];
}

/** What it returns is ignored. */
export type Report = (issue: PlanIssue) => unknown;

/** Reports what is wrong. Returns a normalised frozen copy; undefined stands for the default, or for a refusal. */
export type Check = (value: unknown, at: Pointer, report: Report) => unknown;

/** How a value is named in a message: short, on one line. */
export function quote(value: unknown): string {
  if (typeof value === "object" && value) return Array.isArray(value) ? "a list" : "a mapping";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value);
}

/** Anything that passes a test. */
export function must(expected: string, accepts: (value: unknown) => unknown, fallback?: unknown): Check {
  return (value, pointer, report) => {
    if (accepts(value)) return value === fallback ? undefined : value;
    return void report({ pointer, message: `must be ${expected}, not ${quote(value)}` });
  };
}

/** Another spelling of a value, put right before it is checked. */
export const spelt =
  (plain: (value: unknown) => unknown, check: Check): Check =>
  (value, at, report) =>
    check(plain(value), at, report);

export const bool = (fallback = false): Check =>
  must("true or false", (value) => typeof value === "boolean", fallback);

export const integer = (least: number, fallback?: number): Check =>
  must(
    `an integer of at least ${least}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least,
    fallback,
  );

/** A number from 0 to 1. */
export const share = (fallback?: number): Check =>
  must("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1, fallback);

/** A string that is not empty. */
export const text = (fallback?: string): Check =>
  must("a string that is not empty", (value) => typeof value === "string" && value, fallback);

/** One of some words. */
export function oneOf(known: readonly string[], fallback?: string): Check {
  return (value, pointer, report) => {
    if (known.includes(value as string)) return value === fallback ? undefined : value;
    const message = `must be one of ${known.join(" | ")}, not ${quote(value)}`;
    return void report({ pointer, message, ...(typeof value === "string" && { key: value, known }) });
  };
}

export function list(check: Check, least = 0): Check {
  const expected = least ? "a list that is not empty" : "a list";
  const isList = must(expected, (value) => Array.isArray(value) && value.length >= least);
  return (value, at, report) => {
    const items = isList(value, at, report) as readonly unknown[] | undefined;
    return items && Object.freeze(Array.from(items, (item, index) => check(item, [...at, index], report)));
  };
}

const mapping = must("a mapping", isPlainObject);

export interface RecordRules {
  /** Exactly one key. */
  readonly one?: boolean;
  /** What is wrong between fields that are each right. */
  readonly also?: (value: Readonly<Record<string, unknown>>) => string | false | undefined;
}

/** A plain object with these keys, and no other. The copy has them in the order of `fields`. */
export function record(
  fields: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
  { one, also }: RecordRules = {},
): Check {
  const known = Object.keys(fields);
  return (value, pointer, report) => {
    const given = mapping(value, pointer, report) as Readonly<Record<string, unknown>> | undefined;
    if (!given) return undefined;
    let failed = false;
    const fail: Report = (issue) => {
      failed = true;
      report(issue);
    };
    for (const key of Object.keys(given)) {
      if (!known.includes(key)) fail({ pointer, key, known, message: `has no option ${quote(key)}` });
    }
    const present = known.filter((key) => Object.hasOwn(given, key) && given[key] !== undefined);
    // A mistyped key would be reported a second time, as missing.
    const needs = failed ? [] : required.filter((key) => !present.includes(key));
    if (one && !failed && present.length !== 1) needs.push(`exactly one of ${known.join(" | ")}`);
    for (const need of needs) fail({ pointer, message: `needs ${need}` });
    const entries = present.map((key) => [key, (fields[key] as Check)(given[key], [...pointer, key], fail)]);
    const copy = Object.fromEntries(entries.filter(([, item]) => item !== undefined));
    const message = !failed && also?.(copy);
    if (message) report({ pointer, message });
    return Object.freeze(copy);
  };
}

/** A plain object with any keys. */
export const dictionary =
  (check: Check): Check =>
  (value, at, report) =>
    record(Object.fromEntries(Object.keys(value ?? {}).map((key) => [key, check])))(value, at, report);

/** An object made of its own keys alone: not a class's, no inherited key. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || !value || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return !prototype || !Object.getPrototypeOf(prototype);
}

/** JSON with the keys of each object in order. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    isPlainObject(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

/** Lists and mappings within each other. */
const DEEPEST = 64;

/** Whatever JSON can say; a frozen copy. */
export const json: Check = (value, pointer, report) => {
  const copy = (part: unknown, depth: number): unknown => {
    if (part === null || ["string", "boolean"].includes(typeof part) || Number.isFinite(part)) return part;
    if (depth > DEEPEST) throw new RangeError("too deep");
    if (Array.isArray(part)) return Object.freeze(part.map((item) => copy(item, depth + 1)));
    if (!isPlainObject(part)) throw new RangeError("no JSON");
    const entries = Object.entries(part).map(([key, item]) => [key, copy(item, depth + 1)] as const);
    return Object.freeze(Object.fromEntries(entries));
  };
  try {
    return copy(value, 0);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return void report({ pointer, message: `must be plain JSON, of ${DEEPEST} levels at most` });
  }
};
