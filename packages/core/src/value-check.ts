/** Where a value stands inside a plan or an MLTable: keys and zero-based indexes from the root. */
export type Pointer = readonly (string | number)[];

/** One thing wrong with a value. */
export interface PlanIssue {
  readonly pointer: Pointer;
  /** Reads on after the name of the place: "must be an integer, not true". */
  readonly message: string;
  readonly hint?: string;
  /** The unknown name itself, where one is the trouble, … */
  readonly key?: string;
  /** … and the names that could stand there. */
  readonly known?: readonly string[];
  /** An MLTable may hold it all the same; a plan may not. */
  readonly warning?: boolean;
}

export type Report = (issue: PlanIssue) => void;

/** Reports what is wrong. Returns a normalised frozen copy; undefined stands for the default, or for a refusal. */
export type Check = (value: unknown, at: Pointer, report: Report) => unknown;

/** How a value is named in a message: short, on one line. */
export function quote(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  return typeof value === "function" || typeof value === "symbol" ? `a ${typeof value}` : String(value);
}

function must(expected: string, accepts: (value: unknown) => boolean, fallback?: unknown): Check {
  return (value, at, report) => {
    if (!accepts(value)) report({ pointer: at, message: `must be ${expected}, not ${quote(value)}` });
    else if (value !== fallback) return value;
  };
}

export const bool = (fallback: boolean): Check =>
  must("true or false", (value) => typeof value === "boolean", fallback);

export const integer = (least: number, fallback?: number): Check =>
  must(
    least === Number.MIN_SAFE_INTEGER ? "an integer" : `an integer of at least ${least}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least,
    fallback,
  );

export const real = (least: number, most: number, fallback?: number): Check =>
  must(
    `a number from ${least} to ${most}`,
    (value) => typeof value === "number" && value >= least && value <= most,
    fallback,
  );

export const text = (options: { readonly fallback?: string; readonly empty?: boolean } = {}): Check =>
  must(
    options.empty ? "a string" : "a string that is not empty",
    (value) => typeof value === "string" && (value !== "" || options.empty === true),
    options.fallback,
  );

/** One of some words, or of the words on the left of a table, which then become those on the right. */
export function oneOf(words: readonly string[] | Readonly<Record<string, string>>, fallback?: string): Check {
  const table = Array.isArray(words)
    ? Object.fromEntries(words.map((word) => [word, word]))
    : (words as Readonly<Record<string, string>>);
  const known = Object.keys(table);
  return (value, at, report) => {
    if (typeof value === "string" && Object.hasOwn(table, value)) {
      return table[value] === fallback ? undefined : table[value];
    }
    report({
      pointer: at,
      message: `must be ${known.map(quote).join(", ")}, not ${quote(value)}`.replace(
        /, (?=[^,]*, not)/,
        " or ",
      ),
      ...(typeof value === "string" && { key: value, known }),
    });
  };
}

export function eachOf(check: Check, least = 0): Check {
  return (value, at, report) => {
    if (!Array.isArray(value) || value.length < least) {
      return report({
        pointer: at,
        message: `must be a list${least ? " that is not empty" : ""}, not ${least && Array.isArray(value) ? "an empty one" : quote(value)}`,
      });
    }
    return Object.freeze(Array.from(value, (item, index) => check(item, [...at, index], report)));
  };
}

/** A list of strings that are not empty. */
export const texts = (least: number): Check => eachOf(text(), least);

/** A check for each JSON type that may stand here. */
export function either(
  expected: string,
  checks: Readonly<Partial<Record<"string" | "boolean" | "array" | "object", Check>>>,
): Check {
  const refuse = must(expected, () => false);
  return (value, at, report) => {
    const type = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
    return (checks[type as "string"] ?? refuse)(value, at, report);
  };
}

export interface RecordRules {
  /** Unknown keys are left out with a warning. */
  readonly open?: boolean;
  /** Exactly one key. */
  readonly one?: boolean;
  /** Sees the checked value, when nothing was wrong with any field. */
  also?(value: Readonly<Record<string, unknown>>, at: Pointer, report: Report): void;
}

/** A plain object with these keys. The copy has them in the order of `fields`. */
export function record(
  fields: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
  rules: RecordRules = {},
): Check {
  const known = Object.keys(fields);
  return (value, at, report) => {
    if (!isPlainObject(value))
      return report({ pointer: at, message: `must be a mapping, not ${quote(value)}` });
    let issues = 0;
    const spy: Report = (issue) => {
      issues++;
      report(issue);
    };
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(fields, key)) {
        const message = `has no option ${quote(key)}`;
        report({ pointer: at, key, known, message, ...(rules.open && { warning: true }) });
      }
    }
    const given = known.filter((key) => Object.hasOwn(value, key) && value[key] !== undefined);
    for (const key of required) {
      if (!given.includes(key)) spy({ pointer: at, message: `needs ${quote(key)}` });
    }
    if (rules.one && given.length !== 1) {
      spy({ pointer: at, message: `must have exactly one of ${known.map(quote).join(", ")}` });
    }
    const entries = given.map((key) => [key, fields[key]?.(value[key], [...at, key], spy)] as const);
    const copy = Object.freeze(Object.fromEntries(entries.filter(([, item]) => item !== undefined)));
    if (issues === 0) rules.also?.(copy, at, report);
    return copy;
  };
}

/** An object made of its own keys alone: not a class's, no inherited key. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
