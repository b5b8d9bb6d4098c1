import type { Expr, ExtraSteps, Step, TabularPlan } from "@aml/core";
import { columnTypeOf } from "./plan-column.ts";

/** A comparison that every row of a table fulfils which a statement makes use of. Names are in lower case. */
export interface StatementCondition {
  readonly table: string;
  readonly column: string;
  readonly fn: "==" | "<" | "<=" | ">" | ">=";
  readonly value: number | string;
}

type Node = Readonly<Record<string, unknown>>;

const SIGNS = {
  COMPARE_EQUAL: ["==", "=="],
  COMPARE_LESSTHAN: ["<", ">"],
  COMPARE_LESSTHANOREQUALTO: ["<=", ">="],
  COMPARE_GREATERTHAN: [">", "<"],
  COMPARE_GREATERTHANOREQUALTO: [">=", "<="],
} as const;

/**
 * Of the WHERE of a statement what it says of one table alone, joined by `and`: a column compared with a constant. Such a
 * comparison drops the rows that an outer join fills up with nulls, so it may drop the table's own rows before the join.
 * Nothing is found in a statement whose tables may be others than they are called (WITH), or that has a table twice.
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
  const [only] = joined.size === 1 ? joined.values() : [];
  const counts = new Map<string, number>();
  countTables(query, counts);
  return conjuncts(query["where_clause"]).flatMap((condition) => {
    const { left, right, type } = condition as {
      readonly left?: Node;
      readonly right?: Node;
      readonly type?: string;
    };
    const signs = condition["class"] === "COMPARISON" ? SIGNS[type as keyof typeof SIGNS] : undefined;
    if (signs === undefined || left === undefined || right === undefined) return [];
    const turned = left["class"] === "CONSTANT";
    const [name, value] = turned ? [right, constantOf(left)] : [left, constantOf(right)];
    const names = (name["class"] === "COLUMN_REF" ? (name["column_names"] as readonly string[]) : []).map(
      (part) => part.toLowerCase(),
    );
    const table = names.length === 2 ? joined.get(names[0] ?? "") : names.length === 1 ? only : undefined;
    const column = names.at(-1);
    if (table === undefined || column === undefined || value === undefined || counts.get(table) !== 1)
      return [];
    return [{ table, column, fn: signs[turned ? 1 : 0], value }];
  });
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

/** A whole number or a text. What is left out of the tree as a default is not guessed. */
function constantOf(node: Node): number | string | undefined {
  const { type, value } = (node["value"] ?? {}) as { readonly type?: Node; readonly value?: unknown };
  if (node["class"] !== "CONSTANT") return undefined;
  if (type?.["id"] === "VARCHAR") return typeof value === "string" ? value : undefined;
  const isWhole = /^(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(String(type?.["id"]));
  return isWhole && typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/**
 * The conditions of a table as steps behind those of its plan, once its columns are known: where DuckDB compares the column
 * with the constant as a filter does, whole numbers with whole numbers and texts with texts.
 */
export function conditionSteps(
  conditions: readonly StatementCondition[],
  table: string,
): ExtraSteps | undefined {
  const own = conditions.filter((one) => one.table === table.toLowerCase());
  if (own.length === 0) return undefined;
  return (columns) =>
    own.flatMap(({ column, fn, value }): Step[] => {
      const [found, ...more] = columns.filter(({ name }) => name.toLowerCase() === column);
      const isAlike =
        typeof value === "string"
          ? found?.type === "string"
          : found?.type === "int32" || found?.type === "int64";
      if (found === undefined || more.length > 0 || !isAlike) return [];
      const where: Expr = { fn, args: [{ col: found.name }, { lit: value }] };
      return [{ op: "filter", where }];
    });
}

/** Steps that leave the types of columns as the files have them. */
const KEEPS_TYPES =
  /^(read_parquet|read_delta_lake|filter|(keep|drop)_columns|take|skip|take_random_sample|sample)$/;

/** The plan with the conditions of a statement over columns of DuckDB's types. */
export function withConditions(
  plan: TabularPlan,
  columns: readonly { readonly name: string; readonly sqlType: string }[],
  conditions: ExtraSteps | undefined,
): TabularPlan {
  if (conditions === undefined || !plan.steps.every(({ op }) => KEEPS_TYPES.test(op))) return plan;
  // What users see as text may be of a type that compares otherwise.
  const typed = columns.map(({ name, sqlType }) => {
    const type = columnTypeOf(sqlType);
    return { name, type: type === "string" && sqlType !== "VARCHAR" ? "bytes" : type } as const;
  });
  const more = conditions(typed);
  return more.length === 0 ? plan : { ...plan, steps: [...plan.steps, ...more] };
}
