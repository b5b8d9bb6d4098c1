import { createWriteStream, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import type { OperationOptions } from "@aml/core";
import pl, { type LazyDataFrame } from "nodejs-polars";
import type { EncodedSource } from "./to-polars.ts";

/** A lazy frame over a temporary file, which is deleted with it, or when the process exits. */
export interface PolarsScan extends AsyncDisposable {
  readonly frame: LazyDataFrame;
}

export interface ScanPolarsOptions extends OperationOptions {
  /** Where the file's own folder is made. Default the system's for temporary files. */
  readonly folder?: string | undefined;
}

/**
 * A dataset as a lazy polars frame over a temporary Parquet file: for tables that are larger than memory, of which polars
 * then reads what a query needs. Dispose of it when the last query was collected.
 *
 * @throws as `toPolars`; nothing is left behind then.
 */
export async function scanPolars(
  source: EncodedSource,
  options: ScanPolarsOptions = {},
): Promise<PolarsScan> {
  const { folder: parent = tmpdir(), signal } = options;
  signal?.throwIfAborted();
  const folder = await mkdtemp(join(parent, "aml-polars-"));
  // A program may end before it disposes of its scans.
  const atExit = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", atExit);
  const remove = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    process.off("exit", atExit);
  };
  try {
    const path = join(folder, "table.parquet");
    await pipeline(source.encode("parquet", { signal }), createWriteStream(path));
    return { frame: pl.scanParquet(path), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
