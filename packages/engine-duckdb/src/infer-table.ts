import {
  AmlError,
  type FileRef,
  type InferredColumn,
  type InferredTypes,
  type InferTypesOptions,
  type Step,
  type StepOf,
  type TabularPlan,
  type ValuePlace,
} from "@aml/core";
import type { SparseFile, StagedFile } from "@aml/staging";
import { sampleRows, type ColumnInference } from "./csv-columns.ts";
import { chooseFiles } from "./file-steps.ts";
import type { Inference, Sighting } from "./infer-types.ts";
import { inferJson } from "./infer-json.ts";
import { rowsWanted, type InspectContext } from "./inspect-context.ts";
import { inspectDelimited } from "./inspect-delimited.ts";
import { inferFromRows, ROWS_IN_MEMORY, withoutSample } from "./infer-from-rows.ts";
import { collect, openTable, type TableContext } from "./open-table.ts";
import { partitionColumns } from "./partition-columns.ts";
import { openScope } from "./scope.ts";

/**
 * Finds out the types of the columns that a plan reads from delimited files or JSON lines, and the values that force them.
 *
 * @throws `unsupported` for a plan that reads anything else, from files that are there; `plan_invalid` for a number of rows below 1; what reading throws.
 */
export async function inferTable(
  asked: TabularPlan,
  files: AsyncIterable<FileRef>,
  options: InferTypesOptions,
  context: TableContext,
): Promise<InferredTypes> {
  const { signal } = options;
  const step = asked.steps.find((one) => one.op === "read_delimited" || one.op === "read_json_lines");
  if (step === undefined) {
    // Where there is no such file, that is the nearer fault.
    for await (const _ of files) break;
    throw noText();
  }
  const wanted = rowsOf(options.rows);
  const pins: StagedFile[] = [];
  const { workFolder: parentFolder, gate, instances } = context;
  const scope = await openScope({ parentFolder, gate, instances });
  try {
    const chosen = await chooseFiles(asked, await collect(files, signal), scope, context.compile, signal);
    const maps = { origins: new Map<string, string>(), partial: new Map<string, SparseFile>() };
    const { encoding } = step;
    const inspecting = { ...context, ...maps, encoding, scope, signal, pins };
    return step.op === "read_delimited"
      ? await inferText(asked, step, chosen, wanted, options, inspecting)
      : await inferLines(asked, step, chosen, wanted, inspecting);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await scope.close();
    for (const pin of pins) await pin.release();
  }
}

type Inferring = InspectContext & TableContext;

async function inferText(
  asked: TabularPlan,
  given: StepOf<"read_delimited">,
  files: readonly FileRef[],
  wanted: number | undefined,
  { lossless = false }: InferTypesOptions,
  context: Inferring,
): Promise<InferredTypes> {
  const { scope, signal, compile } = context;
  const rows = wanted ?? sampleRows(given);
  const step = wanted === undefined ? given : withRows(given, wanted);
  if (rows <= ROWS_IN_MEMORY) {
    const { columns, inferred, sampled } = await inspectDelimited(step, files, 0, context, lossless);
    return report(columns, inferred, files, sampled, sampled < rows);
  }
  const plan: TabularPlan = { ...asked, steps: [...asked.steps.slice(0, asked.steps.indexOf(given)), step] };
  const found = await inspectDelimited(withoutSample(step), files, undefined, context);
  await scope.lock(context.origins, found.columns.length);
  const uris = files.map(({ uri }) => uri);
  const table = { uris, ...found, partitions: partitionColumns(plan, uris), patterns: new Map() };
  const observing = { scope, signal, compile, rows, lossless };
  const { columns, inferred, sampled } = await inferFromRows(plan, step, table, observing);
  return report(columns, inferred, files, sampled, sampled < rows);
}

async function inferLines(
  asked: TabularPlan,
  step: StepOf<"read_json_lines">,
  files: readonly FileRef[],
  wanted: number | undefined,
  context: Inferring,
): Promise<InferredTypes> {
  const rows = wanted === undefined ? { wanted: rowsWanted(asked) } : { exactly: wanted };
  const { columns, inferred, rows: seen, limit, refused } = await inferJson(step, files, rows, context);
  if (refused) await readRows(asked, step, files, limit, context);
  return report(columns, inferred, files, seen, seen < limit);
}

/** Reads rows for the error that it throws. */
async function readRows(
  asked: TabularPlan,
  step: StepOf<"read_json_lines">,
  files: readonly FileRef[],
  rows: number,
  context: Inferring,
): Promise<void> {
  const take: readonly Step[] = Number.isFinite(rows) ? [{ op: "take", count: rows }] : [];
  const plan: TabularPlan = { ...asked, steps: [step, ...take] };
  await using table = await openTable(plan, listed(files), context.signal, context);
  for await (const _ of table.batches({ signal: context.signal }));
}

async function* listed(files: readonly FileRef[]): AsyncGenerator<FileRef> {
  yield* files;
}

/** The number of rows that is asked for. */
function rowsOf(wanted: number | "all" | undefined): number | undefined {
  if (wanted === undefined) return undefined;
  const rows = wanted === "all" ? Infinity : wanted;
  if (rows >= 1 && (rows === Infinity || Number.isSafeInteger(rows))) return rows;
  throw new AmlError("plan_invalid", `Types cannot be inferred from ${wanted} rows.`, {
    hint: 'Give a whole number from 1, or "all".',
  });
}

/** The step that looks at so many rows. */
function withRows(step: StepOf<"read_delimited">, rows: number): StepOf<"read_delimited"> {
  const { infer_column_types: infer } = step;
  const overrides = typeof infer === "object" ? infer : {};
  const sample_size = Math.min(rows, ROWS_IN_MEMORY);
  return { ...step, infer_column_types: { ...overrides, sample_size } };
}

function noText(): AmlError {
  return new AmlError("unsupported", "Types are inferred of delimited files and JSON lines only.", {
    hint: "Other files have types of their own: schema() tells them.",
  });
}

function report(
  columns: readonly { readonly name: string }[],
  inferred: readonly ColumnInference<InferredColumn["type"]>[],
  files: readonly FileRef[],
  rows: number,
  complete: boolean,
): InferredTypes {
  const place = (at: Sighting): ValuePlace => {
    const { row, value } = at;
    return {
      uri: files[at.file]?.uri ?? "",
      row,
      value: Array.from(value.slice(0, 400)).slice(0, 200).join(""),
    };
  };
  return {
    rows,
    complete,
    columns: inferred.map(({ by, inference }, at) => columnOf(columns[at]?.name ?? "", by, inference, place)),
  };
}

function columnOf(
  name: string,
  by: InferredColumn["by"],
  { type, values, forcedBy, ruledOut, dates, loses, convertsTo }: Inference<InferredColumn["type"]>,
  place: (at: Sighting) => ValuePlace,
): InferredColumn {
  const order = dates && {
    order: dates.order,
    ambiguous: dates.ambiguous,
    ...(dates.settledBy && { settledBy: place(dates.settledBy) }),
  };
  return {
    name,
    type,
    by,
    values,
    ...(forcedBy && { forcedBy: place(forcedBy) }),
    ruledOut: ruledOut.map((one) => ({ type: one.type, ...place(one.by) })),
    ...(order && { dates: order }),
    ...(convertsTo && { convertsTo }),
    ...(loses && { loses: place(loses) }),
  };
}
