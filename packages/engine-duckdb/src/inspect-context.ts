import { open } from "node:fs/promises";
import type { Encoding, FileRef, TabularPlan } from "@aml/core";
import {
  chainTransforms,
  decompressionFor,
  transcode,
  type SparseFile,
  type StagedFile,
  type Stager,
  type StageTransform,
} from "@aml/staging";
import type { CsvShape } from "./csv-scan.ts";
import type { Scope } from "./scope.ts";

/** What inspecting files needs, and where it leaves what must be undone. */
export interface InspectContext {
  readonly stager: Stager;
  readonly scope: Scope;
  readonly signal: AbortSignal | undefined;
  /** Of the files' text. */
  readonly encoding: Encoding | undefined;
  /** Released when the table is disposed of. */
  readonly pins: StagedFile[];
  /** Files of which just the footer was fetched, by local path. */
  readonly partial: Map<string, SparseFile>;
  /** The local path of what is read, and the URI that it stands for. */
  readonly origins: Map<string, string>;
  /** Shapes of files that were looked through before, by path, size and time. */
  readonly shapes: Map<string, CsvShape>;
}

/** Runs tasks over items, a few at a time, and gives results in order. The first failure ends it. */
export async function mapFiles<T, R>(
  items: readonly T[],
  task: (item: T, index: number) => Promise<R>,
  atOnce = 8,
): Promise<R[]> {
  const out: R[] = [];
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const at = next;
      next += 1;
      try {
        out[at] = await task(items[at] as T, at);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  for (const result of settled) if (result.status === "rejected") throw result.reason;
  return out;
}

export async function stageFile(
  context: InspectContext,
  file: FileRef,
  transform?: StageTransform,
): Promise<string> {
  const { stager, pins, origins, signal } = context;
  const staged = await stager.stage(file, { transform, signal });
  pins.push(staged);
  origins.set(staged.localPath, file.uri);
  return staged.localPath;
}

/** What makes plain UTF-8 of a text file; nothing for a file that is that already. */
export function textTransform(file: FileRef, encoding: Encoding | undefined): StageTransform | undefined {
  const known = encoding ?? "utf8";
  const recode = known === "utf8" || known === "utf8bom" ? undefined : transcode(known);
  return chainTransforms(decompressionFor(file.relativePath), recode);
}

/** The first bytes of a local file. */
export async function readStart(path: string, bytes: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    const out = Buffer.allocUnsafe(bytes);
    const { bytesRead } = await handle.read(out, 0, bytes, 0);
    return out.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Rows of text that are taken from beginnings; for more, whole files are. */
export const MOST_ROWS = 100_000;

/**
 * How many rows of the source the plan can use at most: known when a `take` comes before anything that drops rows by
 * their values, and when the plan takes none at all.
 */
export function rowsWanted(plan: Pick<TabularPlan, "steps">): number | undefined {
  const read = plan.steps.findIndex((step) => step.op.startsWith("read_"));
  const steps = plan.steps.slice(read + 1);
  let skipped = 0;
  for (const step of steps) {
    switch (step.op) {
      case "take":
        // Partitions are those of whole files.
        return plan.steps.some(({ op }, at) => op === "select_partitions" && at > read)
          ? undefined
          : skipped + step.count;
      case "skip":
        skipped += step.count;
        break;
      case "keep_columns":
      case "drop_columns":
      case "convert_column_types":
      case "extract_columns_from_partition_format":
        break;
      default:
        return steps.some((later) => later.op === "take" && later.count === 0) ? 0 : undefined;
    }
  }
  return undefined;
}
