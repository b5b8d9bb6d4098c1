import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { AmlError, isAmlError, type TabularPlan } from "@aml/core";
import type { ByteRange } from "@aml/staging";
import { arrowColumn, withZones } from "./arrow-type.ts";
import { readParquet } from "./compile-read.ts";
import { toAmlError } from "./errors.ts";
import { firstGroups } from "./first-groups.ts";
import { describeParquet } from "./inspect-parquet.ts";
import type { DeltaTable, ParquetGroup, ParquetTable } from "./inspected.ts";
import { readChunks, type RowGroupChunks } from "./parquet-chunks.ts";
import { copyParts, readFooter, writeFooter } from "./parquet-copy.ts";
import { leavesOf } from "./parquet-leaves.ts";
import { sourceOf } from "./parquet-source.ts";
import { nanosecondColumns, withOtherTypes, type NanosecondColumn } from "./parquet-types.ts";
import { hidesRowNumbers, rowsFrom } from "./row-range.ts";
import type { Scope } from "./scope.ts";
import { quoteIdentifier } from "./sql-text.ts";
import { usedColumns } from "./used-columns.ts";

/**
 * The digits behind the microsecond of timestamps in Parquet that DuckDB cuts off.
 *
 * Its one type of instants ends at microseconds, and so does what it makes of the old timestamps of 96 bits. It does read
 * times of no zone to the nanosecond, and bytes; and a few bytes of the footer say what a column holds. So a copy of just
 * these columns with another footer tells whether there is anything to lose. There seldom is; where there is, the file
 * is read from such a copy.
 */
export interface CutTimestamps {
  /** The columns of the table that may have such digits. */
  readonly names: ReadonlySet<string>;
  /**
   * Looks through what is read, all of which is here, and copies the files that have such digits.
   *
   * @throws `schema_mismatch` for digits of a column that other files have in another type; `resource_exhausted` for a
   * full disk; `parse_failed` for a damaged file.
   */
  prepare(read: ParquetTable | DeltaTable, signal: AbortSignal | undefined): Promise<void>;
  /** A table of the same files as it is to be read. */
  resolve<T extends ParquetTable | DeltaTable>(table: T): T;
}

export interface CutInput {
  readonly table: ParquetTable | DeltaTable;
  readonly plan: TabularPlan;
  /** Names of the columns that the plan gives. */
  readonly given: readonly string[];
  readonly scope: Scope;
  /** Of local paths; those of copies are added. */
  readonly origins: Map<string, string>;
  /** Fetches the used columns of all files. */
  readonly complete: (signal: AbortSignal | undefined) => Promise<unknown>;
}

interface Input extends CutInput {
  readonly table: ParquetTable;
  readonly used: ReadonlySet<string>;
}

/** Files that are looked through with one query; their copies are on the disk at once. */
const FILES_AT_ONCE = 64;

/** A file that is read from a copy. */
interface Copied {
  readonly path: string;
  /** The types of its columns there, and how they are read. */
  readonly types: ParquetGroup["types"];
  readonly values: ReadonlyMap<string, string>;
}

/** How a column is read whose digits DuckDB cuts off. */
interface CutColumn {
  /** Its name in the files. */
  readonly own: string;
  readonly leaves: readonly number[];
  /** Of timestamps of 96 bits. */
  readonly isOld: boolean;
}

type CutColumns = ReadonlyMap<string, CutColumn>;

/** @returns nothing where no column that is read has such digits. Those of Delta are of microseconds. */
export async function cutTimestamps(
  { table, ...rest }: CutInput,
  signal: AbortSignal | undefined,
): Promise<CutTimestamps | undefined> {
  if (table.kind === "delta") return undefined;
  const { plan, scope } = rest;
  const used = usedColumns(plan.steps, rest.given);
  const input = { ...rest, table, used };
  /** By the types of files of one schema. */
  const cut = new Map<ParquetGroup["types"], CutColumns>();
  for (const group of table.groups) {
    const found = await cutColumns(group, table, used, scope, signal);
    cut.set(group.types, new Map([...(cut.get(group.types) ?? []), ...found]));
  }
  const names = new Set([...cut.values()].flatMap((columns) => [...columns.keys()]));
  if (names.size === 0) return undefined;
  const copies = new Map<string, Copied>();
  const exact = new Map<string, string>();
  const prepare = async (read: ParquetTable | DeltaTable, stop: AbortSignal | undefined): Promise<void> => {
    const { groups } = await firstGroups(read, plan, scope, stop);
    for (const group of groups) {
      const columns = cut.get(group.types) ?? new Map<string, CutColumn>();
      for (let at = 0; columns.size > 0 && at < group.paths.length; at += FILES_AT_ONCE) {
        const some = { ...group, paths: group.paths.slice(at, at + FILES_AT_ONCE) };
        for (const [path, found] of await lookThrough(some, columns, input, stop)) {
          if (copies.has(path)) continue;
          await input.complete(stop);
          const copied = await copyToRead({ ...group, paths: [path] }, found, input, stop);
          copies.set(path, copied);
          for (const [name, column] of found)
            exact.set(name, typeIn(group, copied.types, name, column, table));
        }
      }
    }
  };
  let prepared: Promise<void> | undefined;
  return {
    names,
    async prepare(read, stop) {
      while (prepared !== undefined) {
        const others = prepared;
        // Whoever called it may have called it off.
        if (await others.then(() => true).catch(() => false)) return;
        stop?.throwIfAborted();
        if (prepared === others) prepared = undefined;
      }
      await (prepared = prepare(read, stop));
    },
    resolve: (read) => (copies.size === 0 ? read : withCopies(read, copies, exact)),
  };
}

const INSTANT = "TIMESTAMP WITH TIME ZONE";

/** The columns, in files of one schema, of which DuckDB may cut off digits. */
export async function cutColumns(
  group: ParquetGroup,
  table: ParquetTable | DeltaTable,
  used: Iterable<string>,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<CutColumns> {
  const found = new Map<string, CutColumn>();
  const times = [...used].flatMap((name): (readonly [string, string, string])[] => {
    const own = sourceOf(name, group, table) ?? "";
    const type = group.types.get(own);
    return type === "TIMESTAMP" || type?.includes(INSTANT) === true ? [[name, own, type]] : [];
  });
  if (times.length === 0) return found;
  const columns = await firstCut(group.paths);
  if (columns.length === 0) return found;
  const kinds = new Map(columns.map(({ leaf, kind }) => [leaf, kind]));
  const leavesIn = await leavesOf(group, scope, signal);
  for (const [name, own, type] of times) {
    const leaves = leavesIn.get(own) ?? [];
    const isOld = type === "TIMESTAMP" && leaves.length === 1 && kinds.get(leaves[0] ?? -1) === "int96";
    const isFine = type !== "TIMESTAMP" && leaves.some((leaf) => kinds.get(leaf) === "instant");
    if (isOld || isFine) found.set(name, { own, leaves, isOld });
  }
  return found;
}

/** What may be cut of files of one schema: timestamps of 96 bits may in one file, and not in the next. */
async function firstCut(paths: readonly string[]): Promise<readonly NanosecondColumn[]> {
  for (const path of paths) {
    const found = nanosecondColumns(await readFooter(path));
    const cut = found.filter(({ isCut }) => isCut);
    if (cut.length > 0 || found.every(({ kind }) => kind !== "int96")) return cut;
  }
  return [];
}

/** Which of some columns have digits behind the microsecond, by the path of the file. */
async function lookThrough(
  group: ParquetGroup,
  columns: CutColumns,
  input: Input,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, CutColumns>> {
  // What is left out of a file then cannot be told from what is not here.
  if (group.rows !== undefined && hidesRowNumbers(group.types)) await input.complete(signal);
  try {
    return await compareCopies(group, columns, input, signal);
  } catch (error) {
    if (!isAmlError(error, "parse_failed")) throw error;
    // DuckDB may look into more of a file than what a query is about.
    await input.complete(signal);
    return compareCopies(group, columns, input, signal);
  }
}

async function compareCopies(
  group: ParquetGroup,
  columns: CutColumns,
  input: Input,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, CutColumns>> {
  const { scope } = input;
  const copies = new Map<string, string>();
  try {
    const leaves = [...columns.values()].flatMap((column) => column.leaves);
    await copyFiles(group, leaves, columns, input, copies, signal);
    const [first] = copies.values();
    if (first === undefined) return new Map();
    const types = await typesOf(first, scope, signal);
    const tests = [...columns.values()].map(({ own, isOld }) => {
      const value = quoteIdentifier(own);
      return `coalesce(bool_or(${hasDigits(value, isOld, group.types.get(own), types.get(own))}), false)`;
    });
    const where =
      group.rows === undefined || hidesRowNumbers(group.types) ? "" : ` WHERE ${rowsFrom(group.rows)}`;
    const look = async (paths: readonly string[]): Promise<CutColumns> => {
      const sql = `SELECT ${tests.join(", ")} FROM ${readParquet(paths)}${where}`;
      const [row = []] = await (await scope.run(sql, signal)).getRows();
      return new Map([...columns].filter((_, at) => row[at] === true));
    };
    const found = new Map<string, CutColumns>();
    if ((await look([...copies.values()])).size === 0) return found;
    for (const [path, copy] of copies) {
      const exact = await look([copy]);
      if (exact.size > 0) found.set(path, exact);
    }
    return found;
  } finally {
    await Promise.all([...copies.values()].map((copy) => rm(copy, { force: true })));
  }
}

/** Whether a value has digits that DuckDB cuts off. */
function hasDigits(value: string, isOld: boolean, from: string | undefined, to: string | undefined): string {
  if (isOld) return `${nanosOfDay(value)} % 1000 <> 0`;
  // The last nanosecond of all is infinity for DuckDB.
  if (to === NANOSECONDS)
    return `CASE WHEN isfinite(${value}) THEN epoch_ns(${value}) % 1000 <> 0 ELSE ${value} IS NOT NULL END`;
  return `${value} IS DISTINCT FROM ${value}::${from}::${to}`;
}

async function copyToRead(
  group: ParquetGroup,
  columns: CutColumns,
  input: Input,
  signal: AbortSignal | undefined,
): Promise<Copied> {
  const copies = new Map<string, string>();
  const { rows: _, ...whole } = group;
  const leavesIn = await leavesOf(group, input.scope, signal);
  const leaves = [...input.used].flatMap(
    (name) => leavesIn.get(sourceOf(name, group, input.table) ?? "") ?? [],
  );
  await copyFiles(whole, leaves, columns, input, copies, signal);
  const [path = ""] = copies.values();
  const types = new Map(await typesOf(path, input.scope, signal));
  const values = new Map<string, string>();
  for (const { own, isOld } of columns.values()) {
    if (!isOld) continue;
    values.set(own, oldTimestamp(quoteIdentifier(own)));
    types.set(own, NANOSECONDS);
  }
  return { path, types, values };
}

const NANOSECONDS = "TIMESTAMP_NS";

/** The first eight of the twelve bytes of an old timestamp: nanoseconds of its day, the lowest byte first. */
function nanosOfDay(bytes: string): string {
  return `${lowestFirst(`hex(${bytes})[1:16]`)}::BIGINT`;
}

/** Its last four bytes are the number of the day, as astronomers count it. */
function oldTimestamp(bytes: string): string {
  const day = `${lowestFirst(`hex(${bytes})[17:24]`)}::BIGINT - 2440588`;
  return `make_timestamp_ns((${day}) * 86400000000000 + ${nanosOfDay(bytes)})`;
}

/** The number that hexadecimal digits stand for, read from the last to the first: with the digits of each byte swapped back. */
function lowestFirst(digits: string): string {
  const swapped = `('0x' || reverse(${digits}))::UBIGINT`;
  return `((${swapped} & 17361641481138401520) // 16 + (${swapped} & 1085102592571150095) * 16)`;
}

/**
 * Copies parts of files of one schema, some columns of which as of another type. Files in which these have no digits that
 * can be cut off are left out.
 *
 * @param copies - by the path of the file; added to as soon as there is something to delete.
 * @throws `resource_exhausted` for a full disk.
 */
async function copyFiles(
  group: ParquetGroup,
  leaves: readonly number[],
  changed: CutColumns,
  { scope, origins }: Input,
  copies: Map<string, string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const chunks = await readChunks({ paths: group.paths, leaves: [...new Set(leaves)] }, scope, signal);
  const own = new Set([...changed.values()].flatMap((column) => column.leaves));
  for (const path of group.paths) {
    const copy = join(scope.folder, `${randomUUID()}.parquet`);
    try {
      const footer = await readFooter(path);
      const columns = nanosecondColumns(footer).filter(({ leaf, kind }) => kind !== "local" && own.has(leaf));
      if (!columns.some(({ isCut }) => isCut)) continue;
      copies.set(path, copy);
      origins.set(copy, origins.get(path) ?? path);
      await copyParts(path, copy, rangesOf(chunks.get(path) ?? [], group.rows), signal);
      await writeFooter(copy, withOtherTypes(footer, columns));
    } catch (error) {
      signal?.throwIfAborted();
      throw toAmlError(error, origins);
    }
  }
}

/** Where the chunks of a file's row groups are that hold some of its rows. */
function rangesOf(groups: readonly RowGroupChunks[], rows: ParquetGroup["rows"]): readonly ByteRange[] {
  const out: ByteRange[] = [];
  let row = 0;
  for (const group of groups) {
    const isOfUse = rows === undefined || (row < rows.to && row + group.rows > rows.from);
    row += group.rows;
    // DuckDB reads such a file, or refuses it, as it would have done with the original.
    if (group.chunks === undefined) return [{ start: 0, end: Infinity }];
    if (isOfUse) out.push(...group.chunks);
  }
  return out;
}

async function typesOf(
  path: string,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ParquetGroup["types"]> {
  const columns = await describeParquet(path, { scope, signal });
  return new Map(columns.map(({ name, sqlType }) => [name, sqlType]));
}

/** The type of a column with such digits. */
function typeIn(
  group: ParquetGroup,
  types: ParquetGroup["types"],
  name: string,
  { own }: CutColumn,
  table: ParquetTable,
): string {
  const whole = table.columns.find((column) => column.name === name)?.sqlType;
  if (group.types.get(own) === whole) return types.get(own) ?? "";
  throw new AmlError(
    "schema_mismatch",
    `Column ${JSON.stringify(name)} holds timestamps with nanoseconds in some files and is of another type in others; together they are ${whole}, which has no room for all digits.`,
    {
      hint: "Read these files apart, or write the column in one type.",
      context: { column: name },
    },
  );
}

function withCopies<T extends ParquetTable | DeltaTable>(
  table: T,
  copies: ReadonlyMap<string, Copied>,
  exact: ReadonlyMap<string, string>,
): T {
  const groups = table.groups.flatMap((group): ParquetGroup[] => {
    const out: ParquetGroup[] = [];
    let rest: { paths: string[]; places: number[] } | undefined;
    for (const [at, path] of group.paths.entries()) {
      const place = group.places[at] ?? 0;
      const copied = copies.get(path);
      if (copied !== undefined) {
        out.push({
          ...group,
          places: [place],
          paths: [copied.path],
          types: copied.types,
          values: copied.values,
        });
        rest = undefined;
        continue;
      }
      if (rest === undefined) out.push({ ...group, ...(rest = { paths: [], places: [] }) });
      rest.paths.push(path);
      rest.places.push(place);
    }
    return out;
  });
  const columns = table.columns.map((column) => {
    const sqlType = exact.get(column.name);
    if (sqlType === undefined) return column;
    const [type, zoned] = [arrowColumn({ sqlType }).type, arrowColumn(column).type];
    return { ...column, sqlType, arrowType: withZones(type, zoned) };
  });
  return { ...table, groups, columns };
}
