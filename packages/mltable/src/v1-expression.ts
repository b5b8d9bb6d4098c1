import type { Expr, ExprFunction } from "@aml/core";

/** Functions of both forms, by their names in a definition. */
const INVOKED: Readonly<Record<string, ExprFunction>> = {
  Value_Equals: "==",
  Value_LT: "<",
  Value_LE: "<=",
  Value_GT: ">",
  Value_GE: ">=",
  Value_IsNull: "is_null",
  Value_IsError: "is_error",
  String_Contains: "contains",
  String_StartsWith: "starts_with",
  String_EndsWith: "ends_with",
  String_Substring: "substring",
  String_IndexOf: "index_of",
  Length: "length",
  ToUpper: "to_upper",
  ToLower: "to_lower",
  Add: "+",
  Subtract: "-",
  Multiply: "*",
  TrueDivide: "/",
  FloorDivide: "//",
  Modulo: "%",
  Power: "**",
};
const NAMES = new Map(Object.entries(INVOKED).map(([name, fn]) => [fn, name]));

/** Of .NET, 100 nanoseconds each, from the year 1 to 1970. */
const TICKS_TO_1970 = 621_355_968_000_000_000n;

/** Why an expression has no counterpart. */
export class NoCounterpart extends Error {}

/** The filter of an expression's tree. @throws `NoCounterpart`. */
export function fromV1Expression(value: unknown, depth = 0): Expr {
  if (depth > 400) throw new NoCounterpart("it is nested too deeply");
  const next = (inner: unknown): Expr => fromV1Expression(inner, depth + 1);
  const { r } = asRecord(value);
  const [kind, content] = Array.isArray(r) ? (r as readonly unknown[]) : [];
  switch (kind) {
    case "Value":
      return literal(content);
    case "RecordField":
      return column(content);
    case "Not": {
      const inner = next(content);
      // The form has no other way to say `!=`.
      return "fn" in inner && inner.fn === "==" ? { ...inner, fn: "!=" } : { fn: "not", args: [inner] };
    }
    case "And":
    case "Or": {
      const fn = kind === "And" ? "and" : "or";
      const sides = asList(content).map(next);
      // Three of them are two within two.
      return {
        fn,
        args: sides.flatMap((side, at) => (at === 0 && "fn" in side && side.fn === fn ? side.args : [side])),
      };
    }
    case "Invoke": {
      const [target, given] = asList(content);
      const [what, name] = asList(asRecord(target)["r"]);
      const fn =
        what === "Identifier" && typeof name === "string" && Object.hasOwn(INVOKED, name)
          ? INVOKED[name]
          : undefined;
      if (fn === undefined)
        throw new NoCounterpart(`filters have no function ${JSON.stringify(asText(name))}`);
      const args = asList(given)
        .filter((arg) => arg !== null)
        .map(next);
      const [left] = args;
      // `x == None` is a test of its own in filters.
      const none = args.find((arg) => "lit" in arg && arg.lit === null);
      if (fn !== "==" || none === undefined || left === undefined) return { fn, args };
      return { fn: "is_null", args: [none === left ? (args[1] ?? none) : left] };
    }
    default:
      throw new NoCounterpart(`filters have no ${JSON.stringify(asText(kind))}`);
  }
}

/** A column, or a field within one. */
function column(content: unknown, depth = 0): Expr {
  const [record, field] = asList(content);
  const [kind, name] = asList(asRecord(field)["r"]);
  const [root, row] = asList(asRecord(record)["r"]);
  if (kind !== "Value" || typeof name !== "string") throw new NoCounterpart("a column has no name");
  if (root === "Identifier" && row === "row") return { col: name };
  if (root !== "RecordField" || depth > 100) throw new NoCounterpart("a field is of no column");
  return { fn: "field", args: [column(row, depth + 1), { lit: name }] };
}

function literal(value: unknown): Expr {
  if (typeof value === "bigint") return { int: String(value) };
  if (value === null || typeof value === "string" || typeof value === "boolean") return { lit: value };
  if (typeof value === "number") {
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      throw new NoCounterpart("a number has lost digits");
    return { lit: value };
  }
  const { d: ticks } = asRecord(value);
  if (typeof ticks === "bigint" || Number.isSafeInteger(ticks))
    return datetime(BigInt(ticks as bigint | number));
  throw new NoCounterpart("filters have no literal of this kind");
}

function datetime(ticks: bigint): Expr {
  const micros = (ticks - TICKS_TO_1970) / 10n;
  const fraction = Number(((micros % 1_000_000n) + 1_000_000n) % 1_000_000n);
  const date = new Date(Number((micros - BigInt(fraction)) / 1000n));
  const parts = [
    date.getUTCFullYear(),
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    fraction,
  ];
  const least =
    1 +
    Math.max(
      2,
      parts.findLastIndex((part, at) => at > 2 && part > 0),
    );
  return { fn: "datetime", args: parts.slice(0, least).map((lit) => ({ lit })) };
}

/** The tree of a filter in a definition. @throws `NoCounterpart`. */
export function toV1Expression(expr: Expr): unknown {
  if ("col" in expr)
    return { r: ["RecordField", [{ r: ["Identifier", "row"] }, { r: ["Value", expr.col] }]] };
  if ("int" in expr) return { r: ["Value", BigInt(expr.int)] };
  if ("lit" in expr) return { r: ["Value", expr.lit] };
  const { fn, args } = expr;
  const [first, ...rest] = args as readonly [Expr];
  const invoke = (name: string, ...list: readonly unknown[]): unknown => ({
    r: ["Invoke", [{ r: ["Identifier", name] }, list]],
  });
  const fold = (kind: "And" | "Or", sides: readonly unknown[]): unknown =>
    sides.reduce((left, right) => ({ r: [kind, [left, right]] }));
  const not = (inner: unknown): unknown => ({ r: ["Not", inner] });
  const equals = (item: Expr): unknown => invoke("Value_Equals", toV1Expression(first), toV1Expression(item));
  switch (fn) {
    case "and":
    case "or":
      return fold(fn === "and" ? "And" : "Or", args.map(toV1Expression));
    case "not":
      return not(toV1Expression(first));
    case "!=":
      return not(toV1Expression({ fn: "==", args }));
    case "is_not_null":
      return not(toV1Expression({ fn: "is_null", args }));
    case "in": {
      // A null is equal to nothing here, and to nulls there.
      const items = (rest as readonly Expr[]).filter((item) => !("lit" in item) || item.lit !== null);
      return items.length === 0 ? { r: ["Value", false] } : fold("Or", items.map(equals));
    }
    case "not_in":
      return fold("And", [
        not(invoke("Value_IsNull", toV1Expression(first))),
        ...rest.map((item) => not(equals(item))),
      ]);
    case "field":
      return { r: ["RecordField", [toV1Expression(first), ...rest.map(toV1Expression)]] };
    case "negate":
      return invoke("Subtract", { r: ["Value", 0] }, toV1Expression(first));
    case "datetime":
      return { r: ["Value", { d: ticksOf(args) }] };
    default: {
      const name = NAMES.get(fn);
      if (name === undefined) throw new NoCounterpart(`definitions of v1 have no function ${fn}`);
      const list = args.map(toV1Expression);
      return invoke(name, ...(fn === "substring" && list.length === 2 ? [...list, null] : list));
    }
  }
}

function ticksOf(args: readonly Expr[]): bigint {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, micro = 0] = args.map((arg) =>
    "lit" in arg ? Number(arg.lit) : Number.NaN,
  );
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return TICKS_TO_1970 + BigInt(date.getTime()) * 10_000n + BigInt(micro) * 10n;
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Nothing for what is no text. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
