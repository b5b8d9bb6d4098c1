import {
  AmlError,
  type FileRef,
  type InferredColumn,
  type InferredTypes,
  type InferTypesOptions,
  type StepOf,
  type TabularPlan,
  type ValuePlace,
} from "@aml/core";
import type { SparseFile, StagedFile } from "@aml/staging";
import { sampleRows, type ColumnInference } from "./csv-columns.ts";
import { chooseFiles } from "./file-steps.ts";
import type { Inference, Sighting } from "./infer-types.ts";
import type { InspectContext } from "./inspect-context.ts";
import { inspectDelimited } from "./inspect-delimited.ts";
import { inferFromRows, ROWS_IN_MEMORY, withoutSample } from "./infer-from-rows.ts";
import { collect, type TableContext } from "./open-table.ts";
import { partitionColumns } from "./partition-columns.ts";
import { openScope } from "./scope.ts";

type ReadDelimited = StepOf<"read_delimited">;

/**
 * Finds out the types of the columns that a plan reads from delimited files, and the values that force them.
 *
 * @throws `unsupported` for a plan that reads anything else; `plan_invalid` for a number of rows below 1; what reading throws.
 */
export async function inferTable(
  asked: TabularPlan,
  files: AsyncIterable<FileRef>,
  options: InferTypesOptions,
  context: TableContext,
): Promise<InferredTypes> {
  const { signal, lossless = false } = options;
  const readAt = asked.steps.findIndex(({ op }) => op === "read_delimited");
  const given = asked.steps[readAt];
  if (given?.op !== "read_delimited") throw noText();
  const { step, rows } = withRows(given, options.rows);
  const plan: TabularPlan = { ...asked, steps: [...asked.steps.slice(0, readAt), step] };
  const pins: StagedFile[] = [];
  const { workFolder: parentFolder, gate, instances } = context;
  const scope = await openScope({ parentFolder, gate, instances });
  try {
    const chosen = await chooseFiles(plan, await collect(files, signal), scope, context.compile, signal);
    const { encoding } = step;
    const maps = { origins: new Map<string, string>(), partial: new Map<string, SparseFile>() };
    const inspecting: InspectContext = { ...context, ...maps, encoding, scope, signal, pins };
    if (rows <= ROWS_IN_MEMORY) {
      const { columns, inferred, sampled } = await inspectDelimited(step, chosen, 0, inspecting, lossless);
      return report(columns, inferred, chosen, sampled, sampled < rows);
    }
    const found = await inspectDelimited(withoutSample(step), chosen, undefined, inspecting);
    await scope.lock(inspecting.origins, found.columns.length);
    const uris = chosen.map(({ uri }) => uri);
    const table = { uris, ...found, partitions: partitionColumns(plan, uris), patterns: new Map() };
    const observing = { scope, signal, compile: context.compile, rows, lossless };
    const { columns, inferred, sampled } = await inferFromRows(plan, step, table, observing);
    return report(columns, inferred, chosen, sampled, sampled < rows);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await scope.close();
    for (const pin of pins) await pin.release();
  }
}

/** The step that looks at so many rows. */
function withRows(
  step: ReadDelimited,
  wanted: number | "all" | undefined,
): { readonly step: ReadDelimited; readonly rows: number } {
  if (wanted === undefined) return { step, rows: sampleRows(step) };
  const rows = wanted === "all" ? Infinity : wanted;
  if (!(rows >= 1) || (rows !== Infinity && !Number.isSafeInteger(rows))) {
    throw new AmlError("plan_invalid", `Types cannot be inferred from ${wanted} rows.`, {
      hint: 'Give a whole number from 1, or "all".',
    });
  }
  const { infer_column_types: infer } = step;
  const overrides = typeof infer === "object" ? infer : {};
  const sample_size = Math.min(rows, ROWS_IN_MEMORY);
  return { rows, step: { ...step, infer_column_types: { ...overrides, sample_size } } };
}

function noText(): AmlError {
  return new AmlError("unsupported", "Types are inferred of delimited files only.", {
    hint: "Other files have types of their own: schema() tells them.",
  });
}

function report(
  columns: readonly { readonly name: string }[],
  inferred: readonly ColumnInference[],
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
  { type, values, forcedBy, ruledOut, dates, loses }: Inference,
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
    ...(loses && { loses: place(loses) }),
  };
}
