import { AmlError } from "./aml-error.ts";
import { filesOf, profileOf, writeTable, type DatasetContext } from "./bind-dataset.ts";
import { columnBatches } from "./column-batches.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import type { SqlTable, TabularDataset } from "./dataset.ts";
import { encodeLazily } from "./encode-lazily.ts";
import type { NamedTable, TabularResult } from "./engine.ts";
import { applyFileSteps, splitSteps } from "./file-steps.ts";
import { explainFiles, explainQuery, noExplanation } from "./explain-dataset.ts";
import type { ExplainedTable, Explanation, SqlExplanation } from "./explanation.ts";
import { listFiles } from "./list-files.ts";
import type { TabularPlan } from "./plan.ts";
import { startQuery } from "./start-query.ts";
import type { OperationOptions } from "./storage.ts";
import { rowsReader } from "./typed-rows.ts";

/** Gives a SELECT over tables its verbs. @throws `plan_invalid` for a name that is none, or is there twice. */
export function bindSql(
  text: string,
  tables: Readonly<Record<string, TabularDataset>>,
  context: DatasetContext,
): SqlTable {
  checkNames(Object.keys(tables));
  const open = async (options?: ReadTableOptions): Promise<TabularResult> => {
    const engine = await context.engine();
    if (engine.openSql === undefined) throw noSql();
    const named = Object.entries(tables).map(([name, table]) => tableOf(name, table, context, options));
    return engine.openSql(text, named, options);
  };
  const encode: SqlTable["encode"] = (format, options) => encodeLazily(() => open(options), format, options);
  return Object.freeze<SqlTable>({
    kind: "sql",
    text,
    open,
    encode,
    schema: async (options) => {
      await using result = await open(options);
      return result.schema;
    },
    explain: (options) => explainSql(text, tables, context, options),
    rows: rowsReader(open),
    columnBatches: (options) => columnBatches(open, options),
    profile: (options) => profileOf(open, options),
    write: async (target, format, options = {}) =>
      writeTable(target, () => encode(format, options), context, options),
  });
}

async function explainSql(
  text: string,
  tables: Readonly<Record<string, TabularDataset>>,
  context: DatasetContext,
  options?: OperationOptions,
): Promise<SqlExplanation> {
  const engine = await context.engine();
  if (engine.statementNames === undefined) throw noExplanation();
  const named = await engine.statementNames(text, Object.keys(tables), options);
  const explained: ExplainedTable[] = [];
  const unread: string[] = [];
  for (const [name, { plan }] of Object.entries(tables)) {
    if (!named.tables.has(name.toLowerCase())) unread.push(name);
    else explained.push({ name, ...(await explainTable(name, plan)) });
  }
  const notes = unread.length > 0 ? [`The statement does not name ${unread.join(", ")}.`] : [];
  return { text, tables: explained, notes };

  async function explainTable(name: string, plan: TabularPlan): Promise<Explanation> {
    const { source } = plan;
    const own = { ...options, columns: named.columns, conditions: named.conditions(name) };
    if (source.from === "query") return explainQuery({ ...plan, source }, context, own);
    const files = listFiles(filesOf(plan), context.locate, options);
    return explainFiles(plan, files, engine, own);
  }
}

function tableOf(
  name: string,
  { plan }: TabularDataset,
  context: DatasetContext,
  options?: OperationOptions,
): NamedTable {
  const { source } = plan;
  if (source.from === "query") {
    return {
      name,
      plan,
      async query(columns, conditions) {
        const sql = await context.openSql(source.datastore, options);
        const demand = { columns, conditions };
        const { first, pushed } = await startQuery({ ...plan, source }, sql, "engine", options, demand);
        return { plan: { ...plan, steps: pushed.rest }, rows: first };
      },
    };
  }
  const { fileSteps, rowSteps } = splitSteps(plan.steps);
  const files = applyFileSteps(listFiles(filesOf(plan), context.locate, options), fileSteps);
  return { name, plan: { ...plan, steps: rowSteps }, files };
}

function checkNames(names: readonly string[]): void {
  const used = new Set<string>();
  for (const name of names) {
    const key = name.toLowerCase();
    const wrong = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? "is there twice" : "is no name of a table";
    if (wrong === "is no name of a table" || used.has(key)) {
      throw new AmlError("plan_invalid", `${JSON.stringify(name)} ${wrong}.`, {
        hint: "Use letters, digits and underscores; small and capital letters are alike.",
        context: { name },
      });
    }
    used.add(key);
  }
}

function noSql(): AmlError {
  return new AmlError("unsupported", "The table engine of this workspace runs no SQL.", {
    hint: "Use an engine that does, e.g. that of @aml/engine-duckdb.",
  });
}
