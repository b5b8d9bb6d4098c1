import { AmlError } from "./aml-error.ts";
import type { DownloadOptions, DownloadReport } from "./dataset.ts";
import type { FileRef } from "./engine.ts";
import type { StorePath } from "./storage.ts";
import { joinStorePath } from "./store-path.ts";
import type { LocatedPath } from "./workspace.ts";
import { exists, writeFile } from "./write-file.ts";

interface Copy {
  readonly file: FileRef;
  readonly to: StorePath;
}

/**
 * Copies files below a folder of a store: checks for conflicts first, copies in parallel, verifies sizes, and
 * removes what it wrote when one copy fails.
 */
export async function copyFiles(
  files: AsyncIterable<FileRef>,
  target: LocatedPath,
  options: DownloadOptions,
): Promise<DownloadReport> {
  const { storage } = target;
  const copies = await planCopies(files, target.path);
  if (options.overwrite !== true) await refuseExisting(target, copies, options);

  const failed = new AbortController();
  const signal =
    options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const done: StorePath[] = [];
  let bytes = 0;
  const copy = async ({ file, to }: Copy): Promise<void> => {
    const { body } = await file.storage.read(file.stat.path, { ifMatch: file.stat.etag, signal });
    await writeFile(storage, to, body, { size: file.stat.size, overwrite: options.overwrite, signal });
    done.push(to);
    bytes += file.stat.size;
  };
  try {
    await inParallel(copies, options.concurrency ?? 8, copy, failed);
  } catch (error) {
    // Overwritten files cannot be brought back; new ones are taken away so that no half of a dataset stays behind.
    if (options.overwrite !== true)
      await Promise.allSettled(done.map(async (path) => storage.delete?.(path)));
    throw error;
  }
  return { files: copies.map(({ to }) => target.uriOf(to)), bytes };
}

async function planCopies(files: AsyncIterable<FileRef>, folder: string): Promise<Copy[]> {
  const sources = new Map<StorePath, string>();
  const copies: Copy[] = [];
  for await (const file of files) {
    const to = joinStorePath(folder, file.relativePath);
    const other = sources.get(to);
    if (other === file.uri) continue;
    if (other !== undefined) {
      throw new AmlError("already_exists", `${other} and ${file.uri} would both become ${to}.`, {
        hint: "Download them to different folders.",
      });
    }
    sources.set(to, file.uri);
    copies.push({ file, to });
  }
  return copies;
}

async function refuseExisting(
  { storage, uriOf }: LocatedPath,
  copies: readonly Copy[],
  options: DownloadOptions,
): Promise<void> {
  const existing: string[] = [];
  await inParallel(copies, options.concurrency ?? 8, async ({ to }) => {
    if (await exists(storage, to, options.signal)) existing.push(uriOf(to));
  });
  if (existing.length === 0) return;
  throw new AmlError(
    "already_exists",
    `${existing.length} of ${copies.length} files exist already, e.g. ${existing[0]}.`,
    {
      hint: "Nothing was written. Choose an empty folder, or pass overwrite.",
      context: { paths: existing.slice(0, 20) },
    },
  );
}

/** Runs a task for each item, a few at a time; the first failure stops the rest and is thrown when all have ended. */
async function inParallel<T>(
  items: readonly T[],
  limit: number,
  task: (item: T) => Promise<void>,
  failed: AbortController = new AbortController(),
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      try {
        await task(items[next++] as T);
      } catch (error) {
        failure ??= { error };
        failed.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
}
