import {
  AmlError,
  isAmlError,
  type FileRef,
  type Schema,
  type StepOp,
  type TabularPlan,
  type TabularResult,
} from "@aml/core";
import type { Gate, StagedFile, Stager } from "@aml/staging";
import { compilePlan, type CompiledPlan } from "./compile-plan.ts";
import type { CsvShape } from "./csv-scan.ts";
import { encodeTable } from "./encode-table.ts";
import { nameSources } from "./errors.ts";
import { chooseFiles } from "./file-steps.ts";
import { mapFiles, rowsWanted, type InspectContext } from "./inspect-context.ts";
import { findCsvFault } from "./find-csv-fault.ts";
import { inspectDelimited } from "./inspect-delimited.ts";
import { inspectJson } from "./inspect-json.ts";
import { findDamagedParquet, inspectParquet, stageParquet } from "./inspect-parquet.ts";
import type { Inspected } from "./inspected.ts";
import type { InstancePool } from "./instance-pool.ts";
import { matchPatterns } from "./match-patterns.ts";
import { streamQuery } from "./output-sql.ts";
import { partitionColumns } from "./partition-columns.ts";
import { columnTypeOf } from "./plan-column.ts";
import type { CompileOptions } from "./relation.ts";
import { openScope, type Scope } from "./scope.ts";
import { probeFor } from "./start-query.ts";
import { streamRows, type ConversionErrors, type Locate } from "./stream-rows.ts";

export const OPS: ReadonlySet<StepOp> = new Set<StepOp>([
  "read_delimited",
  "read_json_lines",
  "read_parquet",
  "extract_columns_from_partition_format",
  "convert_column_types",
  "keep_columns",
  "drop_columns",
  "filter",
  "take",
  "skip",
  "take_random_sample",
  "sample",
]);

export interface TableContext {
  readonly stager: Stager;
  readonly gate: Gate;
  readonly workFolder: string;
  readonly instances: InstancePool;
  readonly shapes: Map<string, CsvShape>;
  readonly compile: CompileOptions;
  /** Called once, when the table is disposed of. */
  readonly onClose: (table: TabularResult) => void;
  readonly onConversionErrors: ((errors: ConversionErrors) => void) | undefined;
}

export async function openTable(
  plan: TabularPlan,
  files: AsyncIterable<FileRef>,
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<TabularResult> {
  refuseSteps(plan);
  const { workFolder: parentFolder, gate, instances } = context;
  const pins: StagedFile[] = [];
  const scope = await openScope({ parentFolder, gate, instances });
  const close = async (): Promise<void> => {
    await scope.close();
    for (const pin of pins) await pin.release();
  };
  try {
    const all = await collect(files, signal);
    const chosen = await chooseFiles(plan, all, scope, context.compile, signal);
    const inspected = await inspect(plan, chosen, { ...context, scope, signal, pins, origins: new Map() });
    const compiled = compilePlan(plan, inspected, context.compile);
    const verify = async (stop?: AbortSignal): Promise<void> => {
      await mapFiles(pins, (pin) => pin.check({ signal: stop }));
    };
    const probe = probeFor(plan, chosen, inspected, context.compile);
    return createTable({ compiled, probe, inspected, scope, context, close, verify });
  } catch (error) {
    await close();
    signal?.throwIfAborted();
    throw error;
  }
}

function refuseSteps(plan: TabularPlan): void {
  if (plan.source.from !== "paths") {
    throw new AmlError("unsupported", "This engine does not run queries of databases.", {
      hint: "Read files, or export the query's result to files first.",
    });
  }
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

async function collect(files: AsyncIterable<FileRef>, signal: AbortSignal | undefined): Promise<FileRef[]> {
  const out: FileRef[] = [];
  for await (const file of files) {
    signal?.throwIfAborted();
    out.push(file);
  }
  if (out.length > 0) return out;
  throw new AmlError("not_found", "The paths stand for no file.", {
    hint: "Check the paths and patterns against a listing of the store; names are case-sensitive.",
  });
}

type Unencoded = Omit<InspectContext, "encoding">;

async function inspect(plan: TabularPlan, files: readonly FileRef[], base: Unencoded): Promise<Inspected> {
  const { scope, signal, origins } = base;
  const uris = files.map(({ uri }) => uri);
  const partitions = partitionColumns(plan, uris);
  const step = plan.steps.find(({ op }) => op.startsWith("read_"));
  const encoding = step !== undefined && "encoding" in step ? step.encoding : undefined;
  const context: InspectContext = { ...base, encoding };
  const wanted = rowsWanted(plan);
  const finish = async <T extends object>(found: T, names: readonly string[]): Promise<T & Common> => {
    if (step?.op !== "read_parquet") await scope.lock(origins, names.length);
    const more = [...partitions.values()].flat().map(({ name }) => name);
    const path = step !== undefined && "path_column" in step ? (step.path_column ?? "Path") : "Path";
    const every = [...new Set([path, ...more, ...names])];
    return { ...found, uris, partitions, patterns: await matchPatterns(plan.steps, every, scope, signal) };
  };
  switch (step?.op) {
    case "read_delimited": {
      const found = await inspectDelimited(step, files, wanted, context);
      return finish(
        found,
        found.columns.map(({ name }) => name),
      );
    }
    case "read_json_lines": {
      const found = await inspectJson(step, files, wanted, context);
      return finish(
        found,
        found.columns.map(({ name }) => name),
      );
    }
    case "read_parquet": {
      const paths = await stageParquet(files, context);
      await scope.lock(origins);
      const found = await inspectParquet(paths, context);
      return finish(
        found,
        found.columns.map(({ name }) => name),
      );
    }
    default:
      return finish({ kind: "files" as const }, []);
  }
}

type Common = Pick<Inspected, "uris" | "partitions" | "patterns">;

interface TableParts {
  readonly compiled: CompiledPlan;
  readonly probe: string | undefined;
  readonly inspected: Inspected;
  readonly scope: Scope;
  readonly context: TableContext;
  readonly close: () => Promise<void>;
  /** @throws `precondition_failed` when a file is no longer the one that was listed. */
  readonly verify: (signal?: AbortSignal) => Promise<void>;
}

function createTable({
  compiled,
  probe,
  inspected,
  scope,
  context,
  close,
  verify,
}: TableParts): TabularResult {
  const { onConversionErrors, onClose } = context;
  const columns = compiled.columns.map(({ name, sqlType, nullable }) => {
    return Object.freeze({ name, type: columnTypeOf(sqlType), nullable });
  });
  const schema: Schema = Object.freeze({ columns: Object.freeze(columns) });
  const query = streamQuery(compiled);
  const running = new Set<AbortController>();
  let closing: Promise<void> | undefined;
  const locate: Locate = async (error, signal) => {
    if (inspected.kind === "delimited") await findCsvFault(inspected, error, scope.origins(), signal);
    if (inspected.kind !== "parquet" || error.code !== "parse_failed" || "uri" in error.context) return;
    await findDamagedParquet(inspected.groups, scope, signal);
  };
  const explain = async (signal?: AbortSignal): Promise<void> => {
    try {
      await scope.run(`SELECT count(*), bit_xor(hash(t)) FROM (${query.sql}) t`, signal);
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
  async function* batches(signal: AbortSignal | undefined): ReturnType<typeof streamRows> {
    const run = begin(signal);
    const { signal: stop } = run;
    try {
      yield* streamRows({ scope, query, probe, signal: stop, onConversionErrors, explain, locate, verify });
    } finally {
      run.end();
    }
  }
  const table: TabularResult = Object.freeze<TabularResult>({
    schema,
    sql: nameSources(compiled.sql, scope.origins()),
    batches: (options) => batches(options?.signal),
    encode: (format, options) =>
      encodeTable(scope, compiled, format, { locate, verify, onConversionErrors, ...begin(options?.signal) }),
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
