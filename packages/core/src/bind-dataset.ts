import { AmlError } from "./aml-error.ts";
import { copyFiles } from "./copy-files.ts";
import type {
  DownloadOptions,
  FileDataset,
  RegisterOptions,
  SampleOptions,
  TabularDataset,
} from "./dataset.ts";
import type { FileRef, TableFormat, TabularEngine, TabularResult } from "./engine.ts";
import type { Expr } from "./expr.ts";
import { applyFileSteps, splitSteps } from "./file-steps.ts";
import { parseFilter } from "./filter.ts";
import { listFiles } from "./list-files.ts";
import { parsePlan, planHash } from "./parse-plan.ts";
import type { ColumnSelector, ColumnTypeSpec, PinnedFile, Plan, Step } from "./plan.ts";
import type { DatasetKind, DatasetRecord, Registry } from "./registry.ts";
import { snakeCase } from "./snake-case.ts";
import type { OperationOptions } from "./storage.ts";
import { parseStorePath } from "./store-path.ts";
import type { Row, Schema } from "./table.ts";
import type { Workspace } from "./workspace.ts";
import { writeFile } from "./write-file.ts";

/** What a dataset needs of its workspace. */
export interface DatasetContext extends Pick<Workspace, "locate"> {
  readonly registry: Registry;
  engine(): Promise<TabularEngine>;
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
    register: (name: string, options?: RegisterOptions) => register("file", plan, name, context, options),
    download: async (target: string, options: DownloadOptions = {}) =>
      copyFiles(files(options), await context.locate(target, options), options),
  });
}

/** Gives a plan of rows its verbs. */
export function bindTabularDataset(
  plan: Plan,
  context: DatasetContext,
  record?: DatasetRecord,
): TabularDataset {
  const bind = (next: Plan): TabularDataset => bindTabularDataset(next, context);
  const add = (step: Step): TabularDataset => bind(appendStep(plan, step));
  const { fileSteps, rowSteps } = splitSteps(plan.steps);
  const files = (options?: OperationOptions): AsyncIterable<FileRef> =>
    applyFileSteps(listFiles(plan.source, context.locate, options), fileSteps);
  const open = async (options?: OperationOptions): Promise<TabularResult> =>
    (await context.engine()).open({ ...plan, steps: rowSteps }, files(options), options);
  const encode = (format: TableFormat, options?: OperationOptions): ReadableStream<Uint8Array> =>
    encodeLazily(() => open(options), format, options);
  return Object.freeze<TabularDataset>({
    kind: "tabular",
    plan,
    record,
    files,
    open,
    encode,
    ...subsetting(plan, bind),
    filter: (where: string | Expr) =>
      add({ op: "filter", where: typeof where === "string" ? parseFilter(where) : where }),
    keepColumns: (columns: ColumnSelector) => add({ op: "keep_columns", columns }),
    dropColumns: (columns: ColumnSelector) => add({ op: "drop_columns", columns }),
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
      const result = await open(options);
      await result[Symbol.asyncDispose]();
      return result.schema;
    },
    rows: (options) => rows(open, options),
    write: async (target, format, options = {}) => {
      const { storage, path } = await context.locate(target, options);
      if (path === "" || path.endsWith("/") || path.includes("*")) throw noFileName(target);
      return writeFile(storage, parseStorePath(path), encode(format, options), options);
    },
  });
}

function noFileName(target: string): AmlError {
  return new AmlError("path_invalid", `${target} does not name one file to write.`, {
    operation: "write",
    hint: "Add a file name; a table is written as one file.",
  });
}

function appendStep(plan: Plan, step: Step): Plan {
  return parsePlan({ ...plan, steps: [...plan.steps, step] });
}

function subsetting<Self>(
  plan: Plan,
  bind: (plan: Plan) => Self,
): {
  take(count: number): Self;
  skip(count: number): Self;
  takeRandomSample(options: SampleOptions): Self;
  randomSplit(share: number, seed: number): readonly [Self, Self];
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
    randomSplit: (share, seed) => [part(seed, 0, share), part(seed, share, 1)],
  };
}

async function register(
  kind: DatasetKind,
  plan: Plan,
  name: string,
  { registry, locate }: DatasetContext,
  { description, tags, pin = true, ...options }: RegisterOptions = {},
): Promise<DatasetRecord> {
  const { source } = plan;
  let pinnedPlan = plan;
  if (pin && source.from === "paths" && source.pinned === undefined) {
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

async function* rows(
  open: (options?: OperationOptions) => Promise<TabularResult>,
  options?: OperationOptions,
): AsyncIterable<Row> {
  const result = await open(options);
  try {
    for await (const batch of result.batches(options)) yield* batch;
  } finally {
    await result[Symbol.asyncDispose]();
  }
}

/** A stream that opens its table at the first pull and disposes of it at the end. */
function encodeLazily(
  open: () => Promise<TabularResult>,
  format: TableFormat,
  options?: OperationOptions,
): ReadableStream<Uint8Array> {
  let result: TabularResult | undefined;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const close = async (): Promise<void> => {
    await result?.[Symbol.asyncDispose]();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller): Promise<void> {
        try {
          result ??= await open();
          reader ??= result.encode(format, options).getReader();
          const chunk = await reader.read();
          if (!chunk.done) {
            controller.enqueue(chunk.value);
            return;
          }
        } catch (error) {
          await close();
          throw error;
        }
        await close();
        controller.close();
      },
      async cancel(reason): Promise<void> {
        await reader?.cancel(reason);
        await close();
      },
    },
    { highWaterMark: 0 },
  );
}
