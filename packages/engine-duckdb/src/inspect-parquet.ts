import { AmlError, type FileRef } from "@aml/core";
import { readParquet } from "./compile-read.ts";
import { mapFiles, stageFile, type InspectContext } from "./inspect-context.ts";
import type { ParquetGroup, ParquetTable } from "./inspected.ts";
import { escapeGlob, quoteIdentifier, quoteList } from "./sql-text.ts";
import { unite, type ParquetColumn } from "./unite-schemas.ts";

export type ParquetFindings = Pick<ParquetTable, "kind" | "groups" | "columns">;

type Context = Pick<InspectContext, "scope" | "signal">;

/** Stages Parquet files; their columns can be asked for when the scope is locked. */
export function stageParquet(files: readonly FileRef[], context: InspectContext): Promise<string[]> {
  return mapFiles(files, (file) => stageFile(context, file));
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
  const schemas = new Map<string, readonly ParquetColumn[]>();
  const groups: ParquetGroup[] = [];
  const signatures = paths.length === 1 ? ["one"] : await signaturesOf(paths, context);
  for (const [index, path] of paths.entries()) {
    const signature = signatures[index] ?? "";
    const known = schemas.get(signature) ?? (await describe(path, context));
    schemas.set(signature, known);
    const last = groups.at(-1);
    if (last !== undefined && signatures[index - 1] === signature) {
      groups[groups.length - 1] = { ...last, paths: [...last.paths, path] };
    } else {
      const types = new Map(known.map(({ name, sqlType }) => [name, sqlType]));
      groups.push({ first: index, paths: [path], types });
    }
  }
  return { kind: "parquet", groups, columns: await unite([...schemas.values()], context) };
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

async function describe(path: string, { scope, signal }: Context): Promise<readonly ParquetColumn[]> {
  const result = await scope.run(`DESCRIBE SELECT * FROM ${readParquet([path])}`, signal);
  const rows = await result.getRows();
  return rows.map(([name, sqlType, nullable]) => {
    return { name: String(name), sqlType: String(sqlType), nullable: nullable !== "NO" };
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

/** Reads all pages of each file, to name the one that is damaged. For use after an error without a name. */
export async function findDamagedParquet(
  groups: readonly ParquetGroup[],
  scope: InspectContext["scope"],
  signal?: AbortSignal,
): Promise<void> {
  for (const { paths, types } of groups) {
    // Counts, least and greatest values may come from the footer; hashes come from the pages.
    const columns = [...types.keys()].map((name) => `bit_xor(hash(${quoteIdentifier(name)}))`);
    const list = columns.join(", ") || "count(*)";
    for (const path of paths) await probe(path, `SELECT ${list} FROM ${readParquet([path])}`, scope, signal);
  }
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
