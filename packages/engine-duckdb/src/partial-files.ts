import { isAmlError, type Step } from "@aml/core";
import { sizeOf, type ByteRange, type SparseFile } from "@aml/staging";
import { mapFiles, rowsWanted } from "./inspect-context.ts";
import type { DeltaTable, ParquetGroup, ParquetTable } from "./inspected.ts";
import { readChunks, type RowGroupChunks } from "./parquet-chunks.ts";
import { leavesOf } from "./parquet-leaves.ts";
import { sourceOf } from "./parquet-source.ts";
import type { RowGroups } from "./row-groups.ts";
import type { Scope } from "./scope.ts";
import { usedColumns } from "./used-columns.ts";

/** What a plan needs of a remote Parquet file. */
export interface FileFetch {
  readonly uri: string;
  /** Bytes of the file. */
  readonly storedBytes: number;
  /** Bytes that would be fetched now, those of the footer not counted. */
  readonly fetchBytes: number;
  /** Bytes that the plan needs and that are here. */
  readonly cachedBytes: number;
  readonly rowGroups: number;
  /** Of which no row can be in the table. */
  readonly skippedRowGroups: number;
  /** Why: the parts of filters that rule them out, or `take(n)`. */
  readonly reasons: readonly string[];
}

/** Remote Parquet files of which there is at first just the footer. */
export interface PartialFiles {
  /** Fetches what the plan's queries read; nothing when that is there. */
  prepare(signal?: AbortSignal): Promise<void>;
  /** Whether some row groups were left out. */
  readonly skipsRows: () => boolean;
  /**
   * Fetches the used columns of all row groups, for a query that met a gap all the same. False when nothing of it was
   * missing.
   */
  complete(signal?: AbortSignal): Promise<boolean>;
  /** Fetches a file whole, or without a path all of them. False when nothing was missing. */
  completeFile(path: string | undefined, signal?: AbortSignal): Promise<boolean>;
  /** The columns of such files that queries read. */
  columnsOf(group: ParquetGroup): readonly string[];
  /** What `prepare` would fetch. Fetches nothing. */
  describe(signal?: AbortSignal): Promise<readonly FileFetch[]>;
}

export interface PartialFilesInput {
  readonly steps: readonly Step[];
  readonly table: ParquetTable | DeltaTable;
  /** Which row groups are left out. */
  readonly rowGroups: RowGroups;
  /** Finds out, before anything is fetched, that more row groups are left out. Asked until it answers. */
  readonly leaveOutMore?: ((signal: AbortSignal | undefined) => Promise<RowGroups>) | undefined;
  /** Names of the columns that the plan gives. */
  readonly given: readonly string[];
  readonly files: ReadonlyMap<string, SparseFile>;
  readonly scope: Scope;
}

interface FilePlan {
  readonly file: SparseFile;
  readonly wanted: readonly ByteRange[];
  /** Of the used columns, in all row groups. */
  readonly all: readonly ByteRange[];
  readonly rowGroups: number;
  readonly skipped: number;
  readonly reasons: readonly string[];
}

/** Files whose chunks are asked for at a time; how many requests run is up to the stager. */
const FILES_AT_ONCE = 16;

export function createPartialFiles(input: PartialFilesInput): PartialFiles {
  const { files, scope, table } = input;
  const used = usedColumns(input.steps, input.given);
  let planned: readonly FilePlan[] | undefined;
  const plan = async (signal: AbortSignal | undefined): Promise<readonly FilePlan[]> => {
    if (planned !== undefined || files.size === 0) return (planned ??= []);
    const rowGroups = (await input.leaveOutMore?.(signal)) ?? input.rowGroups;
    return (planned ??= await planFiles({ ...input, rowGroups }, scope, signal));
  };
  const fetchAll = async (
    rangesOf: (one: FilePlan) => readonly ByteRange[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> => {
    const failed = new AbortController();
    const both = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
    const fetchOne = async (one: FilePlan): Promise<number> => {
      try {
        return await one.file.fetch(rangesOf(one), { signal: both });
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    };
    const fetched = await mapFiles(await plan(signal), fetchOne, FILES_AT_ONCE);
    return fetched.some((bytes) => bytes > 0);
  };
  return {
    async prepare(signal) {
      await fetchAll(({ wanted }) => wanted, signal);
    },
    skipsRows: () => planned?.some(({ skipped }) => skipped > 0) ?? false,
    complete: (signal) => fetchAll(({ all }) => all, signal),
    completeFile(path, signal) {
      const own = path === undefined ? undefined : files.get(path);
      return fetchAll(({ file }) => (path === undefined || file === own ? [whole(file)] : []), signal);
    },
    columnsOf: (group) => {
      const sources = [...used].map((name) => sourceOf(name, group, table));
      return [...group.types.keys()].filter((name) => sources.includes(name));
    },
    describe: async (signal) =>
      mapFiles(await plan(signal), async ({ file, wanted, rowGroups, skipped, reasons }) => {
        const fetchBytes = await file.missing(wanted, { signal });
        return {
          uri: file.file.uri,
          storedBytes: file.file.stat.size,
          fetchBytes,
          cachedBytes: sizeOf(wanted) - fetchBytes,
          rowGroups,
          skippedRowGroups: skipped,
          reasons,
        };
      }),
  };
}

function whole({ file }: SparseFile): ByteRange {
  return { start: 0, end: file.stat.size };
}

async function planFiles(
  { steps, table, rowGroups, given, files }: PartialFilesInput,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<readonly FilePlan[]> {
  const used = usedColumns(steps, given);
  // Deleted rows come off those of the first row groups.
  const hasDeleted = table.kind === "delta" && table.groups.some(({ condition }) => condition !== undefined);
  const limit = hasDeleted ? undefined : rowsWanted({ steps });
  const out: FilePlan[] = [];
  let before = 0;
  for (const group of table.groups) {
    const found = await chunksOf(group, table, used, scope, signal);
    for (const path of group.paths) {
      const file = files.get(path);
      const groups = found.get(path) ?? [];
      if (file !== undefined) out.push(planFile(file, groups, rowGroups.get(path) ?? [], limit, before));
      before += groups.reduce((sum, { rows }) => sum + rows, 0);
    }
  }
  return out;
}

async function chunksOf(
  group: ParquetGroup,
  table: ParquetTable | DeltaTable,
  used: ReadonlySet<string>,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, readonly RowGroupChunks[]>> {
  const leaves = await leavesOf(group, scope, signal);
  const of = (name: string): readonly number[] => leaves.get(sourceOf(name, group, table) ?? "") ?? [];
  const wanted = [...new Set([...used].flatMap(of))];
  if (wanted.length === 0) return new Map();
  return readChunks({ paths: group.paths, leaves: wanted }, scope, signal);
}

function planFile(
  file: SparseFile,
  groups: readonly RowGroupChunks[],
  chosen: NonNullable<ReturnType<RowGroups["get"]>>,
  limit: number | undefined,
  before: number,
): FilePlan {
  const { size } = file.file.stat;
  const reasons = new Set<string>();
  const wanted: ByteRange[] = [];
  const all: ByteRange[] = [];
  let skipped = 0;
  let row = before;
  let isClear = true;
  for (const [at, { rows, chunks }] of groups.entries()) {
    const reason = limit !== undefined && row >= limit ? `take(${limit})` : chosen[at]?.leftOut;
    row += rows;
    if (chunks === undefined || chunks.some(({ end }) => end > size)) isClear = false;
    all.push(...(chunks ?? []));
    if (reason === undefined) wanted.push(...(chunks ?? []));
    else {
      reasons.add(reason);
      skipped += 1;
    }
  }
  const base = { file, rowGroups: groups.length, reasons: [...reasons] };
  // DuckDB reads such a file, or refuses it, as it would have done with a local one.
  if (!isClear) return { ...base, wanted: [whole(file)], all: [whole(file)], skipped: 0 };
  return { ...base, wanted: apart(wanted), all: apart(all), skipped };
}

/** Chunks that overlap share bytes only in files that were made to confuse. */
function apart(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const out: ByteRange[] = [];
  let from = 0;
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    if (end > Math.max(start, from)) out.push({ start: Math.max(start, from), end });
    from = Math.max(from, end);
  }
  return out;
}

/** A query met a gap that was filled since: it is to be run again. */
export class GapFilled extends Error {}

/** Whether DuckDB may have failed for a part of a file that is not there. */
export function isGap(error: unknown): boolean {
  if (!isAmlError(error, "parse_failed") || !(error.cause instanceof Error)) return false;
  return error.cause.message.includes("TProtocolException");
}

/** Runs what fills gaps when it fails, until it meets none. */
export async function acrossGaps<T>(task: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof GapFilled)) throw error;
    }
  }
}
