import type { BoundStatement, SqlDialect } from "./bind-parameters.ts";
import type { ConstantKind, SqlComparison, SqlCondition, SqlPart } from "./sql-part.ts";
import { bodyOf, mainSelectOf, supportOf } from "./statement-form.ts";
import type { Cell, Column } from "./table.ts";

/** How a database is asked for a part of a query. */
export interface PartDialect {
  quoteName(name: string): string;
  /** `LIMIT … OFFSET …`, or `TOP` and `OFFSET … ROWS FETCH …`. */
  readonly limits: "limit" | "top";
  /** A subquery may begin with WITH; elsewhere the SELECT behind it becomes its last part. */
  readonly nestedWith: boolean;
  /** What the tokenizer may not see as the server does; such statements take no part. */
  readonly strange?: RegExp | undefined;
  comparisonOf(column: Column): SqlComparison | undefined;
  /** A placeholder, made a constant of that kind. */
  constant(placeholder: string, kind: ConstantKind): string;
}

const NAME = "aml_query";

/**
 * Makes a statement give a part of its rows. It becomes a subquery, on the lines where it was; a statement that sorts its
 * rows stays as it is, with the window behind it. Constants are bound.
 */
export function bindPart(
  bound: BoundStatement,
  part: SqlPart,
  dialect: SqlDialect & { readonly parts: PartDialect },
  sorted: boolean,
): BoundStatement {
  const { parts } = dialect;
  const values = [...bound.values];
  const place = (value: Cell, kind: ConstantKind): string =>
    parts.constant(dialect.placeholder(values.push(value)), kind);
  const body = bodyOf(bound.text, dialect) ?? bound.text;
  const { columns, where = [], take } = part;
  const list = columns === undefined ? "*" : columns.map((name) => parts.quoteName(name)).join(", ");
  const top = parts.limits === "top" && take !== undefined && take > 0 && (part.skip ?? 0) === 0 && !sorted;
  const cut = sorted || parts.nestedWith ? undefined : mainSelectOf(bound.text, dialect);
  const [head, query] = cut ?? ["", body];
  const select = `SELECT ${top ? `TOP (${take}) ` : ""}${list} FROM `;
  const before = sorted ? "" : cut === undefined ? `${select}(` : `, ${NAME} AS (`;
  const conditions = where.map((condition) => compile(condition, parts, place));
  if (take === 0) conditions.push("1 = 0");
  const filter = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const window = top || take === 0 ? "" : windowOf(part, parts, sorted);
  const closing = cut === undefined ? `\n) AS ${NAME}` : `\n) ${select}${NAME}`;
  const after = sorted ? `\n${window}` : `${closing}${filter}${window === "" ? "" : ` ${window}`}`;
  return {
    text: `${head}${before}${query}${after}`,
    values,
    original: bound.original,
    originalOffset: (offset) => {
      const own = offset < head.length ? offset : Math.max(head.length, offset - before.length);
      return bound.originalOffset(Math.min(own, body.length));
    },
  };
}

/** The statement that `bindPart` makes, for people. */
export function showPart(
  text: string,
  part: SqlPart,
  dialect: SqlDialect & { readonly parts: PartDialect },
): { readonly text: string; readonly constants: readonly ConstantKind[] } {
  const constants: ConstantKind[] = [];
  const constant = (_: string, kind: ConstantKind): string => `:constant_${constants.push(kind)}`;
  const plain = { text, values: [], original: text, originalOffset: (offset: number) => offset };
  const named = { ...dialect, parts: { ...dialect.parts, constant } };
  const shown = bindPart(plain, part, named, supportOf(text, dialect).takes === "window");
  return { text: shown.text, constants };
}

function windowOf({ skip = 0, take }: SqlPart, { limits }: PartDialect, sorted: boolean): string {
  if (skip === 0 && take === undefined) return "";
  if (limits === "limit") {
    // MySQL knows no OFFSET without a LIMIT; this is the largest that both take.
    return `LIMIT ${take ?? "9223372036854775807"}${skip > 0 ? ` OFFSET ${skip}` : ""}`;
  }
  const order = sorted ? "" : "ORDER BY (SELECT NULL) ";
  return `${order}OFFSET ${skip} ROWS${take === undefined ? "" : ` FETCH NEXT ${take} ROWS ONLY`}`;
}

type Place = (value: Cell, kind: ConstantKind) => string;

function compile(condition: SqlCondition, parts: PartDialect, place: Place): string {
  if ("all" in condition) return join(condition.all, " AND ", parts, place);
  if ("any" in condition) return join(condition.any, " OR ", parts, place);
  if ("not" in condition) return `(NOT ${compile(condition.not, parts, place)})`;
  const name = parts.quoteName(condition.column);
  if ("is" in condition) {
    if (condition.is === "nan") return `(${name} = 'NaN')`;
    return `(${name} IS ${condition.is === "null" ? "NULL" : "NOT NULL"})`;
  }
  const { sign, value, comparison } = condition;
  const bare = `${name} ${sign} ${place(value, comparison.constant)}`;
  return comparison.nan === "out" && sign.startsWith(">") ? `(${bare} AND ${name} <> 'NaN')` : `(${bare})`;
}

function join(conditions: readonly SqlCondition[], word: string, parts: PartDialect, place: Place): string {
  return `(${conditions.map((condition) => compile(condition, parts, place)).join(word)})`;
}
