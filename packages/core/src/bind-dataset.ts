import { AmlError } from "./aml-error.ts";
import { columnFiles } from "./column-files.ts";
import { columnBatches } from "./column-batches.ts";
import type { ContentHash } from "./copy-types.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import type {
  DownloadOptions,
  FileDataset,
  RegisterOptions,
  SampleOptions,
  TabularDataset,
  WriteTableOptions,
} from "./dataset.ts";
import { downloadFiles } from "./download-files.ts";
import type { FileRef, TableFormat, TabularResult } from "./engine.ts";
import { encodeLazily } from "./encode-lazily.ts";
import { encodeQuery } from "./encode-query.ts";
import { explainFiles, explainQuery } from "./explain-dataset.ts";
import type { Expr } from "./expr.ts";
import { applyFileSteps, filePlan, splitSteps } from "./file-steps.ts";
import { parseFilter } from "./filter.ts";
import { listFiles } from "./list-files.ts";
import { loadQuery, type QueryContext } from "./load-query.ts";
import { openQuery } from "./open-query.ts";
import { queryColumnBatches } from "./query-column-batches.ts";
import { parsePlan, planHash } from "./parse-plan.ts";
import { partitionBy } from "./partition-by.ts";
import { partitionKeys, partitionKeyValues } from "./partition-keys.ts";
import type { ColumnSelector, ColumnTypeSpec, PinnedFile, Plan, Source, Step } from "./plan.ts";
import type { DatasetKind, DatasetRecord, Registry } from "./registry.ts";
import { snakeCase } from "./snake-case.ts";
import type { FileStat, OperationOptions } from "./storage.ts";
import { parseStorePath } from "./store-path.ts";
import type { ProfileByFile } from "./profile-state.ts";
import type { TableProfile } from "./table-profile.ts";
import type { Schema } from "./table.ts";
import { rowsReader } from "./typed-rows.ts";
import { timeSeries, withoutLostTraits } from "./time-series.ts";
import type { Workspace } from "./workspace.ts";
import { writeFile } from "./write-file.ts";
import { writePart } from "./write-rows.ts";

/** What a dataset needs of its workspace. */
export interface DatasetContext extends Pick<Workspace, "locate">, QueryContext {
  readonly registry: Registry;
  readonly createHash: (() => ContentHash) | undefined;
}

/** Gives a plan of files its verbs. */
export function bindFileDataset(plan: Plan, context: DatasetContext, record?: DatasetRecord): FileDataset {
  const bind = (next: Plan): FileDataset => bindFileDataset(next, context);
  const files = (options?: OperationOptions): AsyncIterable<FileRef> =>
    applyFileSteps(listFiles(plan.source, context.locate, options), plan.steps);
  return Object.freeze({
    kind: "file",
    plan,
    record,
    files,
    ...subsetting(plan, bind),
    ...partitioning(plan, files),
    toTabular: (format: string, options: object = {}) =>
      bindTabularDataset(
        parsePlan({
          ...plan,
          steps: [...plan.steps, { op: `read_${format}`, ...(snakeCase(options) as object) }],
        }),
        context,
      ),
    register: (name: string, options?: RegisterOptions) => register("file", plan, name, context, options),
    download: async (target: string, options: DownloadOptions = {}) =>
      downloadFiles(files(options), await context.locate(target, options), options, context.createHash),
  });
}

/** Tells an engine that names and types will do. */
const NO_ROW: Step = { op: "take", count: 0 };

/** Gives a plan of rows its verbs. */
export function bindTabularDataset(
  plan: Plan,
  context: DatasetContext,
  record?: DatasetRecord,
): TabularDataset {
  const bind = (next: Plan): TabularDataset => bindTabularDataset(next, context);
  const add = (step: Step): TabularDataset => bind(appendStep(plan, step));
  const choose = (op: "keep_columns" | "drop_columns", columns: ColumnSelector): TabularDataset =>
    bind(withoutLostTraits(appendStep(plan, { op, columns }), op, columns));
  const { fileSteps, rowSteps } = splitSteps(plan.steps);
  const files = (options?: OperationOptions): AsyncIterable<FileRef> =>
    applyFileSteps(listFiles(filesOf(plan), context.locate, options), fileSteps);
  const open = async (options?: ReadTableOptions, last: readonly Step[] = []): Promise<TabularResult> => {
    const { source } = plan;
    if (source.from === "query") return openQuery({ ...plan, source }, context, options);
    const engine = await context.engine();
    const more = last.filter(({ op }) => engine.ops.has(op));
    const chosen = fileSteps.length === 0 ? files(options) : await unlessNone(files(options));
    if (chosen !== undefined) return engine.open({ ...plan, steps: [...rowSteps, ...more] }, chosen, options);
    // Of no file there are no rows; names and types are those of the first.
    const first = applyFileSteps(listFiles(filesOf(plan), context.locate, options), [
      { op: "take", count: 1 },
    ]);
    return engine.open({ ...plan, steps: [...rowSteps, NO_ROW] }, first, options);
  };
  /** In the engine, also the rows of a query without steps. */
  const load = async (options?: ReadTableOptions): Promise<TabularResult> => {
    const { source } = plan;
    return source.from === "query" ? loadQuery({ ...plan, source }, context, options) : open(options);
  };
  const encode = (format: TableFormat, options?: ReadTableOptions): ReadableStream<Uint8Array> => {
    const { source } = plan;
    return source.from === "query"
      ? encodeQuery({ ...plan, source }, context, format, options)
      : encodeLazily(() => open(options), format, options);
  };
  const toFiles = async (
    format: TableFormat,
    target: string,
    options: WriteTableOptions = {},
  ): Promise<FileDataset> => {
    const file = await writePart(target, format, encode(format, options), options, context);
    const source = { from: "paths", paths: [{ file }] };
    return bindFileDataset(parsePlan({ version: 1, source, steps: [] }), context);
  };
  const table: TabularDataset = Object.freeze<TabularDataset>({
    kind: "tabular",
    plan,
    record,
    files,
    open: (options) => open(options),
    encode,
    ...subsetting(plan, bind),
    ...partitioning(plan, files),
    toFiles: () => bindFileDataset(filePlan(plan), context),
    filter: (where: string | Expr) =>
      add({ op: "filter", where: typeof where === "string" ? parseFilter(where) : where }),
    ...timeSeries(plan, bind),
    keepColumns: (columns: ColumnSelector) => choose("keep_columns", columns),
    dropColumns: (columns: ColumnSelector) => choose("drop_columns", columns),
    convertColumnTypes: (types) =>
      add({
        op: "convert_column_types",
        columns: Object.entries(types).map(([columns, type]) => ({
          columns,
          column_type: snakeCase(type) as ColumnTypeSpec,
        })),
      }),
    extractColumnsFromPartitionFormat: (partition_format) =>
      bind(
        parsePlan({
          ...plan,
          steps: [{ op: "extract_columns_from_partition_format", partition_format }, ...plan.steps],
        }),
      ),
    register: (name, options) => register("tabular", plan, name, context, options),
    schema: async (options): Promise<Schema> => {
      if (options?.rows !== undefined)
        return bind(withFirstRows(plan, options.rows)).schema({ signal: options.signal });
      const result = await open(options, [NO_ROW]);
      await result[Symbol.asyncDispose]();
      return result.schema;
    },
    download: async (column, target, { ignoreNotFound = true, ...options } = {}) => {
      const rows = table.keepColumns([column]).rows(options);
      const named = columnFiles(rows, column, (uri) => context.locate(uri, options), {
        ...options,
        ignoreNotFound,
      });
      return downloadFiles(named, await context.locate(target, options), options, context.createHash);
    },
    selectPartitions: (partitions) => add({ op: "select_partitions", partitions }),
    partitionCount: async (options) => {
      await using result = await open(options);
      if (result.partitionCount !== undefined) return await result.partitionCount(options);
      throw new AmlError(
        "unsupported",
        "The rows of a query, and this engine's tables, have no partitions.",
        {
          hint: "Write them to files first: toParquetFiles().",
        },
      );
    },
    inferTypes: async (options) => {
      const { inferTypes } = await context.engine();
      if (inferTypes === undefined || plan.source.from === "query") throw noInference();
      return inferTypes({ ...plan, steps: rowSteps }, files(options), options);
    },
    rows: rowsReader(open, (columns) => table.keepColumns(columns).open),
    explain: async (options) => {
      const { source } = plan;
      if (source.from === "query") return explainQuery({ ...plan, source }, context, options);
      const listed = listFiles(filesOf(plan), context.locate, options);
      return explainFiles(plan, listed, await context.engine(), options);
    },
    columnBatches: (options) => {
      const { source } = plan;
      return source.from === "query"
        ? queryColumnBatches({ ...plan, source }, context, options)
        : columnBatches(open, options);
    },
    profile: (options) => profileOf(load, options),
    profileByFile: async (options): Promise<ProfileByFile> => {
      const engine = await context.engine();
      if (engine.profileByFile === undefined || plan.source.from === "query") throw noProfile();
      return engine.profileByFile({ ...plan, steps: rowSteps }, files(options), options);
    },
    partitionBy: async (keys, target, options = {}) =>
      partitionBy(encode("parquet", options), keys, target, options, context, bind),
    toCsvFiles: (target, options) => toFiles("csv", target, options),
    toParquetFiles: (target, options) => toFiles("parquet", target, options),
    write: async (target, format, options = {}) => {
      const { overwrite: _, ...reading } = options;
      const body = () => (typeof format === "function" ? format(table, reading) : encode(format, options));
      return writeTable(target, body, context, options);
    },
  });
  return table;
}

/** @throws `unsupported` where the engine makes no profiles. */
export async function profileOf(
  open: (options?: ReadTableOptions) => Promise<TabularResult>,
  options?: ReadTableOptions,
): Promise<TableProfile> {
  await using result = await open(options);
  if (result.profile === undefined) throw noProfile();
  return await result.profile(options);
}

/** Writes a table's bytes as one file. @throws `path_invalid` for a folder or a pattern. */
export async function writeTable(
  target: string,
  body: () => ReadableStream<Uint8Array>,
  { locate }: Pick<Workspace, "locate">,
  options: WriteTableOptions,
): Promise<FileStat> {
  const { storage, path } = await locate(target, options);
  if (path === "" || path.endsWith("/") || path.includes("*")) throw noFileName(target);
  return writeFile(storage, parseStorePath(path), body(), options);
}

function noProfile(): AmlError {
  return new AmlError(
    "unsupported",
    "The table engine of this workspace makes no such profile of this table.",
    {
      hint: "Use an engine that does, e.g. that of @aml/engine-duckdb; of a query, profile() alone.",
    },
  );
}

function noInference(): AmlError {
  return new AmlError("unsupported", "Types are inferred of delimited files, by an engine that does so.", {
    hint: "Other sources have types of their own: schema() tells them.",
  });
}

function noFileName(target: string): AmlError {
  return new AmlError("path_invalid", `${target} does not name one file to write.`, {
    operation: "write",
    hint: "Add a file name; a table is written as one file.",
  });
}

/** Of a Delta table only the log: it names the rest. */
export function filesOf({ source, steps }: Plan): Source {
  if (source.from === "query" || steps[0]?.op !== "read_delta_lake") return source;
  const [path] = source.paths as readonly [{ readonly folder: string }];
  return { ...source, paths: [{ folder: `${path.folder.replace(/\/*$/, "")}/_delta_log/` }] };
}

function appendStep(plan: Plan, step: Step): Plan {
  return parsePlan({ ...plan, steps: [...plan.steps, step] });
}

/** The same items; undefined for none. */
async function unlessNone<T>(items: AsyncIterable<T>): Promise<AsyncIterable<T> | undefined> {
  const iterator = items[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return undefined;
  return (async function* () {
    try {
      yield first.value;
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  })();
}

/** A table of the first rows of its files. Those of a query have columns without any. */
function withFirstRows(plan: Plan, rows: number): Plan {
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw new AmlError("plan_invalid", `A schema cannot be told of ${rows} rows.`, {
      hint: "Give a whole number of at least 1, or leave rows out.",
    });
  }
  if (plan.source.from === "query") return plan;
  const read = plan.steps.findIndex(({ op }) => op.startsWith("read_"));
  const take: Step = { op: "take", count: rows };
  return parsePlan({ ...plan, steps: plan.steps.toSpliced(read + 1, 0, ...(read < 0 ? [] : [take])) });
}

function subsetting<Self>(
  plan: Plan,
  bind: (plan: Plan) => Self,
): {
  take(count: number): Self;
  skip(count: number): Self;
  takeRandomSample(options: SampleOptions): Self;
  randomSplit(share: number, seed?: number): readonly [Self, Self];
} {
  const add = (step: Step): Self => bind(appendStep(plan, step));
  const part = (seed: number, probability_lower_bound: number, probability: number): Self =>
    add({
      op: "sample",
      sampler: "random_percent",
      sampler_arguments: { probability, probability_lower_bound, seed },
    });
  return {
    take: (count) => add({ op: "take", count }),
    skip: (count) => add({ op: "skip", count }),
    takeRandomSample: ({ probability, seed }) =>
      add({ op: "take_random_sample", probability, ...(seed === undefined ? {} : { seed }) }),
    // Both parts need the same draws.
    randomSplit: (share, seed = Math.floor(Math.random() * 2 ** 31)) => [
      part(seed, 0, share),
      part(seed, share, 1),
    ],
  };
}

function partitioning(
  plan: Plan,
  files: (options?: OperationOptions) => AsyncIterable<FileRef>,
): Pick<FileDataset, "partitionKeys" | "partitionKeyValues"> {
  return {
    partitionKeys: partitionKeys(plan),
    partitionKeyValues: async (options = {}) => partitionKeyValues(plan, files(options), options),
  };
}

async function register(
  kind: DatasetKind,
  plan: Plan,
  name: string,
  { registry, locate, engine }: DatasetContext,
  { description, tags, pin = true, ...options }: RegisterOptions = {},
): Promise<DatasetRecord> {
  const { source } = plan;
  let pinnedPlan = plan;
  const isDelta = plan.steps[0]?.op === "read_delta_lake";
  if (pin && isDelta) {
    const tables = await engine();
    pinnedPlan = (await tables.pin?.(plan, listFiles(filesOf(plan), locate, options), options)) ?? plan;
  } else if (pin && source.from === "paths" && source.pinned === undefined) {
    const pinned: PinnedFile[] = [];
    for await (const { uri, relativePath, stat } of listFiles(source, locate, options)) {
      pinned.push({
        uri,
        relativePath,
        size: stat.size,
        ...(stat.etag === undefined ? {} : { etag: stat.etag }),
      });
    }
    pinnedPlan = parsePlan({ ...plan, source: { ...source, pinned } });
  }
  const hash = await planHash(pinnedPlan);
  return registry.registerDataset({ name, kind, plan: pinnedPlan, hash, description, tags }, options);
}
