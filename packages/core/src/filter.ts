import type { Expr, ExprFunction } from "./expr.ts";
import { ALONE, CALLABLES, COMPARE, NOT, operandPowers, PART, POWER, SIGN } from "./filter-vocabulary.ts";
import { MAX_FILTER_LENGTH, refuse, type Token, tokenizeFilter } from "./tokenize-filter.ts";
import { utcDate } from "./utc-date.ts";

const MAX_DEPTH = 200;

const PARENTHESES = "Write (a > 1) & (b < 2).";
const LIST = 'Write a list of literals: x in ["a", "b"]; for a part of a text, x.contains("a").';

interface Parser {
  readonly filter: string;
  readonly tokens: readonly Token[];
  index: number;
  depth: number;
  /** Where the last `&`, `|` or `~` ended. */
  bits: number;
}

/**
 * Reads a filter: a Python-style expression over columns, of a closed vocabulary. Nothing is ever evaluated.
 *
 * @throws `plan_invalid` with the place of what is not understood, in the message and as `context.position` and
 * `context.length` (UTF-16 units, zero-based).
 * @see https://docs.python.org/3/reference/expressions.html#operator-precedence – precedences, read 2026-11
 */
export function parseFilter(filter: string): Expr {
  const parser: Parser = { filter, tokens: tokenizeFilter(filter), index: 0, depth: 0, bits: -1 };
  const expr = parseExpr(parser, 1);
  if (peek(parser).kind !== "end") throw wrong(parser);
  if (!isSmall(expr)) throw refuse(filter, 0, filter.length, "the filter is too long or nested too deeply");
  return expr;
}

/** The columns that a filter reads, each once, in order of appearance. */
export function filterColumns(expr: Expr): readonly string[] {
  if ("col" in expr) return [expr.col];
  return "fn" in expr ? [...new Set(expr.args.flatMap(filterColumns))] : [];
}

/** Chains repeat operands and operators nest without parentheses, so the tree is measured too, not the text alone. */
export function isSmall(expr: Expr): boolean {
  let budget = MAX_FILTER_LENGTH;
  const fits = (node: Expr, depth: number): boolean => {
    // At least what the canonical text takes, so that this can be parsed again.
    budget -= "fn" in node ? 16 + 5 * node.args.length : JSON.stringify(node).length;
    return (
      budget >= 0 && depth <= MAX_DEPTH && !("fn" in node && !node.args.every((arg) => fits(arg, depth + 1)))
    );
  };
  return fits(expr, 0);
}

function parseExpr(parser: Parser, least: number): Expr {
  // A level of the tree takes two of these at most, with its parentheses: what was accepted can be parsed again.
  if (++parser.depth > 2 * MAX_DEPTH + 2) throw wrong(parser, "the filter is nested too deeply");
  let left = parsePrefix(parser, least);
  for (;;) {
    const power = powerOf(parser);
    if (power < least) break;
    left = power === COMPARE ? parseComparison(parser, left) : parseBinary(parser, left, power);
  }
  parser.depth--;
  return left;
}

function parsePrefix(parser: Parser, least: number): Expr {
  if (least <= NOT && accept(parser, "not")) return { fn: "not", args: [parseExpr(parser, NOT)] };
  const bit = accept(parser, "~");
  if (!bit && !accept(parser, "-")) return parsePrimary(parser);
  const { literal } = peek(parser);
  const operand = parseExpr(parser, SIGN);
  if (bit) parser.bits = parser.index;
  else if (operand === literal) {
    // `-2` is a number; `-2 ** 2` and `-(2)` are not.
    if ("int" in operand) return { int: `-${operand.int}` };
    if ("lit" in operand && typeof operand.lit === "number") return { lit: -operand.lit || 0 };
  }
  return { fn: bit ? "not" : "negate", args: [operand] };
}

function parseBinary(parser: Parser, left: Expr, power: number): Expr {
  const operator = next(parser).text;
  const fn = (operator === "&" ? "and" : operator === "|" ? "or" : operator) as ExprFunction;
  if (fn !== "and" && fn !== "or") return { fn, args: [left, parseExpr(parser, operandPowers(power)[1])] };
  const args = [left];
  do args.push(parseExpr(parser, power + 1));
  while (accept(parser, operator));
  if (power > NOT) parser.bits = parser.index;
  return { fn, args };
}

/** A chain `a < b < c` means `a < b and b < c`. */
function parseComparison(parser: Parser, first: Expr): Expr {
  const links: Expr[] = [];
  let left = first;
  while (powerOf(parser) === COMPARE) {
    refuseBits(parser);
    const operator = next(parser).text;
    const negated = operator === "not" || (operator === "is" && accept(parser, "not"));
    if (operator === "not") expect(parser, "in");
    if (operator === "in" || operator === "not") {
      links.push({ fn: negated ? "not_in" : "in", args: [left, ...parseList(parser)] });
      if (powerOf(parser) >= COMPARE) throw wrong(parser, undefined, PARENTHESES);
      break;
    }
    const right = parseExpr(parser, COMPARE + 1);
    refuseBits(parser);
    if (operator === "is" && !isNone(right))
      throw wrong(parser, "only None may follow is", "Compare by == or !=.");
    const other = isNone(right) ? left : isNone(left) ? right : undefined;
    const test = negated || operator === "!=" ? "is_not_null" : "is_null";
    links.push(
      other && /^(is|==|!=)$/.test(operator)
        ? { fn: test, args: [other] }
        : { fn: operator as ExprFunction, args: [left, right] },
    );
    left = right;
  }
  return links.length === 1 ? (links[0] as Expr) : { fn: "and", args: links };
}

/** Python binds `&` tighter than `==`, which nobody means: `a == 1 & b == 2`. */
function refuseBits(parser: Parser): void {
  if (parser.bits === parser.index)
    throw wrong(parser, "&, | and ~ bind tighter than a comparison", PARENTHESES);
}

function isNone(expr: Expr | undefined): boolean {
  return expr !== undefined && "lit" in expr && expr.lit === null;
}

function parseList(parser: Parser): readonly Expr[] {
  const close = accept(parser, "[") ? "]" : ")";
  if (close === ")" && !accept(parser, "(")) throw wrong(parser, "a list must follow in", LIST);
  const list: Expr[] = [];
  let comma = close === "]";
  while (!accept(parser, close)) {
    const element = parseExpr(parser, COMPARE + 1);
    const constant = "fn" in element ? element.fn === "datetime" : !("col" in element);
    if (!constant) throw wrong(parser, "a list holds literals only", LIST);
    list.push(element);
    if (accept(parser, ",")) comma = true;
    else if (!comma || peek(parser).text !== close) throw wrong(parser, undefined, LIST);
  }
  return list;
}

function parsePrimary(parser: Parser): Expr {
  const { kind, text, literal } = peek(parser);
  const named = kind === "name" && parser.tokens[parser.index + 1]?.text === "(";
  let value: Expr;
  if (literal) {
    next(parser);
    value = literal;
  } else if (accept(parser, "(")) {
    value = parseExpr(parser, 1);
    expect(parser, ")");
  } else if (named && text === "col") {
    parser.index += 2;
    const name = next(parser).literal;
    if (!name || !("lit" in name) || typeof name.lit !== "string") {
      throw wrong(parser, "col() takes a name in quotes", 'Write col("name").');
    }
    expect(parser, ")");
    value = { col: name.lit };
  } else if (named && ALONE.test(text)) value = parseCall(parser, []);
  else if (kind === "name" && !named) {
    if (/^(__.*__|true|false|null|lambda)$/.test(text)) {
      const hint = `Values are True, False, None; a column is col("${text}").`;
      throw wrong(parser, `${text} has no meaning here`, hint);
    }
    next(parser);
    value = { col: text };
  } else throw wrong(parser);
  for (;;) {
    if (accept(parser, ".")) value = parseCall(parser, [value]);
    else if (hasFields(value) && accept(parser, "[")) value = parseField(parser, value);
    else return value;
  }
}

function hasFields(value: Expr): boolean {
  return "col" in value || ("fn" in value && value.fn === "field");
}

/** What stands in brackets behind a column: `label["isCrowd"]`. */
function parseField(parser: Parser, of: Expr): Expr {
  const { literal } = peek(parser);
  if (literal === undefined || !("lit" in literal) || typeof literal.lit !== "string")
    throw wrong(parser, "a field has a name in quotes", 'Write col("label")["name"].');
  next(parser);
  expect(parser, "]");
  return { fn: "field", args: [of, literal] };
}

function parseCall(parser: Parser, receiver: readonly Expr[]): Expr {
  const start = parser.index;
  const { kind, text } = peek(parser);
  if (receiver[0] && PART.test(text)) {
    next(parser);
    return { fn: text as ExprFunction, args: receiver };
  }
  const callable = CALLABLES.find(([, , , ...names]) => names.includes(text));
  // `len(x)` and `x.length()` are one function, and `x.len()` is none.
  if (kind !== "name" || !callable || ALONE.test(text) !== (receiver.length === 0)) throw wrong(parser);
  const [fn, least, most] = callable;
  next(parser);
  expect(parser, "(");
  const args = [...receiver];
  if (!accept(parser, ")")) {
    do args.push(parseExpr(parser, 1));
    while (accept(parser, ","));
    expect(parser, ")");
  }
  if (args.length >= least && args.length <= most && (fn !== "datetime" || isDatetime(args)))
    return { fn, args };
  parser.index = start;
  if (fn !== "datetime") throw wrong(parser, "the number of arguments is wrong");
  throw wrong(
    parser,
    "this is no date",
    "Write datetime(2025, 1, 31), then hour, minute, second, microsecond.",
  );
}

function isDatetime(args: readonly Expr[]): boolean {
  const parts = args.map((arg) => ("lit" in arg && typeof arg.lit === "number" ? arg.lit : Number.NaN));
  const [year = 0, month = 0, day = 0, ...time] = parts;
  const plain = parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 999_999);
  return plain && year <= 9999 && utcDate(year, month, day, ...time.slice(0, 3)) !== null;
}

/** Of the operator at hand; 0 if there is none. */
function powerOf(parser: Parser): number {
  const { kind, text } = peek(parser);
  return kind === "operator" ? (POWER.get(text) ?? 0) : 0;
}

function peek(parser: Parser): Token {
  return parser.tokens[parser.index] as Token;
}

function next(parser: Parser): Token {
  const token = peek(parser);
  if (token.kind !== "end") parser.index++;
  return token;
}

function accept(parser: Parser, operator: string): boolean {
  const { kind, text } = peek(parser);
  if (kind !== "operator" || text !== operator) return false;
  parser.index++;
  return true;
}

function expect(parser: Parser, operator: string): void {
  if (!accept(parser, operator)) throw wrong(parser, `there should be a ${operator}`);
}

function wrong(parser: Parser, why?: string, hint?: string): Error {
  const { start, text } = peek(parser);
  const length = text.length;
  return refuse(
    parser.filter,
    start,
    length,
    why ?? (length ? `${text} is not allowed here` : "it ends too early"),
    hint,
  );
}
