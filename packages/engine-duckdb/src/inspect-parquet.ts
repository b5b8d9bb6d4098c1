import { AmlError, type FileRef } from "@aml/core";
import { readParquet } from "./compile-read.ts";
import { mapFiles, stageFile, type InspectContext } from "./inspect-context.ts";
import type { ParquetTable } from "./inspected.ts";
import { quoteIdentifier } from "./sql-text.ts";

export type ParquetFindings = Pick<ParquetTable, "kind" | "paths" | "columns">;

/** Stages Parquet files; their columns can be asked for when the scope is locked. */
export function stageParquet(files: readonly FileRef[], context: InspectContext): Promise<string[]> {
  return mapFiles(files, (file) => stageFile(context, file));
}

/**
 * Finds out the columns of staged Parquet files: matched by name, of the wider type.
 *
 * @throws `parse_failed` with the file that is none, or is cut; `schema_mismatch` for types that do not go together.
 */
export async function inspectParquet(
  paths: readonly string[],
  { scope, signal }: InspectContext,
): Promise<ParquetFindings> {
  const rows = await describe(paths, { scope, signal });
  const columns = rows.map(([name, sqlType, nullable]) => {
    return { name: String(name), sqlType: String(sqlType), nullable: nullable !== "NO" };
  });
  return { kind: "parquet", paths, columns };
}

type Described = readonly (readonly unknown[])[];

async function describe(
  paths: readonly string[],
  { scope, signal }: Pick<InspectContext, "scope" | "signal">,
): Promise<Described> {
  try {
    const result = await scope.run(`DESCRIBE SELECT * FROM ${readParquet(paths)}`, signal);
    return await result.getRows();
  } catch (error) {
    signal?.throwIfAborted();
    if (paths.length > 1) await blame(paths, scope, signal);
    throw error;
  }
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
  paths: readonly string[],
  columns: readonly string[],
  scope: InspectContext["scope"],
  signal?: AbortSignal,
): Promise<void> {
  // Counts, least and greatest values may come from the footer; hashes come from the pages.
  const list = columns.map((name) => `bit_xor(hash(${quoteIdentifier(name)}))`).join(", ") || "count(*)";
  for (const path of paths) await probe(path, `SELECT ${list} FROM ${readParquet([path])}`, scope, signal);
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
