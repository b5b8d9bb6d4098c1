import type { Column, Expr } from "@aml/core";

/** A node of DuckDB's parser. */
type Node = Readonly<Record<string, unknown>>;

const SIGNS = {
  COMPARE_EQUAL: ["==", "=="],
  COMPARE_NOTEQUAL: ["!=", "!="],
  COMPARE_LESSTHAN: ["<", ">"],
  COMPARE_LESSTHANOREQUALTO: ["<=", ">="],
  COMPARE_GREATERTHAN: [">", "<"],
  COMPARE_GREATERTHANOREQUALTO: [">=", "<="],
} as const;

/**
 * A condition of a statement as one of a filter, the column first in each comparison. Undefined for what has no counterpart;
 * of what is joined by `and` that part is left out, where the rest still holds for all rows.
 *
 * @param columnOf - what to call a column, by its names in lower case; undefined for one that is not known.
 */
export function conditionOf(
  node: unknown,
  columnOf: (names: readonly string[]) => string | undefined,
  isExact = false,
): Expr | undefined {
  const {
    class: kind,
    type,
    children = [],
    left,
    right,
    input,
    lower,
    upper,
  } = (node ?? {}) as {
    readonly class?: string;
    readonly type?: string;
    readonly children?: readonly Node[];
  } & Node;
  const within = (exact: boolean): (Expr | undefined)[] =>
    children.map((child) => conditionOf(child, columnOf, exact));
  const column = (value: unknown): Expr | undefined => columnRef(value, columnOf);
  const call = (fn: (typeof SIGNS)[keyof typeof SIGNS][number], a: unknown, b: unknown): Expr | undefined =>
    both(fn, column(a), constantOf(b));
  switch (`${kind} ${type}`) {
    case "COLUMN_REF COLUMN_REF":
      return column(node);
    case "CONJUNCTION CONJUNCTION_AND": {
      const parts = within(isExact);
      const known = parts.filter((part) => part !== undefined);
      if (isExact && known.length < parts.length) return undefined;
      return known.length > 1 ? { fn: "and", args: known } : known[0];
    }
    case "CONJUNCTION CONJUNCTION_OR":
      return all("or", within(isExact));
    case "OPERATOR OPERATOR_NOT":
      return all("not", within(true));
    case "OPERATOR OPERATOR_IS_NULL":
      return all("is_null", [column(children[0])]);
    case "OPERATOR OPERATOR_IS_NOT_NULL":
      return all("is_not_null", [column(children[0])]);
    case "OPERATOR COMPARE_IN":
    case "OPERATOR COMPARE_NOT_IN": {
      const [needle, ...items] = children;
      return all(type === "COMPARE_IN" ? "in" : "not_in", [column(needle), ...items.map(constantOf)]);
    }
    case "BETWEEN COMPARE_BETWEEN":
      return all("and", [call(">=", input, lower), call("<=", input, upper)]);
    default: {
      const signs = kind === "COMPARISON" ? SIGNS[type as keyof typeof SIGNS] : undefined;
      return signs && (call(signs[0], left, right) ?? call(signs[1], right, left));
    }
  }
}

function all(
  fn: Extract<Expr, { fn: unknown }>["fn"],
  args: readonly (Expr | undefined)[],
): Expr | undefined {
  const known = args.filter((arg) => arg !== undefined);
  return known.length === args.length && args.length > 0 ? { fn, args: known } : undefined;
}

function both(
  fn: Extract<Expr, { fn: unknown }>["fn"],
  a: Expr | undefined,
  b: Expr | undefined,
): Expr | undefined {
  return a && b && { fn, args: [a, b] };
}

function columnRef(
  value: unknown,
  columnOf: (names: readonly string[]) => string | undefined,
): Expr | undefined {
  const node = (value ?? {}) as Node;
  if (node["class"] !== "COLUMN_REF") return undefined;
  const name = columnOf((node["column_names"] as readonly string[]).map((part) => part.toLowerCase()));
  return name === undefined ? undefined : { col: name };
}

/** A number that a double holds, a text, a boolean, a day or an instant. What the tree leaves out as a default is not guessed. */
function constantOf(value: unknown): Expr | undefined {
  const node = (value ?? {}) as Node;
  if (node["class"] === "CAST") return castOf(node);
  if (node["class"] !== "CONSTANT") return undefined;
  const { type, value: held, is_null } = (node["value"] ?? {}) as Node;
  const { id, type_info } = (type ?? {}) as { readonly id?: unknown; readonly type_info?: Node };
  if (is_null === true) return undefined;
  if (id === "VARCHAR") return typeof held === "string" ? { lit: held } : undefined;
  if (typeof held !== "number" || !Number.isFinite(held)) return undefined;
  if (id === "DOUBLE") return { lit: held };
  if (!Number.isSafeInteger(held)) return undefined;
  if (/^(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(String(id))) return { lit: held };
  const scale = type_info?.["scale"];
  return id === "DECIMAL" && typeof scale === "number" ? { lit: Number(`${held}e-${scale}`) } : undefined;
}

function castOf({ child, cast_type, try_cast }: Node): Expr | undefined {
  const { id } = (cast_type ?? {}) as Node;
  const from = constantOf(child);
  if (try_cast === true || from === undefined || !("lit" in from) || typeof from.lit !== "string")
    return undefined;
  if (id === "BOOLEAN")
    return from.lit === "t" ? { lit: true } : from.lit === "f" ? { lit: false } : undefined;
  if (id === "DATE") return DAY.test(from.lit) ? instantOf(from.lit) : undefined;
  return id === "TIMESTAMP" ? instantOf(from.lit) : undefined;
}

const DAY = /^(\d{4})-(\d\d)-(\d\d)$/;
const INSTANT = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?$/;

/** A text as a datetime without a zone; undefined for one that may be read in another way. */
function instantOf(text: string): Expr | undefined {
  const found = INSTANT.exec(text);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDay || hour > 23 || minute > 59 || second > 59) return undefined;
  const micros = Number((found[7] ?? "").padEnd(6, "0"));
  const args = [year, month, day, hour, minute, second, micros].map((part) => ({ lit: part }));
  return { fn: "datetime", args };
}

/** What a condition is of a row of nulls, as an outer join makes them. */
export function ofNulls(expr: Expr): boolean | null {
  if (!("fn" in expr)) return null;
  const values = (): readonly (boolean | null)[] => expr.args.map(ofNulls);
  switch (expr.fn) {
    case "is_null":
      return true;
    case "is_not_null":
      return false;
    case "not": {
      const [value = null] = values();
      return value === null ? null : !value;
    }
    case "and":
      return values().includes(false) ? false : values().includes(null) ? null : true;
    case "or":
      return values().includes(true) ? true : values().includes(null) ? null : false;
    default:
      return null;
  }
}

/** The same with other names of columns. */
export function renamed(expr: Expr, name: (column: string) => string): Expr {
  if ("col" in expr) return { col: name(expr.col) };
  return "fn" in expr ? { ...expr, args: expr.args.map((arg) => renamed(arg, name)) } : expr;
}

/** A column, and of one that is compared with whole numbers alone the greatest of these. */
export type KnownColumn = Pick<Column, "name" | "type"> & { readonly mostWhole?: number | undefined };

type Known = readonly KnownColumn[];

/**
 * A condition over a table's columns; undefined where DuckDB may compare one of them with its constant in another way than a
 * filter does.
 */
export function typed(expr: Expr, columns: Known): Expr | undefined {
  if ("col" in expr) {
    const column = find(expr.col, columns);
    return column?.type === "boolean" ? { col: column.name } : undefined;
  }
  if (!("fn" in expr)) return undefined;
  const { fn, args } = expr;
  if (fn === "and" || fn === "or" || fn === "not") {
    return all(
      fn,
      args.map((arg) => typed(arg, columns)),
    );
  }
  const [first, ...constants] = args;
  const column = first !== undefined && "col" in first ? find(first.col, columns) : undefined;
  if (column === undefined) return undefined;
  const out = all(fn, [{ col: column.name }, ...constants.map((constant) => ofType(constant, column))]);
  // For a statement NaN is the greatest number, for a filter it is none.
  const isAbove = column.type === "float64" && (fn === ">" || fn === ">=");
  return isAbove && out ? { fn: "not", args: [{ ...out, fn: fn === ">" ? "<=" : "<" }] } : out;
}

function find(name: string, columns: Known): Known[number] | undefined {
  const [found, ...more] = columns.filter((column) => column.name.toLowerCase() === name);
  return more.length === 0 ? found : undefined;
}

/** A constant as one that is compared with a column of this type; undefined where it may be made into another one. */
function ofType(constant: Expr, { type, mostWhole }: KnownColumn): Expr | undefined {
  const isTime = type === "date" || type === "timestamp";
  if ("fn" in constant) return isTime ? constant : undefined;
  if (!("lit" in constant)) return undefined;
  const { lit } = constant;
  if (typeof lit === "boolean") return type === "boolean" ? constant : undefined;
  if (typeof lit === "number") {
    if (mostWhole !== undefined)
      return Number.isInteger(lit) && Math.abs(lit) <= mostWhole ? constant : undefined;
    const isWhole = Number.isSafeInteger(lit) && (type === "int32" || type === "int64");
    return isWhole || type === "float64" ? constant : undefined;
  }
  if (typeof lit !== "string") return undefined;
  if (type === "string") return constant;
  if (type === "timestamp") return instantOf(lit);
  return type === "date" && DAY.test(lit) ? instantOf(lit) : undefined;
}
