import type { BoundStatement, SqlDialect } from "./bind-parameters.ts";
import type { KeyRange } from "./key-ranges.ts";
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
  const { columns, where = [], take } = part;
  const list = columns === undefined ? "*" : columns.map((name) => parts.quoteName(name)).join(", ");
  const top = parts.limits === "top" && take !== undefined && take > 0 && (part.skip ?? 0) === 0 && !sorted;
  const conditions = where.map((condition) => compile(condition, parts, place));
  if (take === 0) conditions.push("1 = 0");
  const filter = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const window = top || take === 0 ? "" : windowOf(part, parts, sorted);
  if (sorted) return around(bound, values, { head: "", before: "", after: `\n${window}` }, dialect);
  const behind = `${filter}${window === "" ? "" : ` ${window}`}`;
  return around(
    bound,
    values,
    enclosing(bound, `${top ? `TOP (${take}) ` : ""}${list}`, behind, dialect),
    dialect,
  );
}

/** Makes a statement give one row: the smallest and the largest value of a column, `least` and `most`. */
export function bindKeyBounds(
  bound: BoundStatement,
  column: string,
  dialect: SqlDialect & { readonly parts: PartDialect },
): BoundStatement {
  const key = dialect.parts.quoteName(column);
  return around(
    bound,
    bound.values,
    enclosing(bound, `MIN(${key}) AS least, MAX(${key}) AS most`, "", dialect),
    dialect,
  );
}

/** Makes a statement give the rows whose key is in a range. */
export function bindKeyRange(
  bound: BoundStatement,
  column: string,
  { from, to, nulls }: KeyRange,
  dialect: SqlDialect & { readonly parts: PartDialect },
): BoundStatement {
  const limit = (sign: ">=" | "<", value: bigint | undefined): SqlCondition[] =>
    value === undefined ? [] : [{ column, sign, value, comparison: { constant: "integer" } }];
  const all = [...limit(">=", from), ...limit("<", to)];
  if (all.length === 0) return bindPart(bound, {}, dialect, false);
  const any: SqlCondition[] = nulls ? [{ all }, { column, is: "null" }] : [{ all }];
  return bindPart(bound, { where: [{ any }] }, dialect, false);
}

/** What stands around a statement, and what its WITH is kept in front of. */
interface Frame {
  readonly head: string;
  readonly before: string;
  readonly after: string;
}

function enclosing(
  { text }: BoundStatement,
  list: string,
  behind: string,
  dialect: SqlDialect & { readonly parts: PartDialect },
): Frame {
  const cut = dialect.parts.nestedWith ? undefined : mainSelectOf(text, dialect);
  const select = `SELECT ${list} FROM `;
  if (cut === undefined) return { head: "", before: `${select}(`, after: `\n) AS ${NAME}${behind}` };
  return { head: cut[0], before: `, ${NAME} AS (`, after: `\n) ${select}${NAME}${behind}` };
}

function around(
  bound: BoundStatement,
  values: readonly Cell[],
  { head, before, after }: Frame,
  dialect: SqlDialect,
): BoundStatement {
  const body = bodyOf(bound.text, dialect) ?? bound.text;
  return {
    text: `${head}${before}${body.slice(head.length)}${after}`,
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
