import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FileRef, StepOf, TabularPlan } from "@aml/core";
import type { InspectContext } from "./inspect-context.ts";
import { mapFiles } from "./inspect-context.ts";
import type {
  DelimitedGroup,
  DelimitedTable,
  Inspected,
  JsonTable,
  ParquetTable,
  Partitioned,
} from "./inspected.ts";
import {
  neededPartitions,
  partitionSize,
  refuseToPart,
  selectedPartitions,
  textPartitions,
} from "./select-partitions.ts";
import { copyRange, partitionStarts } from "./split-text.ts";
import { escapeGlob, quoteList } from "./sql-text.ts";

type TextStep = StepOf<"read_delimited"> | StepOf<"read_json_lines">;

/** A part of a file, or the whole of it. */
interface Piece {
  readonly uri: string;
  readonly path: string;
  readonly number: number;
  /** The file's beginning. */
  readonly first: boolean;
  /** Not the whole file. */
  readonly cut: boolean;
}

/** Delimited files as their partitions, each a file of its own; those that nobody asked for are left out. */
export async function partDelimited<T extends Pick<DelimitedTable, "groups">>(
  found: T,
  step: StepOf<"read_delimited">,
  plan: TabularPlan,
  files: readonly FileRef[],
  context: InspectContext,
): Promise<T & Partitioned & { readonly uris: readonly string[] }> {
  const paths = new Map(
    found.groups.flatMap((group) => group.paths.map((path, at) => [group.first + at, path] as const)),
  );
  const { pieces, ...parted } = await cutFiles(paths, step, plan, files, context);
  const groups: DelimitedGroup[] = [];
  let next = 0;
  for (const group of found.groups) {
    for (const index of group.paths.keys()) {
      for (const { path, first, cut } of pieces.get(group.first + index) ?? []) {
        const skipHeader = group.skipHeader && first;
        const last = groups.at(-1);
        if (last?.fieldOf === group.fieldOf && last.skipHeader === skipHeader && last.cut === cut) {
          groups[groups.length - 1] = { ...last, paths: [...last.paths, path] };
        } else groups.push({ ...group, first: next, paths: [path], skipHeader, cut });
        next += 1;
      }
    }
  }
  return { ...found, groups, ...parted };
}

/** JSON lines as their partitions. */
export async function partJson<T extends Pick<JsonTable, "paths">>(
  found: T,
  step: StepOf<"read_json_lines">,
  plan: TabularPlan,
  files: readonly FileRef[],
  context: InspectContext,
): Promise<T & Partitioned & Pick<JsonTable, "uris" | "cut">> {
  const { pieces, ...parted } = await cutFiles(new Map(found.paths.entries()), step, plan, files, context);
  const all = [...pieces.values()].flat();
  const pathsOf = (some: readonly Piece[]): string[] => some.map(({ path }) => path);
  return { ...found, paths: pathsOf(all), cut: pathsOf(all.filter(({ cut }) => cut)), ...parted };
}

async function cutFiles(
  paths: ReadonlyMap<number, string>,
  step: TextStep,
  plan: TabularPlan,
  files: readonly FileRef[],
  context: InspectContext,
): Promise<
  Partitioned & { readonly pieces: ReadonlyMap<number, readonly Piece[]>; readonly uris: readonly string[] }
> {
  const counts = files.map((file) => textPartitions(step, file));
  const partitionCount = sum(counts);
  const needed = neededPartitions(plan, partitionCount);
  const bases = runningSums(counts);
  const cut = await mapFiles(
    [...paths],
    async ([index, path]): Promise<readonly [number, readonly Piece[]]> => {
      const file = files[index] as FileRef;
      const whole = { uri: file.uri, path, number: bases[index] ?? 0, first: true, cut: false };
      const count = counts[index] ?? 0;
      const pieces =
        count > 1
          ? await cutFile(whole, index, count, partitionSize(step) / file.stat.size, needed, context)
          : [whole];
      return [index, pieces.filter(({ number }) => needed?.has(number) ?? true)];
    },
  );
  const pieces = new Map(cut);
  const all = cut.flatMap(([, list]) => list);
  return {
    pieces,
    uris: all.map(({ uri }) => uri),
    partitionCount,
    partitionNumbers: all.map(({ number }) => number),
  };
}

/** @param share - of the file's bytes in a partition; the local copy may be in another encoding. */
async function cutFile(
  whole: Piece,
  index: number,
  count: number,
  share: number,
  needed: ReadonlySet<number> | undefined,
  { scope, origins, signal }: InspectContext,
): Promise<readonly Piece[]> {
  const { size } = await stat(whole.path);
  const starts = await partitionStarts(whole.path, count, share * size);
  const pieces: Piece[] = [];
  for (let at = 0; at < count; at += 1) {
    const [start = 0, end = 0] = starts.slice(at, at + 2);
    const number = whole.number + at;
    if (start >= end || needed?.has(number) === false) continue;
    const path = join(scope.folder, `part-${index}-${at}`);
    await copyRange(whole.path, start, end, path, signal);
    origins.set(path, whole.uri);
    pieces.push({ uri: whole.uri, path, number, first: at === 0, cut: true });
  }
  return pieces;
}

/** Parquet files with their row groups, which are their partitions. */
export async function partParquet<T extends Pick<ParquetTable, "groups">>(
  found: T,
  { scope, signal }: Pick<InspectContext, "scope" | "signal">,
): Promise<T & Partitioned & Pick<ParquetTable, "rowGroups">> {
  const names = found.groups.flatMap(({ types }) => [...types.keys()]);
  // DuckDB's own numbers of rows have that name, too.
  if (names.some((name) => name.toLowerCase() === "file_row_number"))
    refuseToPart("A file with a column file_row_number");
  const paths = found.groups.flatMap((group) => group.paths);
  const result = await scope.run(
    `SELECT file_name, list(row_group_num_rows ORDER BY row_group_id) FROM\n` +
      `(SELECT DISTINCT file_name, row_group_id, row_group_num_rows FROM parquet_metadata(${quoteList(paths.map(escapeGlob))}))\n` +
      "GROUP BY file_name",
    signal,
  );
  const sizes = new Map(
    (await result.getRows()).map(([path, rows]) => [
      path as string,
      (rows as unknown as { readonly items: readonly unknown[] }).items.map(Number),
    ]),
  );
  const rowGroups = paths.map((path) => runningSums(sizes.get(path) ?? []));
  const counts = rowGroups.map(({ length }) => length);
  return { ...found, rowGroups, partitionNumbers: runningSums(counts), partitionCount: sum(counts) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, next) => total + next, 0);

/** For each number the sum of those before it. */
function runningSums(numbers: readonly number[]): number[] {
  let total = 0;
  return numbers.map((next) => (total += next) - next);
}

/** How many partitions a plan leaves of files. */
export async function countPartitions(
  plan: TabularPlan,
  files: readonly FileRef[],
  inspected: Inspected,
  context: Pick<InspectContext, "scope" | "signal">,
): Promise<number> {
  const total = await allPartitions(plan, files, inspected, context);
  return [...selectedPartitions(plan, total).values()].at(-1)?.length ?? total;
}

async function allPartitions(
  plan: TabularPlan,
  files: readonly FileRef[],
  inspected: Inspected,
  context: Pick<InspectContext, "scope" | "signal">,
): Promise<number> {
  if (inspected.partitionCount !== undefined) return inspected.partitionCount;
  const step = plan.steps.find(({ op }) => op.startsWith("read_"));
  switch (inspected.kind) {
    case "files":
      return 1;
    case "parquet":
      return (await partParquet(inspected, context)).partitionCount ?? 0;
    case "delimited":
    case "json_lines":
      return step === undefined ? 0 : sum(files.map((file) => textPartitions(step, file)));
    default:
      return refuseToPart(inspected.kind === "delta" ? "A Delta table" : "A query");
  }
}
