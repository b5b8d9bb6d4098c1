import type { FileRef } from "@aml/core";
import type { SparseFile } from "@aml/staging";
import { stageFile, type InspectContext } from "./inspect-context.ts";

/** Most footers are within it, and it takes no longer to come than their last bytes alone. */
const GUESS_BYTES = 64 * 1024;
/** The footer's length, and the magic bytes. */
const END_BYTES = 8;

/** Stages a Parquet file: of a remote one that can be read in parts just the footer, the rest when a query needs it. */
export async function stageParquetFile(context: InspectContext, file: FileRef): Promise<string> {
  const { stager, pins, origins, partial, signal } = context;
  const sparse = await stager.stageSparse(file, { signal });
  if (sparse === undefined) return stageFile(context, file);
  pins.push(sparse);
  origins.set(sparse.localPath, file.uri);
  partial.set(sparse.localPath, sparse);
  await fetchFooter(sparse, signal);
  return sparse.localPath;
}

async function fetchFooter(sparse: SparseFile, signal: AbortSignal | undefined): Promise<void> {
  const { size } = sparse.file.stat;
  const guess = { start: size - GUESS_BYTES, end: size };
  await sparse.fetch([guess], { signal });
  const end = await sparse.read({ start: size - END_BYTES, end: size });
  const length = new DataView(end.buffer, end.byteOffset).getUint32(0, true);
  const start = size - END_BYTES - length;
  // Of what is no Parquet file, DuckDB finds fault with the end.
  if (start > 0 && start < guess.start) await sparse.fetch([{ start, end: guess.start }], { signal });
}
