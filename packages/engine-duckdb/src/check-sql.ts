import { AmlError, type StatementNames } from "@aml/core";
import { placeAt } from "@aml/core/sql";
import type { Scope } from "./scope.ts";
import { conditionSteps, statementConditions } from "./statement-conditions.ts";
import { SQL_FUNCTIONS } from "./sql-functions.ts";
import { quoteText } from "./sql-text.ts";

const MAX_LENGTH = 100_000;

/**
 * Lets a statement pass that is one SELECT over the given tables, by DuckDB's own parser: every node of its tree must be
 * known to be harmless.
 *
 * @param names - tables that it may name.
 * @throws `query_failed` with the place, for what DuckDB cannot parse; `unsupported` with the place, for all the rest.
 */
export async function checkSql(
  text: string,
  names: readonly string[],
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<StatementNames> {
  if (text.length > MAX_LENGTH || text.includes("\0")) {
    throw new AmlError(
      "unsupported",
      "The statement is longer than 100,000 characters, or has a zero among them.",
      {
        operation: "query",
      },
    );
  }
  const parsed = await parse(text, scope, signal);
  if (parsed.error === true) throw unparsed(text, parsed);
  const [statement, second] = parsed.statements ?? [];
  if (statement === undefined) throw unparsed(text, { error_message: "The statement is empty" });
  if (second !== undefined) throw refused(text, second, "it is more than one statement");
  const walk = createWalk(text);
  walk.query(statement["node"], new Set(names.map((name) => name.toLowerCase())));
  const conditions = statementConditions(statement["node"]);
  return {
    tables: walk.tables,
    columns: walk.all() ? undefined : walk.columns,
    conditions: (table) => conditionSteps(conditions, table),
  };
}

interface Parsed {
  readonly error?: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly position?: string;
  readonly statements?: readonly Node[];
}

type Node = Readonly<Record<string, unknown>>;

async function parse(text: string, scope: Scope, signal: AbortSignal | undefined): Promise<Parsed> {
  const options = "skip_null := true, skip_empty := true, skip_default := true";
  const result = await scope.run(
    `SELECT json_serialize_sql(${quoteText(text)}::VARCHAR, ${options})`,
    signal,
  );
  const [[json] = []] = await result.getRows();
  return JSON.parse(String(json)) as Parsed;
}

/** `a -> 'b'` of JSON is parsed as a lambda; no function that takes a real one may be called. */
const CLASSES = new Set(
  "BETWEEN CASE CAST COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR STAR SUBQUERY WINDOW".split(
    " ",
  ),
);
const MODIFIERS = /^(?:(?:ORDER|LIMIT|LIMIT_PERCENT|DISTINCT)_MODIFIER|ORDER_DEFAULT|ASCENDING|DESCENDING)$/;
const QUERIES = new Set(["SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE"]);
const TABLES = new Set(["BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST"]);
const SAMPLE = "it takes a sample, which a dataset has steps for";
/** System tables of DuckDB: no part of a statement may be called like them. */
const SYSTEM = /^(?:duckdb_|pg_|pragma_|sqlite_|information_schema|main$|system$|temp$)/;

interface Walk {
  readonly tables: ReadonlySet<string>;
  readonly columns: ReadonlySet<string>;
  all(): boolean;
  /** @param names - of tables that it sees. */
  query(node: unknown, names: ReadonlySet<string>): void;
}

function createWalk(text: string): Walk {
  const tables = new Set<string>();
  const columns = new Set<string>();
  // A table's name alone is its row with all columns.
  const rows = new Set<string>();
  const single = new Set<string>();
  let all = false;

  /** The parts of a WITH see those before them, and the query all of them. */
  const withParts = (node: Node, names: ReadonlySet<string>): ReadonlySet<string> => {
    const known = new Set(names);
    for (const { key, value } of ((node["cte_map"] as Node | undefined)?.["map"] ?? []) as readonly Node[]) {
      const name = String(key).toLowerCase();
      if (SYSTEM.test(name)) throw refused(text, node, `a part of it cannot be called ${String(key)}`);
      const part = value as Node;
      query((part["query"] as Node | undefined)?.["node"], known);
      for (const target of (part["key_targets"] ?? []) as readonly Node[]) visit(target, known);
      known.add(name);
      rows.add(name);
    }
    return known;
  };
  const query = (input: unknown, names: ReadonlySet<string>): void => {
    const node = (input ?? {}) as Node;
    const { type } = node;
    if (!QUERIES.has(String(type))) throw refused(text, node, `${worded(type)} is no part of a plain SELECT`);
    if (node["sample"] !== undefined) throw refused(text, node, SAMPLE);
    const known = withParts(node, names);
    if (type === "CTE_NODE") throw refused(text, node, "it names its parts in a way that is not known");
    for (const [key, value] of Object.entries(node)) if (key !== "cte_map") visit(value, known);
  };
  const noteAlias = ({ alias, column_name_alias }: Node): void => {
    if (typeof alias === "string") rows.add(alias.toLowerCase());
    // They name columns by their place.
    if (column_name_alias !== undefined) all = true;
  };
  const table = (node: Node, names: ReadonlySet<string>): void => {
    const { type, sample, at_clause, table_name, schema_name, catalog_name } = node;
    noteAlias(node);
    if (sample !== undefined) throw refused(text, node, SAMPLE);
    if (at_clause !== undefined) throw refused(text, node, "it asks for a version; read one by the dataset");
    if (type !== "BASE_TABLE") {
      if (node["ref_type"] === "NATURAL" || node["ref_type"] === "POSITIONAL") all = true;
      for (const column of (node["using_columns"] ?? []) as readonly string[])
        columns.add(column.toLowerCase());
      for (const value of Object.values(node)) visit(value, names);
      return;
    }
    const own = String(table_name).toLowerCase();
    if (schema_name !== undefined || catalog_name !== undefined || !names.has(own)) {
      throw refused(text, node, `${JSON.stringify(table_name)} is none of its tables`);
    }
    tables.add(own);
    rows.add(own);
  };
  const expression = (node: Node, names: ReadonlySet<string>): void => {
    const { class: kind, type } = node;
    if (!CLASSES.has(String(kind))) throw refused(text, node, `${worded(type)} is not known to be harmless`);
    if (kind === "CONSTANT") return;
    if (kind === "COLUMN_REF") {
      // `a.b` is a column of a table, or a field of a column.
      const parts = (node["column_names"] as readonly string[]).map((part) => part.toLowerCase());
      for (const part of parts) columns.add(part);
      if (parts.length === 1) single.add(parts[0] ?? "");
      return;
    }
    if (kind === "CAST") castType(node);
    if (kind === "FUNCTION" || kind === "WINDOW") functionName(node);
    if (kind === "STAR") {
      all = true;
      if (node["expr"] !== undefined) throw refused(text, node, "COLUMNS chooses columns by an expression");
    }
    for (const [key, value] of Object.entries(node)) {
      if (key === "cast_type") continue;
      if (key === "subquery") query((value as Node)["node"], names);
      else visit(value, names);
    }
  };
  const functionName = (node: Node): void => {
    const called = String(node["function_name"]).toLowerCase();
    const { schema = "main", catalog = "" } = node;
    if (SQL_FUNCTIONS.has(called) && schema === "main" && catalog === "") return;
    throw refused(text, node, `the function ${called} is not known to be harmless`);
  };
  const castType = (node: Node): void => {
    const json = JSON.stringify(node["cast_type"]);
    const unbound = [
      ...json.matchAll(/"id":"(UNBOUND|ARRAY|ENUM)"(?:,"type_info":\{[^{}]*"name":"json")?/gi),
    ];
    // JSON is the one type by name; an array has room for all its items in every row.
    if (unbound.every(([whole]) => /"name":"json"$/i.test(whole))) return;
    throw refused(text, node, "it casts to a type that is not known to be harmless");
  };
  const visit = (value: unknown, names: ReadonlySet<string>): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, names);
      return;
    }
    if (value === null || typeof value !== "object") return;
    const node = value as Node;
    const { type } = node;
    if ("class" in node) expression(node, names);
    else if (typeof type === "string") {
      if (QUERIES.has(type)) query(node, names);
      else if (TABLES.has(type) && type !== "SUBQUERY") table(node, names);
      else if (type === "SUBQUERY") {
        noteAlias(node);
        if (node["sample"] !== undefined) throw refused(text, node, SAMPLE);
        query((node["subquery"] as Node | undefined)?.["node"], names);
      } else if (!MODIFIERS.test(type))
        throw refused(text, node, `${worded(type)} is not known to be harmless`);
      else for (const item of Object.values(node)) visit(item, names);
    } else for (const item of Object.values(node)) visit(item, names);
  };
  return {
    tables,
    columns,
    all: () => all || [...single].some((column) => rows.has(column)),
    query,
  };
}

function worded(type: unknown): string {
  return String(type).toLowerCase().replaceAll("_", " ");
}

function unparsed(text: string, { error_message = "", error_type, position }: Parsed): AmlError {
  // Anything but SELECT is parsed and then not serialised.
  if (error_type === "not implemented") return refused(text, {}, "it is no SELECT");
  const place = position === undefined ? undefined : placeAt(text, offsetOf(text, Number(position)));
  const shown = place === undefined ? "." : ` at ${place.shown}`;
  return new AmlError(
    "query_failed",
    `The statement cannot be read: ${error_message.split("\n")[0]}${shown}`,
    {
      operation: "query",
      hint: "It is in the SQL of DuckDB.",
      context: place === undefined ? {} : { line: place.line, column: place.column },
    },
  );
}

function refused(text: string, node: Node, what: string): AmlError {
  const at = locationOf(node);
  const place = at === undefined ? undefined : placeAt(text, offsetOf(text, at));
  return new AmlError("unsupported", `The statement is refused: ${what}${place ? `, ${place.shown}` : "."}`, {
    operation: "query",
    hint: "Write one SELECT over the tables that are given with it, with functions of values, groups and windows.",
    context: place === undefined ? {} : { line: place.line, column: place.column },
  });
}

function locationOf(node: Node): number | undefined {
  const at = node["query_location"];
  return typeof at === "number" && at >= 0 && at < MAX_LENGTH * 4 ? at : undefined;
}

/** DuckDB counts bytes of UTF-8. */
function offsetOf(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().length;
}
