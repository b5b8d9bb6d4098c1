import {
  AmlError,
  type ConversionErrors,
  type NamedTable,
  type StatementNames,
  type TabularPlan,
  type TabularResult,
} from "@aml/core";
import type { SparseFile, StagedFile } from "@aml/staging";
import { checkSql } from "./check-sql.ts";
import { compilePlan, type CompiledPlan } from "./compile-plan.ts";
import { countErrors } from "./encode-table.ts";
import { chooseFiles } from "./file-steps.ts";
import { findConversionErrors, findFailedConversion, type FindOptions } from "./find-conversion-errors.ts";
import { chooseRows } from "./choose-rows.ts";
import { mapFiles } from "./inspect-context.ts";
import type { Inspected } from "./inspected.ts";
import { joinPartialFiles } from "./join-partial-files.ts";
import { loadRows } from "./load-rows.ts";
import { createLocate } from "./locate-error.ts";
import { matchPatterns } from "./match-patterns.ts";
import {
  collect,
  createTable,
  inspect,
  isParquet,
  NO_ROW,
  refuseSteps,
  type TableContext,
  type Unencoded,
} from "./open-table.ts";
import { createPartialFiles, type PartialFiles } from "./partial-files.ts";
import { cutTimestamps } from "./cut-timestamps.ts";
import type { PlanColumn } from "./plan-column.ts";
import { refuseWideDecimals } from "./refuse-wide-decimals.ts";
import { usedColumns } from "./used-columns.ts";
import { openScope, type Scope } from "./scope.ts";
import { quoteIdentifier } from "./sql-text.ts";
import { withConditions } from "./statement-conditions.ts";
import type { Locate } from "./stream-chunks.ts";

const RESULT = quoteIdentifier("rows of the statement");

/** A table of the statement, ready to be a part of it. */
interface Part {
  readonly name: string;
  readonly plan: TabularPlan;
  readonly compiled: CompiledPlan;
  readonly inspected: Inspected;
  readonly files: PartialFiles | undefined;
  /** Finds out more of what is read, once all of it is here, and gives the plan over that. */
  readonly refine?: (signal: AbortSignal | undefined) => Promise<CompiledPlan>;
}

/**
 * Opens a SELECT over tables, each of which is a plan. All of them share one DuckDB, which is locked for their files
 * before the statement is run; rows of databases are taken in first.
 */
export async function openSql(
  text: string,
  tables: readonly NamedTable[],
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<TabularResult> {
  const { workFolder: parentFolder, gate, instances } = context;
  const pins: StagedFile[] = [];
  const loaded: string[] = [];
  const origins = new Map<string, string>();
  const scope = await openScope({ parentFolder, gate, instances });
  const close = async (): Promise<void> => {
    for (const table of loaded) await scope.run(`DROP TABLE IF EXISTS ${quoteIdentifier(table)}`);
    await scope.close();
    for (const pin of pins) await pin.release();
  };
  try {
    const names = tables.map(({ name }) => name);
    const checked = await checkSql(text, names, scope, signal);
    const used = tables.filter(({ name }) => checked.tables.has(name.toLowerCase()));
    // It is locked once, for the files of all tables.
    const unlocked: Scope = {
      ...scope,
      get folder() {
        return scope.folder;
      },
      lock: () => Promise.resolve(),
      origins: () => origins,
    };
    const base = { ...context, scope: unlocked, signal, pins, origins };
    const parts: Part[] = [];
    for (const { name, plan, files } of used) {
      if (files !== undefined) parts.push(await prepareFiles(name, { plan, files }, checked, base));
    }
    const width = parts.reduce((sum, { compiled }) => sum + compiled.columns.length, 0);
    await scope.lock(origins, width);
    for (const { name, query } of used) {
      if (query === undefined) continue;
      const rows = await query(checked.columns, checked.conditions(name));
      parts.push(
        await prepareRows(name, rows, { ...base, partial: new Map() }, (table) => loaded.push(table)),
      );
    }
    const compiled = await compileStatement(text, checked, parts, scope, signal);
    let refined = compiled;
    const refine = async (stop?: AbortSignal): Promise<void> => {
      if (parts.every((part) => part.refine === undefined)) return;
      const own: Part[] = [];
      for (const part of parts)
        own.push(part.refine === undefined ? part : { ...part, compiled: await part.refine(stop) });
      refined = await compileStatement(text, checked, own, scope, stop);
    };
    const verify = async (stop?: AbortSignal): Promise<void> => {
      await mapFiles(pins, (pin) => pin.check({ signal: stop }));
    };
    const locate: Locate = async (error, stop) => {
      for (const { plan, inspected, files: own } of parts) {
        const reading = { plan, inspected, parts: own, scope, compile: context.compile };
        await findFailedConversion(error, { ...reading, signal: stop });
        await createLocate(inspected, own, scope)(error, stop);
      }
    };
    const ownErrors = (stop: AbortSignal | undefined): Promise<ConversionErrors[]> =>
      errorsOf(parts, checked, { scope, compile: context.compile, signal: stop });
    const files = joinPartialFiles(parts.flatMap((part) => part.files ?? []));
    const rest = {
      plan: NO_PLAN,
      probe: undefined,
      parts: files,
      inspected: NOTHING,
      scope,
      context,
      close,
      verify,
      locate,
      ownErrors,
    };
    return createTable({ compiled, refine, recompile: () => refined, ...rest });
  } catch (error) {
    await close();
    signal?.throwIfAborted();
    throw error;
  }
}

/** What a statement over tables reads; nothing is read of them. @throws as `checkSql`. */
export async function statementNames(
  text: string,
  names: readonly string[],
  signal: AbortSignal | undefined,
  { workFolder: parentFolder, gate, instances }: TableContext,
): Promise<StatementNames> {
  const scope = await openScope({ parentFolder, gate, instances });
  try {
    return await checkSql(text, names, scope, signal);
  } finally {
    await scope.close();
  }
}

/** What could not be converted of the columns that the statement names, in all rows of its tables. */
async function errorsOf(
  parts: readonly Part[],
  { columns: named }: StatementNames,
  reading: Pick<FindOptions, "scope" | "compile" | "signal">,
): Promise<ConversionErrors[]> {
  const out: ConversionErrors[] = [];
  for (const { name, plan, compiled, inspected, files } of parts) {
    const columns = compiled.columns.filter((one) => named?.has(one.name.toLowerCase()) ?? true);
    const counts = await countErrors(reading.scope, { ...compiled, columns }, reading.signal);
    const found = await findConversionErrors(counts, { ...reading, plan, inspected, parts: files });
    out.push(...found.map((errors) => ({ ...errors, column: `${name}.${errors.column}` })));
  }
  return out;
}

const NO_PLAN: TabularPlan = { version: 1, source: { from: "paths", paths: [] }, steps: [] };
const NOTHING: Inspected = {
  kind: "rows",
  table: "",
  columns: [],
  uris: [],
  partitions: new Map(),
  patterns: new Map(),
};

async function prepareFiles(
  name: string,
  { plan: asked, files }: { readonly plan: TabularPlan; readonly files: NonNullable<NamedTable["files"]> },
  { columns, conditions: conditionsOf }: StatementNames,
  context: Omit<Unencoded, "partial">,
): Promise<Part> {
  refuseSteps(asked);
  const { scope, signal, compile } = context;
  const all = await collect(files, signal);
  const left = await chooseFiles(asked, all, scope, compile, signal);
  const own = left.length > 0 ? asked : { ...asked, steps: [...asked.steps, NO_ROW] };
  const partial = new Map<string, SparseFile>();
  const conditions = conditionsOf(name);
  const base = { ...context, partial, conditions };
  const found = await inspect(own, left.length > 0 ? left : all.slice(0, 1), base);
  const given = compilePlan(own, found, compile);
  if (!isParquet(found)) return { name, plan: own, inspected: found, compiled: given, files: undefined };
  // The statement asks the same of its rows again: this is for what need not be fetched.
  const plan = withConditions(own, given.columns, conditions);
  const { files: inspected, read, rowGroups } = await chooseRows(found, plan, partial, scope, signal);
  const compiled = compilePlan(plan, read, compile);
  const names = compiled.columns.map((column) => column.name);
  const needed = columns === undefined ? names : names.filter((column) => columns.has(column.toLowerCase()));
  const { steps } = plan;
  const parts = createPartialFiles({
    steps,
    table: inspected,
    rowGroups,
    given: needed,
    files: partial,
    scope,
  });
  await refuseWideDecimals(inspected, usedColumns(steps, needed), scope, signal);
  const { complete } = parts;
  const input = { table: inspected, plan, given: needed, scope, origins: base.origins, complete };
  const cut = await cutTimestamps(input, signal);
  const refine = async (stop: AbortSignal | undefined): Promise<CompiledPlan> => {
    await cut?.prepare(read, stop);
    return compilePlan(plan, cut?.resolve(read) ?? read, compile);
  };
  return { name, plan, inspected, compiled, files: parts, ...(cut && { refine }) };
}

async function prepareRows(
  name: string,
  { plan, rows }: Awaited<ReturnType<NonNullable<NamedTable["query"]>>>,
  { scope, signal, compile }: Unencoded,
  onTable: (table: string) => void,
): Promise<Part> {
  await using _all = rows;
  refuseSteps(plan);
  const names = rows.schema.columns.map((column) => column.name);
  const loaded = await loadRows(rows, scope, signal, onTable);
  const patterns = await matchPatterns(plan.steps, names, scope, signal);
  const inspected: Inspected = { kind: "rows", ...loaded, uris: [], partitions: new Map(), patterns };
  return { name, plan, inspected, compiled: compilePlan(plan, inspected, compile), files: undefined };
}

/** The statement as the last part of a WITH whose other parts are its tables. */
async function compileStatement(
  text: string,
  checked: StatementNames,
  parts: readonly Part[],
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<CompiledPlan> {
  const tables = parts.map(({ name, compiled }) => {
    return `${quoteIdentifier(name)} AS NOT MATERIALIZED (\n${compiled.sql}\n)`;
  });
  const body = text.replace(/[;\s]+$/, "");
  // What is run is what was checked: as a part of another statement it could be read in another way.
  const whole = `SELECT * FROM (\n${body}\n) AS q`;
  const names = parts.map(({ name }) => name);
  const again = await checkSql(whole, names, scope, signal).catch(() => undefined);
  signal?.throwIfAborted();
  if (again?.tables.size !== checked.tables.size) {
    throw new AmlError("unsupported", "The statement does not end where its text ends.", {
      operation: "query",
      hint: "Leave out what stands behind its last semicolon.",
    });
  }
  const ctes = `WITH ${[...tables, `${RESULT} AS NOT MATERIALIZED (\n${body}\n)`].join(",\n")}`;
  const described = await scope.run(`DESCRIBE ${ctes}\nSELECT * FROM ${RESULT}`, signal);
  const columns = (await described.getRows()).map(([name, sqlType]): PlanColumn => {
    return { name: String(name), id: String(name), sqlType: String(sqlType), nullable: true };
  });
  return { ctes, from: RESULT, columns, places: [], sql: `${ctes}\nFROM ${RESULT}` };
}
