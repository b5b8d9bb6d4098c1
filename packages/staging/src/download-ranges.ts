import { open } from "node:fs/promises";
import { removeFile } from "./cache-folder.ts";
import { diskFull, isDiskFull, type DownloadTask } from "./download.ts";
import { planRequests } from "./plan-requests.ts";
import type { RangeGate } from "./range-gate.ts";
import { readRange } from "./read-range.ts";
import { runRequests } from "./run-requests.ts";
import { writeAt } from "./write-at.ts";

/**
 * Writes a file of a store that has etags and ranges to disk, whole or not at all, in ranges that are fetched several
 * at a time.
 *
 * @returns the bytes written.
 * @throws as `download`.
 */
export async function downloadRanges(
  { file, target, folder, signal: outer }: DownloadTask,
  gate: RangeGate,
): Promise<number> {
  const { size } = file.stat;
  const signal = outer ?? new AbortController().signal;
  const handle = await open(target, "wx");
  const requests = planRequests([{ start: 0, end: size }], () => 0);
  try {
    const ended = await runRequests(
      { requests, pieces: 1, bytes: size, gate, signal },
      (range, buffer, stop) =>
        readRange({
          file,
          range,
          buffer,
          take: (bytes, start) => writeAt(handle, bytes, start),
          signal: stop,
        }),
    );
    if (ended !== undefined) throw ended.reason;
    return size;
  } catch (error) {
    await removeFile(target);
    throw isDiskFull(error) ? diskFull(file, folder, size, error) : error;
  } finally {
    await handle.close();
  }
}
