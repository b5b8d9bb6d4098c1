import type { Expr, ExtraSteps, Step, TabularPlan } from "@aml/core";
import { filterColumns } from "@aml/core/plan";
import { columnTypeOf } from "./plan-column.ts";
import { conditionOf, ofNulls, renamed, typed, type KnownColumn } from "./statement-expr.ts";

/** A condition that every row of a table fulfils which a statement makes use of. Names are in lower case. */
export interface StatementCondition {
  readonly table: string;
  readonly expr: Expr;
}

type Node = Readonly<Record<string, unknown>>;

/**
 * Of the WHERE of a statement what it says of one table alone, joined by `and`. In a join such a condition has to drop the
 * rows that an outer join fills up with nulls; then it may drop the table's own rows before the join. Nothing is found in a
 * statement whose tables may be others than they are called (WITH), or that has a table twice.
 *
 * @param node - of DuckDB's parser, checked.
 */
export function statementConditions(node: unknown): readonly StatementCondition[] {
  const query = (node ?? {}) as Node;
  if (query["type"] !== "SELECT_NODE") return [];
  const parts = (query["cte_map"] as Node | undefined)?.["map"];
  if (Array.isArray(parts) && parts.length > 0) return [];
  const joined = new Map<string, string>();
  if (!addTables(query["from_table"], joined)) return [];
  const counts = new Map<string, number>();
  countTables(query, counts);
  return conjuncts(query["where_clause"]).flatMap((part) => {
    const named = conditionOf(part, (names) => placed(names, joined));
    if (named === undefined) return [];
    const tables = new Set(filterColumns(named).map((name) => name.split("\0")[0] ?? ""));
    const [table = ""] = tables;
    if (tables.size !== 1 || counts.get(table) !== 1) return [];
    if (joined.size > 1 && ofNulls(named) === true) return [];
    return [{ table, expr: renamed(named, (name) => name.split("\0")[1] ?? "") }];
  });
}

/** A table and a column of it, or undefined where the statement does not say which table's it is. */
function placed(names: readonly string[], joined: ReadonlyMap<string, string>): string | undefined {
  const [only] = joined.size === 1 ? joined.values() : [];
  const table = names.length === 2 ? joined.get(names[0] ?? "") : names.length === 1 ? only : undefined;
  return table === undefined ? undefined : `${table}\0${names.at(-1) ?? ""}`;
}

/** By what the statement calls them. False where there are joins of another kind, and tables that are none. */
function addTables(from: unknown, joined: Map<string, string>): boolean {
  const { type, left, right, join_type, ref_type, ...own } = (from ?? {}) as Node;
  if (type === "BASE_TABLE") {
    const table = String(own["table_name"]).toLowerCase();
    const name = typeof own["alias"] === "string" ? own["alias"].toLowerCase() : table;
    if (joined.has(name) || own["column_name_alias"] !== undefined) return false;
    joined.set(name, table);
    return true;
  }
  const plain = ["INNER", "LEFT", "RIGHT", "FULL"].includes(String(join_type));
  if (type !== "JOIN" || !plain || !["REGULAR", "CROSS"].includes(String(ref_type))) return false;
  return addTables(left, joined) && addTables(right, joined);
}

function countTables(value: unknown, counts: Map<string, number>): void {
  if (value === null || typeof value !== "object") return;
  const { type, table_name } = value as Node;
  if (type === "BASE_TABLE") {
    const table = String(table_name).toLowerCase();
    counts.set(table, (counts.get(table) ?? 0) + 1);
  }
  for (const item of Object.values(value)) countTables(item, counts);
}

function conjuncts(value: unknown): readonly Node[] {
  const node = (value ?? {}) as Node;
  return node["type"] === "CONJUNCTION_AND"
    ? (node["children"] as readonly Node[]).flatMap(conjuncts)
    : [node];
}

/**
 * The conditions of a table as steps behind those of its plan, once its columns are known: where DuckDB compares the column
 * with the constant as a filter does.
 */
export function conditionSteps(
  conditions: readonly StatementCondition[],
  table: string,
): ExtraSteps | undefined {
  const own = conditions.filter((one) => one.table === table.toLowerCase());
  if (own.length === 0) return undefined;
  return (columns) =>
    own.flatMap(({ expr }): Step[] => {
      const where = typed(expr, columns);
      return where === undefined ? [] : [{ op: "filter", where }];
    });
}

/** Steps that leave the types of columns as the files have them. */
const KEEPS_TYPES =
  /^(read_parquet|read_delta_lake|filter|(keep|drop)_columns|take|skip|take_random_sample|sample)$/;

/** More digits behind the point leave too few for a whole number of 64 bits. */
const MOST_PLACES = 19;

/** A statement rounds a fraction to 32 bits, and compares one with a decimal exactly, which a filter does not. */
function mostWhole(sqlType: string): number | undefined {
  if (sqlType === "FLOAT") return 2 ** 24;
  const places = /^DECIMAL\(\d+,\s*(\d+)\)$/.exec(sqlType)?.[1];
  if (places === undefined) return undefined;
  // Less than any: with such a decimal nothing is compared.
  return Number(places) <= MOST_PLACES ? Number.MAX_SAFE_INTEGER : -1;
}

/** The plan with the conditions of a statement over columns of DuckDB's types. */
export function withConditions(
  plan: TabularPlan,
  columns: readonly { readonly name: string; readonly sqlType: string }[],
  conditions: ExtraSteps | undefined,
): TabularPlan {
  if (conditions === undefined || !plan.steps.every(({ op }) => KEEPS_TYPES.test(op))) return plan;
  // What users see as text may be of a type that compares otherwise.
  const known = columns.map(({ name, sqlType }): KnownColumn => {
    const type = columnTypeOf(sqlType);
    if (type === "string" && sqlType !== "VARCHAR") return { name, type: "bytes" };
    return { name, type, mostWhole: mostWhole(sqlType) };
  });
  const more = conditions(known);
  return more.length === 0 ? plan : { ...plan, steps: [...plan.steps, ...more] };
}
