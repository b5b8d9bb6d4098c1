import {
  isAmlError,
  type EngineExplanation,
  type ExplainOptions,
  type FileRef,
  type PrunedFile,
  type Schema,
  type Step,
  type TabularPlan,
} from "@aml/core";
import { formatFilter } from "@aml/core/plan";
import type { SparseFile, StagedFile } from "@aml/staging";
import { compilePlan } from "./compile-plan.ts";
import { inspectDelta, lookUpActive, openDelta } from "./delta/inspect-delta.ts";
import { nameSources } from "./errors.ts";
import { ENOUGH, explainParquet } from "./explain-parquet.ts";
import { explainStart } from "./explain-start.ts";
import { chooseFiles, fileSteps } from "./file-steps.ts";
import { lookingStager } from "./looking-stager.ts";
import { mapFiles, rowsWanted, textTransform } from "./inspect-context.ts";
import type { DeltaTable, Inspected, ParquetGroup, ParquetTable } from "./inspected.ts";
import { matchPatterns } from "./match-patterns.ts";
import { partitionColumns } from "./partition-columns.ts";
import { collect, inspect, refuseSteps, type TableContext, type Unencoded } from "./open-table.ts";
import { rowColumn } from "./row-columns.ts";
import { openScope } from "./scope.ts";

/** Files that the SQL is shown for: one of ten thousand says nothing more. */
const SHOWN_FILES = 3;
/** Parquet files whose footers are looked at, some at once: of more, the rest counts as fetched whole, and a note says so. */
const LOOKED_FILES = 1000;
/** Files left out that are named. */
const NAMED = 100;
/** Rows that columns are found out from. */
const HEAD_ROWS = 200;

/** Tells what opening a plan would do, over files or over the columns of a query. Fetches beginnings and footers only. */
export async function explainTable(
  plan: TabularPlan,
  source: AsyncIterable<FileRef> | Schema,
  { signal, columns, conditions }: ExplainOptions,
  context: TableContext,
): Promise<EngineExplanation> {
  refuseSteps(plan);
  const { workFolder: parentFolder, gate, instances } = context;
  const pins: StagedFile[] = [];
  const scope = await openScope({ parentFolder, gate, instances });
  const stager = lookingStager(context.stager, scope);
  const partial = new Map<string, SparseFile>();
  const base = {
    ...context,
    stager,
    scope,
    signal,
    pins,
    partial,
    columns,
    conditions,
    origins: new Map<string, string>(),
  };
  try {
    if (!(Symbol.asyncIterator in source)) return await explainRows(plan, source, base);
    const files = await collect(source, signal);
    const delta = plan.steps.find((step) => step.op === "read_delta_lake");
    return await (delta === undefined
      ? explainFiles(plan, files, base)
      : explainDelta(plan, delta, files, base));
  } finally {
    await scope.close();
    for (const pin of pins) await pin.release();
  }
}

/** With the names of the columns that are of use, in lower case. */
type Looked = Unencoded & Pick<ExplainOptions, "columns">;

async function explainRows(
  plan: TabularPlan,
  { columns }: Schema,
  { scope, signal, compile }: Unencoded,
): Promise<EngineExplanation> {
  const patterns = await matchPatterns(
    plan.steps,
    columns.map(({ name }) => name),
    scope,
    signal,
  );
  const typed = columns.map(rowColumn).map(({ name, sqlType }, at) => {
    return { name, sqlType: sqlType(), value: `c${at}` };
  });
  const inspected: Inspected = {
    kind: "rows",
    table: "rows of the query",
    columns: typed,
    uris: [],
    partitions: new Map(),
    patterns,
  };
  return { sql: compilePlan(plan, inspected, compile).sql, notes: [] };
}

async function explainFiles(
  plan: TabularPlan,
  files: readonly FileRef[],
  base: Looked,
): Promise<EngineExplanation> {
  const { left, pruned } = await pruneFiles(plan, files, base);
  const here = await mapFiles(left, (file) =>
    base.stager.isHere(file, { transform: transformOf(plan, file) }),
  );
  const cached = sizeOf(left.filter((_, at) => here[at]));
  const wanted = rowsWanted(plan) ?? HEAD_ROWS;
  const some = plan.steps.some(({ op }) => op === "read_parquet") ? LOOKED_FILES : SHOWN_FILES;
  const looked = (left.length > 0 ? left : files).slice(0, some);
  const start = await explainStart(plan, left, base.stager, base.signal);
  let parquet: ParquetTable | undefined;
  const look = async (): Promise<Inspected> => {
    const found = await inspect(plan, looked, base, Math.min(wanted, HEAD_ROWS));
    if (found.kind !== "parquet") return found;
    parquet = found;
    return { ...found, groups: ofFirstFiles(found.groups) };
  };
  const text = await sqlOf(plan, look, left.length, base);
  const bytes = { stored: sizeOf(files), read: sizeOf(left), fetch: sizeOf(left) - cached, cached };
  const explained = { files: { listed: files.length, read: left.length, pruned }, bytes };
  if (start !== undefined && cached < bytes.read) {
    const { read, fetch, note } = start;
    return {
      ...text,
      ...explained,
      notes: [...text.notes, note],
      bytes: { ...bytes, read, fetch, cached: read - fetch },
    };
  }
  if (parquet === undefined || left.length === 0 || !("sql" in text)) return { ...text, ...explained };
  const own = (file: FileRef): number => (here[left.indexOf(file)] === true ? 0 : file.stat.size);
  const parts = await explainParquet(plan, parquet, looked, base, own);
  const rest = parts.isEnough ? [] : left.slice(looked.length);
  const unread = parts.isEnough ? left.slice(looked.length) : [];
  return {
    sql: text.sql,
    notes: [...text.notes, ...parts.notes, ...unseenNote(looked.length, left.length, rest.length)],
    files: {
      listed: files.length,
      read: left.length - parts.pruned.length - unread.length,
      pruned: [...pruned, ...parts.pruned, ...unread.map(({ uri }) => ({ uri, reason: ENOUGH }))].slice(
        0,
        NAMED,
      ),
    },
    bytes: {
      ...bytes,
      fetch: parts.bytes.fetch + rest.reduce((sum, file) => sum + own(file), 0),
      cached: cached + parts.bytes.cached,
    },
  };
}

/** The groups of the first files that SQL is shown for. */
function ofFirstFiles<T extends ParquetGroup>(groups: readonly T[]): readonly T[] {
  return groups
    .filter(({ places: [first = 0] }) => first < SHOWN_FILES)
    .map((group) => {
      const count = group.places.filter((place) => place < SHOWN_FILES).length;
      return { ...group, places: group.places.slice(0, count), paths: group.paths.slice(0, count) };
    });
}

async function explainDelta(
  plan: TabularPlan,
  step: Extract<Step, { readonly op: "read_delta_lake" }>,
  files: readonly FileRef[],
  base: Looked,
): Promise<EngineExplanation> {
  const opened = await openDelta(plan, step, files, base, base.conditions);
  const { listed, active, pruned, log } = opened;
  const seen = active.slice(0, LOOKED_FILES);
  const refs = await lookUpActive({ log, active: seen }, base.signal);
  let table: DeltaTable | undefined;
  const look = async (): Promise<Inspected> => {
    const found = await inspectDelta({ ...opened, active: seen }, refs, base);
    const names = found.columns.map(({ name }) => name);
    const patterns = await matchPatterns(plan.steps, names, base.scope, base.signal);
    table = { ...found, partitions: partitionColumns(plan, found.uris), patterns };
    return { ...table, groups: ofFirstFiles(table.groups) };
  };
  const text = await sqlOf(plan, look, active.length, base);
  const here = await mapFiles(refs, (file) => base.stager.isHere(file));
  const own = (file: FileRef): number => (here[refs.indexOf(file)] === true ? 0 : file.stat.size);
  const parts =
    table === undefined
      ? {
          pruned: [],
          notes: [],
          isEnough: false,
          bytes: { fetch: refs.reduce((sum, file) => sum + own(file), 0), cached: 0 },
        }
      : await explainParquet(plan, table, refs, base, own);
  const behind = active.slice(seen.length);
  const rest = parts.isEnough ? [] : behind;
  const unread = parts.isEnough ? behind : [];
  const unseen = sizeOf(rest.map((stat) => ({ stat })));
  const uriOf = (path: string): string => `${log.uri}/${path}`;
  const isLocal = log.storage.uri.startsWith("file:");
  const left = pruned.map(({ file, reason }) => ({ uri: uriOf(file.path), reason }));
  const enough = unread.map(({ path }) => ({ uri: uriOf(path), reason: ENOUGH }));
  return {
    ...text,
    notes: [...text.notes, ...parts.notes, ...unseenNote(seen.length, active.length, rest.length)],
    files: {
      listed: listed.length,
      read: active.length - parts.pruned.length - unread.length,
      pruned: [...left, ...parts.pruned, ...enough].slice(0, NAMED),
    },
    bytes: {
      stored: sizeOf(listed.map((stat) => ({ stat }))),
      read: sizeOf(active.map((stat) => ({ stat }))),
      fetch: parts.bytes.fetch + (isLocal ? 0 : unseen),
      cached: sizeOf(refs.filter((_, at) => here[at])) + parts.bytes.cached + (isLocal ? unseen : 0),
    },
  };
}

function unseenNote(seen: number, count: number, rest: number): readonly string[] {
  return rest === 0
    ? []
    : [`The footers of ${seen} of ${count} files were looked at; the other ${rest} count as fetched whole.`];
}

/** The files that the filters in front of the read step leave, and for each other one the filter. */
async function pruneFiles(
  plan: TabularPlan,
  files: readonly FileRef[],
  { scope, signal, compile }: Unencoded,
): Promise<{ readonly left: readonly FileRef[]; readonly pruned: readonly PrunedFile[] }> {
  const pruned: PrunedFile[] = [];
  const steps = fileSteps(plan);
  let left = files;
  for (const [at, step] of steps.entries()) {
    if (step.op !== "filter" || left.length === 0) continue;
    const before = steps.slice(0, at).filter(({ op }) => op.startsWith("extract_"));
    const asked = { ...plan, steps: [...before, step, ...plan.steps.slice(steps.length)] };
    const kept = new Set(await chooseFiles(asked, left, scope, compile, signal));
    const reason = `filter: ${formatFilter(step.where)}`;
    const gone = left.filter((file) => !kept.has(file)).slice(0, NAMED - pruned.length);
    pruned.push(...gone.map(({ uri }) => ({ uri, reason })));
    left = left.filter((file) => kept.has(file));
  }
  return { left, pruned };
}

async function sqlOf(
  plan: TabularPlan,
  look: () => Promise<Inspected>,
  count: number,
  { scope, compile }: Unencoded,
): Promise<Pick<EngineExplanation, "sql" | "notes">> {
  const some = count > SHOWN_FILES;
  try {
    const { sql } = compilePlan(plan, await look(), compile);
    const notes = some ? [`The SQL is shown for ${SHOWN_FILES} of ${count} files.`] : [];
    if (count === 0)
      notes.push("No file is left to read: the table has no rows, and the columns of the first file.");
    return { sql: nameSources(sql, scope.origins()), notes };
  } catch (error) {
    // What the rest of the files would tell is not known; a mistake of the plan is one in any case.
    const unknown = isAmlError(error, "unavailable") || (some && isAmlError(error, "plan_invalid"));
    if (!unknown) throw error;
    return { notes: [`There is no SQL to show: ${error.message}`] };
  }
}

function transformOf(plan: TabularPlan, file: FileRef): ReturnType<typeof textTransform> {
  const read = plan.steps.find(({ op }) => op === "read_delimited" || op === "read_json_lines");
  return read === undefined ? undefined : textTransform(file, "encoding" in read ? read.encoding : undefined);
}

function sizeOf(files: readonly { readonly stat: { readonly size: number } }[]): number {
  return files.reduce((sum, { stat }) => sum + stat.size, 0);
}
