import { AmlError, type FileRef } from "@aml/core";
import { readParquet } from "./compile-read.ts";
import { mapFiles, type InspectContext } from "./inspect-context.ts";
import type { ParquetGroup, ParquetTable } from "./inspected.ts";
import { stageParquetFile } from "./parquet-footer.ts";
import { escapeGlob, quoteIdentifier, quoteList } from "./sql-text.ts";
import { unite, type ParquetColumn } from "./unite-schemas.ts";

export type ParquetFindings = Pick<ParquetTable, "kind" | "groups" | "columns">;

type Context = Pick<InspectContext, "scope" | "signal">;

/** Footers are small, and what they take is the store's time to answer. */
const FILES_AT_ONCE = 16;

/** Stages Parquet files; their columns can be asked for when the scope is locked. */
export function stageParquet(files: readonly FileRef[], context: InspectContext): Promise<string[]> {
  return mapFiles(files, (file) => stageParquetFile(context, file), FILES_AT_ONCE);
}

/**
 * Finds out the columns of staged Parquet files: matched by name, of a type that holds the values of all files.
 *
 * @throws `parse_failed` with the file that is none, or is cut; `schema_mismatch` for types that do not go together.
 */
export async function inspectParquet(
  paths: readonly string[],
  { scope, signal }: InspectContext,
): Promise<ParquetFindings> {
  const context = { scope, signal };
  const schemas = new Map<string, ParquetSchema>();
  const groups: ParquetGroup[] = [];
  const signatures = paths.length === 1 ? ["one"] : await signaturesOf(paths, context);
  for (const [index, path] of paths.entries()) {
    const signature = signatures[index] ?? "";
    const known = schemas.get(signature) ?? (await schemaOf(path, context));
    schemas.set(signature, known);
    const last = groups.at(-1);
    if (last !== undefined && signatures[index - 1] === signature) {
      groups[groups.length - 1] = {
        ...last,
        places: [...last.places, index],
        paths: [...last.paths, path],
      };
    } else {
      const { types, renamed } = known;
      groups.push({ places: [index], paths: [path], types, renamed });
    }
  }
  const columns = await unite(
    [...schemas.values()].map((schema) => schema.columns),
    context,
  );
  return { kind: "parquet", groups, columns };
}

interface ParquetSchema extends Required<Pick<ParquetGroup, "types" | "renamed">> {
  readonly columns: readonly ParquetColumn[];
}

async function schemaOf(path: string, context: Context): Promise<ParquetSchema> {
  const columns = await describeParquet(path, context);
  const types = new Map(columns.map(({ name, sqlType }) => [name, sqlType]));
  const names = await namesInFile(path, columns, context);
  const renamed = new Map<string, string>();
  for (const [at, { name }] of columns.entries()) {
    const own = names[at] ?? name;
    if (own !== name) renamed.set(own, name);
  }
  return {
    columns: columns.map((column, at) => ({ ...column, name: names[at] ?? column.name })),
    types,
    renamed,
  };
}

/** DuckDB numbers names that differ from another in the case of letters alone. None where the file has a name twice. */
async function namesInFile(
  path: string,
  columns: readonly ParquetColumn[],
  { scope, signal }: Context,
): Promise<readonly string[]> {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const isNumbered = columns.some(
    ({ name }) => taken.has(name.replace(/(_\d+)+$/, "").toLowerCase()) && /_\d+$/.test(name),
  );
  if (!isNumbered) return [];
  const result = await scope.run(
    "SELECT name, coalesce(num_children, 0)::INTEGER, column_id::INTEGER AS place\n" +
      `FROM parquet_schema(${quoteList([escapeGlob(path)])}) ORDER BY place`,
    signal,
  );
  const [root, ...elements] = await result.getRows();
  const names: string[] = [];
  let within = 0;
  for (const [name, children] of elements) {
    if (within === 0) names.push(String(name));
    else within -= 1;
    within += Number(children);
  }
  const isWhole = names.length === Number(root?.[1]) && names.length === columns.length;
  return isWhole && new Set(names).size === names.length ? names : [];
}

const SIGNATURE =
  "name, type, type_length, repetition_type, num_children, converted_type, scale, precision, logical_type";

/** Equal for files of equal schema. */
async function signaturesOf(paths: readonly string[], context: Context): Promise<string[]> {
  const list = quoteList(paths.map(escapeGlob));
  try {
    const result = await context.scope.run(
      `SELECT file_name, hash(list(row(${SIGNATURE}) ORDER BY column_id))::VARCHAR\n` +
        `FROM parquet_schema(${list}) GROUP BY file_name`,
      context.signal,
    );
    const found = new Map((await result.getRows()).map(([path, hash]) => [String(path), String(hash)]));
    return paths.map((path) => found.get(path) ?? path);
  } catch (error) {
    context.signal?.throwIfAborted();
    await blame(paths, context.scope, context.signal);
    throw error;
  }
}

/** The columns of a Parquet file, as DuckDB reads them. @throws `parse_failed` for a name that no statement can hold. */
export async function describeParquet(
  path: string,
  { scope, signal }: Context,
): Promise<readonly ParquetColumn[]> {
  const result = await scope.run(`DESCRIBE SELECT * FROM ${readParquet([path])}`, signal);
  const rows = await result.getRows();
  const columns = rows.map(([name, sqlType, nullable]) => {
    return { name: String(name), sqlType: String(sqlType), nullable: nullable !== "NO" };
  });
  // A NUL ends a statement, and with it the name.
  const unnameable = columns.find(({ name }) => name.includes("\0"));
  if (unnameable === undefined) return columns;
  const uri = scope.origins().get(path) ?? "A file";
  const column = unnameable.name;
  throw new AmlError("parse_failed", `${uri}: the column name ${JSON.stringify(column)} holds a NUL.`, {
    hint: "Write the file again with another name of the column, or leave it out of the paths.",
    context: { uri, column },
  });
}

/** DuckDB does not name the file in every error: each is tried alone, and the first that fails says so itself. */
async function blame(
  paths: readonly string[],
  scope: InspectContext["scope"],
  signal?: AbortSignal,
): Promise<void> {
  for (const path of paths) await probe(path, `SELECT 1 FROM ${readParquet([path])} LIMIT 0`, scope, signal);
}

export interface DamageSearch {
  readonly groups: readonly ParquetGroup[];
  /** The columns of such files to look at. */
  readonly columnsOf: (group: ParquetGroup) => readonly string[];
  readonly scope: InspectContext["scope"];
  readonly signal: AbortSignal | undefined;
  /** Fetches what is missing of a file that cannot be read. False when nothing was. */
  readonly repair: (path: string) => Promise<boolean>;
}

/**
 * Reads all pages of each file, to name the one that is damaged. For use after an error without a name.
 *
 * @returns whether files could be read only after they were repaired.
 * @throws `parse_failed` with the file.
 */
export async function findDamagedParquet(search: DamageSearch): Promise<boolean> {
  const { groups, columnsOf, scope, signal, repair } = search;
  let repaired = false;
  for (const group of groups) {
    // Counts, least and greatest values may come from the footer; hashes come from the pages.
    const columns = columnsOf(group).map((name) => `bit_xor(hash(${quoteIdentifier(name)}))`);
    const list = columns.join(", ") || "count(*)";
    for (const path of group.paths) {
      const read = (): Promise<void> =>
        probe(path, `SELECT ${list} FROM ${readParquet([path])}`, scope, signal);
      await read().catch(async (error: unknown) => {
        signal?.throwIfAborted();
        if (!(await repair(path))) throw error;
        repaired = true;
        await read();
      });
    }
  }
  return repaired;
}

async function probe(
  path: string,
  sql: string,
  scope: InspectContext["scope"],
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await scope.run(sql, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const uri = scope.origins().get(path) ?? "A file";
    throw new AmlError("parse_failed", `${uri} is no Parquet file, or cut or damaged.`, {
      hint: "Upload the file again, or leave it out of the paths.",
      context: { uri },
      cause: error,
    });
  }
}
