import {
  AmlError,
  isAmlError,
  type ColumnBatch,
  type ConversionErrors,
  type ExtraSteps,
  type FileRef,
  type ReadTableOptions,
  type Schema,
  type SqlResult,
  type Step,
  type StepOp,
  type TableProfile,
  type TabularPlan,
  type TabularResult,
} from "@aml/core";
import { filterColumns } from "@aml/core/plan";
import type { Gate, SparseFile, StagedFile, Stager } from "@aml/staging";
import { compilePlan, type CompiledPlan } from "./compile-plan.ts";
import type { CsvShape } from "./csv-scan.ts";
import { inspectDelta, lookUpActive, openDelta } from "./delta/inspect-delta.ts";
import { encodeTable } from "./encode-table.ts";
import { nameSources } from "./errors.ts";
import { chooseFiles } from "./file-steps.ts";
import { chooseRows } from "./choose-rows.ts";
import { laterRows } from "./later-rows.ts";
import { mapFiles, rowsWanted, type InspectContext } from "./inspect-context.ts";
import {
  findConversionErrors,
  findFailedConversion,
  findFilteredErrors,
  type FindOptions,
} from "./find-conversion-errors.ts";
import { sampleRows, withTextsForFormats, withTextsForWords } from "./csv-columns.ts";
import { inspectDelimited } from "./inspect-delimited.ts";
import { inspectJson } from "./inspect-json.ts";
import { inspectParquet, stageParquet } from "./inspect-parquet.ts";
import type { DeltaTable, Inspected, ParquetTable, Partitioned, RowTable } from "./inspected.ts";
import type { InstancePool } from "./instance-pool.ts";
import { createLocate } from "./locate-error.ts";
import { cutTimestamps } from "./cut-timestamps.ts";
import { matchPatterns } from "./match-patterns.ts";
import { arrowValue, streamQuery, type StreamQuery } from "./output-sql.ts";
import { countPartitions, partDelimited, partJson, partParquet } from "./part-files.ts";
import { acrossGaps, createPartialFiles, type PartialFiles } from "./partial-files.ts";
import { inferFromRows, ROWS_IN_MEMORY, withoutSample } from "./infer-from-rows.ts";
import { partitionColumns } from "./partition-columns.ts";
import { columnTypeOf, type PlanColumn } from "./plan-column.ts";
import { profileTable } from "./profile-table.ts";
import type { CompileOptions } from "./relation.ts";
import { loadColumns } from "./load-columns.ts";
import { loadRows } from "./load-rows.ts";
import { refuseWideDecimals } from "./refuse-wide-decimals.ts";
import { usedColumns } from "./used-columns.ts";
import { refuseToPart, selectsPartitions } from "./select-partitions.ts";
import { quoteIdentifier } from "./sql-text.ts";
import { openScope, type Scope } from "./scope.ts";
import { probeFor, type Probe } from "./start-query.ts";
import { streamColumnBatches } from "./stream-column-batches.ts";
import type { Locate, OnConverted, StreamOptions } from "./stream-chunks.ts";
import { streamRows } from "./stream-rows.ts";

export const OPS: ReadonlySet<StepOp> = new Set<StepOp>([
  "read_delimited",
  "read_json_lines",
  "read_parquet",
  "read_delta_lake",
  "extract_columns_from_partition_format",
  "convert_column_types",
  "keep_columns",
  "drop_columns",
  "filter",
  "take",
  "skip",
  "take_random_sample",
  "sample",
  "select_partitions",
]);

export interface TableContext {
  readonly stager: Stager;
  readonly gate: Gate;
  readonly workFolder: string;
  readonly instances: InstancePool;
  readonly shapes: Map<string, CsvShape>;
  /** Which queries keep few rows. */
  readonly sparse: Map<string, boolean>;
  readonly compile: CompileOptions;
  /** Called once, when the table is disposed of. */
  readonly onClose: (table: TabularResult) => void;
  readonly onConversionErrors: ReadTableOptions["onConversionErrors"];
}

export const NO_ROW: Step = { op: "take", count: 0 };

export async function openTable(
  asked: TabularPlan,
  files: AsyncIterable<FileRef>,
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<TabularResult> {
  return createTable(await prepareTable(asked, files, signal, context));
}

/** What a table is made of; whoever asks for it closes it. */
export async function prepareTable(
  asked: TabularPlan,
  files: AsyncIterable<FileRef>,
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<TableParts> {
  refuseSteps(asked);
  const { workFolder: parentFolder, gate, instances } = context;
  const pins: StagedFile[] = [];
  const scope = await openScope({ parentFolder, gate, instances });
  const close = async (): Promise<void> => {
    await scope.close();
    for (const pin of pins) await pin.release();
  };
  try {
    const all = await collect(files, signal);
    const left = await chooseFiles(asked, all, scope, context.compile, signal);
    // With no file left there are no rows; the names and types are then those of the first.
    const chosen = left.length > 0 ? left : all.slice(0, 1);
    const plan = left.length > 0 ? asked : { ...asked, steps: [...asked.steps, NO_ROW] };
    const partial = new Map<string, SparseFile>();
    const base = { ...context, scope, signal, pins, partial, origins: new Map<string, string>() };
    const found = await inspect(plan, chosen, base);
    const rows = isParquet(found) ? await chooseRows(found, plan, partial, scope, signal) : undefined;
    const inspected = rows?.files ?? found;
    const compiled = compilePlan(plan, rows?.read ?? found, context.compile);
    const verify = async (stop?: AbortSignal): Promise<void> => {
      await mapFiles(pins, (pin) => pin.check({ signal: stop }));
    };
    const sql = probeFor(plan, chosen, inspected, context.compile);
    const probe = sql === undefined ? undefined : { sql, known: context.sparse };
    const given = namesOf(compiled);
    const { steps } = plan;
    if (rows !== undefined) await refuseWideDecimals(rows.files, usedColumns(steps, given), scope, signal);
    const { origins } = base;
    const complete = async (stop?: AbortSignal): Promise<unknown> => parts?.complete(stop);
    const cut =
      rows && (await cutTimestamps({ table: rows.files, plan, given, scope, origins, complete }, signal));
    // What passes a filter may depend on digits that are not known before all of them are here.
    const isClear = !steps.some(
      (step) => step.op === "filter" && filterColumns(step.where).some((name) => cut?.names.has(name)),
    );
    const later =
      rows && isClear
        ? laterRows({ plan, rows, files: partial, scope, compile: context.compile })
        : undefined;
    const parts: PartialFiles | undefined =
      rows &&
      createPartialFiles({
        steps,
        table: rows.files,
        rowGroups: rows.rowGroups,
        leaveOutMore: later?.leaveOutMore,
        given,
        files: partial,
        scope,
      });
    const count = (stop?: AbortSignal): Promise<number> =>
      countPartitions(plan, left, inspected, { scope, signal: stop });
    const read = rows && (() => later?.read() ?? rows.read);
    const recompile = read && (() => compilePlan(plan, cut?.resolve(read()) ?? read(), context.compile));
    const refine = read && ((stop?: AbortSignal) => cut?.prepare(read(), stop));
    return {
      plan,
      compiled,
      recompile,
      refine,
      probe,
      inspected,
      parts,
      scope,
      context,
      close,
      verify,
      count,
    };
  } catch (error) {
    await close();
    signal?.throwIfAborted();
    throw error;
  }
}

/** Opens the steps of a plan over rows that come from a database. Disposes of them in any case. */
export async function openRows(
  plan: TabularPlan,
  rows: SqlResult,
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<TabularResult> {
  await using _all = rows;
  const { length } = rows.schema.columns;
  // Not given back before all of them are in.
  return await openLoaded(plan, length, (...place) => loadRows(rows, ...place), signal, context);
}

/** Opens the steps of a plan over columns in memory. */
export function openColumns(
  plan: TabularPlan,
  batches: AsyncIterable<ColumnBatch>,
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<TabularResult> {
  return openLoaded(plan, 0, (...place) => loadColumns(batches, ...place), signal, context);
}

type Load = (
  scope: Scope,
  signal: AbortSignal | undefined,
  onTable: (table: string) => void,
) => Promise<Pick<RowTable, "table" | "columns">>;

async function openLoaded(
  plan: TabularPlan,
  width: number,
  load: Load,
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<TabularResult> {
  refuseSteps(plan);
  const { workFolder: parentFolder, gate, instances } = context;
  const scope = await openScope({ parentFolder, gate, instances });
  let table: string | undefined;
  const close = async (): Promise<void> => {
    // A DuckDB may serve again, without these rows.
    if (table !== undefined) await scope.run(`DROP TABLE IF EXISTS ${quoteIdentifier(table)}`);
    await scope.close();
  };
  try {
    await scope.lock(new Map(), width);
    const loaded = await load(scope, signal, (created) => (table = created));
    const names = loaded.columns.map(({ name }) => name);
    const patterns = await matchPatterns(plan.steps, names, scope, signal);
    const inspected: Inspected = { kind: "rows", ...loaded, uris: [], partitions: new Map(), patterns };
    const compiled = compilePlan(plan, inspected, context.compile);
    const verify = (): Promise<void> => Promise.resolve();
    const none = { probe: undefined, parts: undefined };
    return createTable({ plan, compiled, ...none, inspected, scope, context, close, verify });
  } catch (error) {
    await close();
    signal?.throwIfAborted();
    throw error;
  }
}

export function refuseSteps(plan: TabularPlan): void {
  let read: number | undefined;
  for (const [index, { op }] of plan.steps.entries()) {
    if (!OPS.has(op)) {
      throw new AmlError("unsupported", `Step ${index} (${op}) is not run by this engine.`, {
        hint: `It runs: ${[...OPS].join(", ")}.`,
        context: { step: index, op },
      });
    }
    if (!op.startsWith("read_")) continue;
    if (read !== undefined) {
      throw new AmlError(
        "plan_invalid",
        `Step ${index} (${op}) reads the files that step ${read} reads already.`,
        {
          hint: "Keep one read step.",
          context: { step: index, op },
        },
      );
    }
    read = index;
  }
}

/** @throws `not_found` for none. */
export async function collect(
  files: AsyncIterable<FileRef>,
  signal: AbortSignal | undefined,
): Promise<FileRef[]> {
  const out: FileRef[] = [];
  for await (const file of files) {
    signal?.throwIfAborted();
    out.push(file);
  }
  if (out.length > 0) return out;
  throw new AmlError("not_found", "The paths stand for no file.", {
    hint: "Check the paths and patterns against a listing of the store (names are case-sensitive), and whether steps in front of the reading one leave a file.",
  });
}

export type Unencoded = Omit<InspectContext, "encoding"> &
  TableContext & {
    /** What a statement asks of the rows besides, by which files may be left out. */
    readonly conditions?: ExtraSteps | undefined;
  };

/** @param wanted - rows that are of use; then no more of the files is read than they need. */
export async function inspect(
  plan: TabularPlan,
  files: readonly FileRef[],
  base: Unencoded,
  wanted: number | undefined = rowsWanted(plan),
): Promise<Inspected> {
  const { scope, signal, origins } = base;
  const uris = files.map(({ uri }) => uri);
  const parts = selectsPartitions(plan);
  const read = plan.steps.findIndex(({ op }) => op.startsWith("read_"));
  const later = plan.steps.slice(read + 1);
  const step = withTextsForWords(plan.steps[read], later);
  const encoding = step !== undefined && "encoding" in step ? step.encoding : undefined;
  const context: InspectContext & TableContext = { ...base, encoding };
  const finish = async <T extends Found>(found: T, names: readonly string[]): Promise<T & Common> => {
    if (step?.op !== "read_parquet" && step?.op !== "read_delta_lake")
      await scope.lock(origins, names.length);
    const partitions = partitionColumns(plan, found.uris ?? uris, found.partitionNumbers);
    const more = [...partitions.values()].flat().map(({ name }) => name);
    const path = step !== undefined && "path_column" in step ? (step.path_column ?? "Path") : "Path";
    const every = [...new Set([path, ...more, ...names])];
    return { uris, ...found, partitions, patterns: await matchPatterns(plan.steps, every, scope, signal) };
  };
  switch (step?.op) {
    case "read_delimited": {
      const rows = sampleRows(step);
      if (rows > ROWS_IN_MEMORY && !parts) {
        const texts = await inspectDelimited(withoutSample(step), files, undefined, context);
        const table = await finish(texts, namesOf(texts));
        const source = { ...plan, steps: [...plan.steps.slice(0, read), step] };
        const inferring = { scope, signal, compile: base.compile, rows };
        return withTextsForFormats(await inferFromRows(source, step, table, inferring), later);
      }
      const found = withTextsForFormats(await inspectDelimited(step, files, wanted, context), later);
      if (parts) return finish(await partDelimited(found, step, plan, files, context), namesOf(found));
      return finish(found, namesOf(found));
    }
    case "read_json_lines": {
      const found = await inspectJson(step, files, wanted, context);
      if (parts) return finish(await partJson(found, step, plan, files, context), namesOf(found));
      return finish(found, namesOf(found));
    }
    case "read_parquet": {
      const paths = await stageParquet(files, context);
      await scope.lock(origins);
      const found = await inspectParquet(paths, context);
      if (parts) return finish(await partParquet(found, context), namesOf(found));
      return finish(found, namesOf(found));
    }
    case "read_delta_lake": {
      if (parts) refuseToPart("A Delta table");
      const opened = await openDelta(plan, step, files, context, base.conditions);
      const found = await inspectDelta(opened, await lookUpActive(opened, signal), context);
      return finish(found, namesOf(found));
    }
    default:
      return finish({ kind: "files" as const }, []);
  }
}

export function isParquet(inspected: Inspected): inspected is ParquetTable | DeltaTable {
  return inspected.kind === "parquet" || inspected.kind === "delta";
}

function namesOf({ columns }: { readonly columns: readonly { readonly name: string }[] }): string[] {
  return columns.map(({ name }) => name);
}

interface Found extends Partitioned {
  readonly kind: Inspected["kind"];
  /** Where files are not read as they are listed. */
  readonly uris?: readonly string[];
}
type Common = Pick<Inspected, "uris" | "partitions" | "patterns">;

export interface TableParts {
  readonly plan: TabularPlan;
  readonly compiled: CompiledPlan;
  /** The same for what is read once `parts` are prepared, where that is less. */
  readonly recompile?: (() => CompiledPlan) | undefined;
  /** Finds out more of what is read, once `parts` are prepared. */
  readonly refine?: ((signal?: AbortSignal) => Promise<void> | undefined) | undefined;
  readonly probe: Probe | undefined;
  readonly inspected: Inspected;
  /** The files of Parquet. */
  readonly parts: PartialFiles | undefined;
  /** Finds values that could not be converted where the plan alone does not tell. */
  readonly ownErrors?: (signal: AbortSignal | undefined) => Promise<readonly ConversionErrors[]>;
  readonly scope: Scope;
  readonly context: TableContext;
  readonly close: () => Promise<void>;
  /** @throws `precondition_failed` when a file is no longer the one that was listed. */
  readonly verify: (signal?: AbortSignal) => Promise<void>;
  /** Partitions; absent for rows of a database. */
  readonly count?: (signal?: AbortSignal) => Promise<number>;
  /** Instead of what looks for the fault in the files of `inspected`. */
  readonly locate?: Locate;
}

export function createTable({
  plan,
  compiled,
  recompile = () => compiled,
  refine,
  probe,
  inspected,
  ownErrors,
  parts,
  scope,
  context,
  close,
  verify,
  count = async () => refuseToPart("A query"),
  locate: ownLocate,
}: TableParts): TabularResult {
  const { onConversionErrors, onClose } = context;
  const columns = compiled.columns.map(({ name, sqlType, nullable }) => {
    return Object.freeze({ name, type: columnTypeOf(sqlType), nullable });
  });
  const schema: Schema = Object.freeze({ columns: Object.freeze(columns) });
  const running = new Set<AbortController>();
  let closing: Promise<void> | undefined;
  const reading: FindOptions = { plan, inspected, parts, scope, compile: context.compile };
  const onConverted: OnConverted | undefined =
    onConversionErrors &&
    (async (counts, signal) => {
      const find = async (): Promise<readonly ConversionErrors[]> => {
        const filtered = await findFilteredErrors({ ...reading, signal });
        const told = new Set(filtered.map(({ column }) => column));
        const rest = new Map([...counts].filter(([name]) => !told.has(name)));
        return [...filtered, ...(await findConversionErrors(rest, { ...reading, signal }))];
      };
      const errors = await (ownErrors ?? find)(signal);
      if (errors.length > 0) onConversionErrors(errors);
    });
  const locateFile = createLocate(inspected, parts, scope);
  const locate: Locate =
    ownLocate ??
    (async (error, signal) => {
      await findFailedConversion(error, { ...reading, signal });
      await locateFile(error, signal);
    });
  const explain = async ({ sql }: StreamQuery, signal?: AbortSignal): Promise<void> => {
    try {
      await scope.run(`SELECT count(*), bit_xor(hash(t)) FROM (${sql}) t`, signal);
    } catch (error) {
      if (isAmlError(error)) await locate(error, signal);
      throw error;
    }
  };
  /** The caller's signal or the end of the table, whichever comes first. */
  const begin = (signal: AbortSignal | undefined): { signal: AbortSignal; end: () => void } => {
    if (closing !== undefined) throw new AmlError("query_failed", "The table was disposed of already.");
    const controller = new AbortController();
    running.add(controller);
    const both = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
    return { signal: both, end: () => running.delete(controller) };
  };
  const prepare = async (signal?: AbortSignal): Promise<void> => {
    try {
      await parts?.prepare(signal);
      await refine?.(signal);
    } catch (error) {
      // With the table its files are released, which ends a fetch with a reason of its own.
      signal?.throwIfAborted();
      throw error;
    }
  };
  async function* streamed<T>(
    signal: AbortSignal | undefined,
    valueOf: ((column: PlanColumn) => string) | undefined,
    stream: (options: StreamOptions) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    const run = begin(signal);
    const { signal: stop } = run;
    try {
      await prepare(stop);
      const what = streamQuery(recompile(), valueOf);
      const counted = parts?.skipsRows() === true ? undefined : probe;
      const options = {
        scope,
        query: what,
        probe: counted,
        readAhead: inspected.kind === "delimited" || inspected.kind === "json_lines",
        onConverted,
        locate,
        verify,
        signal: stop,
      };
      yield* stream({ ...options, explain: (again) => explain(what, again) });
    } finally {
      run.end();
    }
  }
  const table: TabularResult = Object.freeze<TabularResult>({
    schema,
    sql: nameSources(compiled.sql, scope.origins()),
    batches: (options) => streamed(options?.signal, undefined, streamRows),
    columnBatches: (options) => streamed(options?.signal, arrowValue, streamColumnBatches),
    encode: (format, options) => {
      const run = { prepare, locate, verify, onConverted, ...begin(options?.signal) };
      return encodeTable(scope, recompile, format, run);
    },
    async profile(options) {
      const { signal, end } = begin(options?.signal);
      const direct = inspected.kind === "parquet";
      const profile = async (): Promise<TableProfile> => {
        await prepare(signal);
        return acrossGaps(() => profileTable({ scope, plan: recompile(), direct, signal, locate, verify }));
      };
      return profile().finally(end);
    },
    async partitionCount(options) {
      const { signal, end } = begin(options?.signal);
      return count(signal).finally(end);
    },
    async [Symbol.asyncDispose]() {
      closing ??= (async () => {
        const reason = new AmlError("query_failed", "The table was disposed of.");
        for (const controller of running) controller.abort(reason);
        onClose(table);
        await close();
      })();
      await closing;
    },
  });
  return table;
}
