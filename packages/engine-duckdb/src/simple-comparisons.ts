import type { Expr, Step } from "@aml/core";
import { formatFilter } from "@aml/core/plan";
import { datetime, integer, literal, type Sql } from "./compile-literal.ts";

/** A comparison of a source's column with a constant that every row of the table fulfils. */
export interface SimpleComparison {
  readonly column: string;
  readonly operator: Operator;
  readonly constant: Sql;
  /** As a filter spells it. */
  readonly text: string;
}

type Operator = "==" | "<" | "<=" | ">" | ">=";

const TURNED: Readonly<Record<Operator, Operator>> = {
  "==": "==",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/**
 * The comparisons by which DuckDB leaves out row groups whose least and greatest values rule them out: those that a
 * filter joins by `and`, over columns as the file has them, in front of steps that count rows.
 */
export function simpleComparisons(steps: readonly Step[]): readonly SimpleComparison[] {
  const out: SimpleComparison[] = [];
  const read = steps.findIndex(({ op }) => op.startsWith("read_"));
  for (const [index, step] of steps.entries()) {
    if (index <= read || /^(keep|drop)_columns$|^extract_/.test(step.op)) continue;
    // A conversion changes the type of its columns; which those are, a pattern may say.
    if (step.op !== "filter") break;
    for (const expr of conjuncts(step.where)) {
      const found = comparisonOf(expr, index);
      if (found !== undefined) out.push(found);
    }
  }
  return out;
}

function conjuncts(expr: Expr): readonly Expr[] {
  return "fn" in expr && expr.fn === "and" ? expr.args.flatMap(conjuncts) : [expr];
}

function comparisonOf(expr: Expr, step: number): SimpleComparison | undefined {
  if (!("fn" in expr) || !(expr.fn in TURNED)) return undefined;
  const operator = expr.fn as Operator;
  const [a, b] = expr.args;
  if (a === undefined || b === undefined) return undefined;
  const text = formatFilter(expr);
  if ("col" in a) return withConstant(a.col, operator, constantOf(b, step), text);
  if ("col" in b) return withConstant(b.col, TURNED[operator], constantOf(a, step), text);
  return undefined;
}

function withConstant(
  column: string,
  operator: Operator,
  constant: Sql | undefined,
  text: string,
): SimpleComparison | undefined {
  return constant && { column, operator, constant, text };
}

function constantOf(expr: Expr, step: number): Sql | undefined {
  if ("int" in expr) return integer(expr.int);
  if ("lit" in expr) return literal(expr.lit);
  return "fn" in expr && expr.fn === "datetime" ? datetime(expr.args, step) : undefined;
}

/**
 * A condition over the row groups of `parquet_metadata`: holds where no row can fulfil the comparison. Undefined for
 * types of which DuckDB itself does not compare the statistics.
 */
export function ruledOut({ operator, constant }: SimpleComparison, sqlType: string): string | undefined {
  if (!isCompared(sqlType, constant)) return undefined;
  const least = `try_cast(stats_min_value AS ${sqlType})`;
  const greatest = `try_cast(stats_max_value AS ${sqlType})`;
  const { sql } = constant;
  if (sqlType === "VARCHAR") return ruledOutText(operator, sql);
  const test = {
    "==": `(${greatest} < ${sql} OR ${least} > ${sql})`,
    "<": `${least} >= ${sql}`,
    "<=": `${least} > ${sql}`,
    ">": `${greatest} <= ${sql}`,
    ">=": `${greatest} < ${sql}`,
  }[operator];
  // A constant may be none in the column's type.
  return `coalesce(TRY(${test}), false)`;
}

/** Of texts DuckDB compares as many characters as both have. */
function ruledOutText(operator: Operator, constant: string): string {
  const cut = (value: string, other: string): string => `left(${value}, length(${other})::BIGINT)`;
  const less = (a: string, b: string): string => `${cut(a, b)} < ${cut(b, a)}`;
  const below = less("stats_max_value", constant);
  const above = less(constant, "stats_min_value");
  const test = { "==": `(${below} OR ${above})`, "<": above, "<=": above, ">": below, ">=": below }[operator];
  return `coalesce(${test}, false)`;
}

/** Tried: with another pair of types DuckDB reads every row group. */
function isCompared(sqlType: string, { kind }: Sql): boolean {
  if (/^(TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DECIMAL\(.*)$/.test(sqlType)) return kind === "int";
  if (sqlType === "DOUBLE") return kind === "int" || kind === "float";
  if (sqlType === "VARCHAR") return kind === "text";
  return /^(DATE$|TIMESTAMP)/.test(sqlType) && kind === "time";
}
