import { AmlError, type ExtraSteps, type FileRef, type StepOf, type TabularPlan } from "@aml/core";
import { readParquet } from "../compile-read.ts";
import { mapFiles, type InspectContext } from "../inspect-context.ts";
import type { DeltaGroup, DeltaTable } from "../inspected.ts";
import { describeParquet, stageParquet } from "../inspect-parquet.ts";
import { withConditions } from "../statement-conditions.ts";
import { escapeGlob, quoteIdentifier, quoteList } from "../sql-text.ts";
import { chooseFiles, looksAtFiles, type ChosenFiles } from "./choose-files.ts";
import type { AddFile } from "./delta-actions.ts";
import { deletedRows, lookUp } from "./delta-files.ts";
import { parseSchema, sqlTypeOf, type DeltaField } from "./delta-schema.ts";
import { notDeleted } from "./deleted-words.ts";
import { loadSnapshot } from "./load-snapshot.ts";
import type { DeltaLog } from "./delta-log.ts";
import type { SnapshotContext } from "./snapshot.ts";
import { checkPartitions, partitionList, type LeafColumn } from "./partition-values.ts";
import {
  findField,
  logicalValue,
  physicalColumns,
  type FooterRow,
  type PhysicalField,
} from "./physical-columns.ts";

export type DeltaContext = Omit<InspectContext, "encoding"> & Omit<SnapshotContext, "signal" | "stager">;

export type DeltaFindings = Pick<DeltaTable, "kind" | "groups" | "columns" | "uris">;

/** A Delta table's version, before any of its rows is read. */
export interface OpenedDelta extends Columns, ChosenFiles {
  readonly log: DeltaLog;
  /** Files of the version; of those the plan's filters leave the `active` ones. */
  readonly listed: readonly AddFile[];
}

/** Finds out a Delta table's version, and which of its files the plan's filters leave. */
export async function openDelta(
  plan: TabularPlan,
  step: StepOf<"read_delta_lake">,
  files: readonly FileRef[],
  context: DeltaContext,
  conditions?: ExtraSteps,
): Promise<OpenedDelta> {
  const { scope, signal } = context;
  const snapshot = await loadSnapshot(files, step, {
    ...context,
    keepStats: conditions !== undefined || looksAtFiles(plan),
  });
  const { log, metadata, files: listed } = snapshot;
  const fields = parseSchema(metadata, log.uri);
  const typed = fields.map(({ name, type }) => ({ name, sqlType: sqlTypeOf(type) }));
  const partitions = partitionColumns(fields, metadata.partitionColumns, log.uri);
  await checkPartitions(partitions, listed, log.uri, scope, signal);
  const chosen = await chooseFiles(
    withConditions(plan, typed, conditions),
    partitions,
    boundedColumns(fields, partitions),
    listed,
    scope,
    signal,
  );
  return { log, fields, partitions, listed, ...chosen };
}

/** The files of a Delta table that the plan's filters leave, as the store has them. */
export function lookUpActive(
  { log, active }: Pick<OpenedDelta, "log" | "active">,
  signal: AbortSignal | undefined,
): Promise<readonly FileRef[]> {
  return mapFiles(active, ({ path, size }) => lookUp(log, path, signal, size));
}

/** Stages these files of a Delta table, and locks the scope for them. */
export async function inspectDelta(
  { log, fields, partitions, active }: OpenedDelta,
  refs: readonly FileRef[],
  context: DeltaContext,
): Promise<DeltaFindings> {
  const { scope, origins } = context;
  const deleted = await deletedRows(log, active, context);
  const paths = await stageParquet(refs, { ...context, encoding: undefined });
  await scope.lock(origins, fields.length);
  const groups = await groupFiles(paths, active, deleted, { fields, partitions }, context);
  const columns = fields.map(({ name, type, nullable }) => ({ name, sqlType: sqlTypeOf(type), nullable }));
  return { kind: "delta", groups, columns, uris: refs.map(({ uri }) => uri) };
}

/** The columns that the log can have bounds of: files have theirs by the physical name. */
function boundedColumns(
  fields: readonly DeltaField[],
  partitions: readonly LeafColumn[],
): readonly LeafColumn[] {
  return fields.flatMap(({ name, physicalName, type }) =>
    type.kind === "leaf" && !partitions.some((partition) => partition.name === name)
      ? [{ name, physicalName, sqlType: type.sqlType }]
      : [],
  );
}

function partitionColumns(
  fields: readonly DeltaField[],
  names: readonly string[],
  uri: string,
): readonly LeafColumn[] {
  return names.map((name) => {
    const field = fields.find((item) => item.name === name);
    if (field?.type.kind === "leaf")
      return { name, physicalName: field.physicalName, sqlType: field.type.sqlType };
    throw new AmlError(
      "parse_failed",
      `The Delta table ${uri} is partitioned by ${name}, which is no such column.`,
      {
        hint: "The log is damaged; restore it.",
        context: { uri, column: name },
      },
    );
  });
}

interface Columns {
  readonly fields: readonly DeltaField[];
  readonly partitions: readonly LeafColumn[];
}

/** Consecutive files of one schema, and what each column is there. */
async function groupFiles(
  paths: readonly string[],
  files: readonly AddFile[],
  deleted: ReadonlyMap<number, readonly number[]>,
  columns: Columns,
  context: DeltaContext,
): Promise<readonly DeltaGroup[]> {
  const footers = await readFooters(paths, context);
  const typesOf = new Map<string, DeltaGroup["types"]>();
  const out: DeltaGroup[] = [];
  for (let first = 0; first < paths.length;) {
    const footer = footers[first] ?? "";
    let end = first + 1;
    // A file with deleted rows stands alone: DuckDB looks at the whole constant of their bits for each chunk of rows.
    const isAlone = (at: number): boolean => deleted.has(at);
    while (!isAlone(first) && end < paths.length && footers[end] === footer && !isAlone(end)) end += 1;
    const physical = physicalColumns(JSON.parse(footer) as FooterRow[]);
    const types = typesOf.get(footer) ?? (await readTypes(paths[first] ?? "", physical, context));
    typesOf.set(footer, types);
    const some = files.slice(first, end);
    const gone = some.map((_, at) => deleted.get(first + at) ?? []);
    refuseReserved(physical, context.origins.get(paths[first] ?? "") ?? "");
    out.push({
      places: Array.from({ length: end - first }, (_, at) => first + at),
      paths: paths.slice(first, end),
      types,
      valuesOf: (places) => {
        const own = places.flatMap((place) => files[place] ?? []);
        return columns.fields.map((field) => valueOf(field, physical, own, columns.partitions));
      },
      sources: columns.fields.map((field) => sourceOf(field, physical, columns.partitions)),
      condition: gone.some((rows) => rows.length > 0) ? notDeleted(gone) : undefined,
    });
    first = end;
  }
  return out;
}

/** DuckDB's types of the columns of a file, by the names that the file has. */
async function readTypes(
  path: string,
  physical: readonly PhysicalField[],
  context: DeltaContext,
): Promise<DeltaGroup["types"]> {
  const columns = await describeParquet(path, context);
  return new Map(physical.map(({ name }, at) => [name, columns[at]?.sqlType ?? ""]));
}

function valueOf(
  field: DeltaField,
  physical: readonly PhysicalField[],
  files: readonly AddFile[],
  partitions: readonly LeafColumn[],
): string {
  const partition = partitions.find(({ name }) => name === field.name);
  if (partition !== undefined) return partitionList(partition, files, "file_index");
  const found = findField(physical, field);
  if (found !== undefined) return logicalValue(quoteIdentifier(found.name), found, field.type);
  return `NULL::${sqlTypeOf(field.type)}`;
}

function sourceOf(
  field: DeltaField,
  physical: readonly PhysicalField[],
  partitions: readonly LeafColumn[],
): string | undefined {
  return partitions.some(({ name }) => name === field.name) ? undefined : findField(physical, field)?.name;
}

/** Beside columns of these names, DuckDB would not tell a row's place. */
function refuseReserved(physical: readonly PhysicalField[], uri: string): void {
  const found = physical.find(({ name }) => /^file_(index|row_number)$/i.test(name));
  if (found === undefined) return;
  throw new AmlError(
    "unsupported",
    `${uri} has a column ${found.name}, which a Delta table's files cannot have here.`,
    {
      hint: "Rename the column where the table is written.",
      context: { uri, column: found.name },
    },
  );
}

const ROW =
  "json_array(name, type, repetition_type, coalesce(num_children, 0), upper(coalesce(converted_type, logical_type)), field_id)";

/** The schema of each file as JSON. */
async function readFooters(
  paths: readonly string[],
  { scope, signal, origins }: DeltaContext,
): Promise<readonly string[]> {
  if (paths.length === 0) return [];
  const sql = (some: readonly string[]): string =>
    `SELECT file_name, to_json(list(${ROW} ORDER BY column_id))::VARCHAR\n` +
    `FROM parquet_schema(${quoteList(some.map(escapeGlob))}) GROUP BY file_name`;
  try {
    const rows = await (await scope.run(sql(paths), signal)).getRows();
    const found = new Map(rows.map(([path, text]) => [String(path), String(text)]));
    return paths.map((path) => found.get(path) ?? "[]");
  } catch (error) {
    signal?.throwIfAborted();
    for (const path of paths) {
      await scope.run(`SELECT 1 FROM ${readParquet([path])} LIMIT 0`, signal).catch((cause: unknown) => {
        const uri = origins.get(path) ?? "";
        throw new AmlError("parse_failed", `${uri} is no Parquet file, or cut or damaged.`, {
          hint: "Restore the file, or read a version of the table without it.",
          context: { uri },
          cause,
        });
      });
    }
    throw error;
  }
}
