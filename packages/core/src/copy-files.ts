import { AmlError, isAmlError } from "./aml-error.ts";
import type { ContentHash, CopyJournal, CopyOptions, CopyReport } from "./copy-types.ts";
import type { FileRef } from "./engine.ts";
import { createFindExisting } from "./existing-files.ts";
import { inParallel } from "./in-parallel.ts";
import { createNameCheck } from "./name-clashes.ts";
import type { FileStat, StorePath } from "./storage.ts";
import { parseStorePath } from "./store-path.ts";
import { type Copy, hashFile, transferFile, type TransferJob } from "./transfer-file.ts";
import type { LocatedPath } from "./workspace.ts";

/** What the files under way may hold together: as much as fits, or one. */
const MEMORY = 256 * 1024 * 1024;
/** What the buffers of two stores hold of a large file. */
const LARGE = 64 * 1024 * 1024;
/** Conflicts that are told by name. */
const SHOWN = 20;

/** What is to be copied, and how. */
export interface CopyJob {
  /** The files and their places: gone through once to check the names, and once to copy. */
  readonly copies: () => AsyncIterable<Copy> | Iterable<Copy>;
  /** The places come in ascending code-unit order. */
  readonly sorted: boolean;
  readonly target: LocatedPath;
  /** Hashes what is copied; without it only sizes and etags are compared. */
  readonly createHash: (() => ContentHash) | undefined;
  /** Lets a later run go on within a large file. */
  readonly journal?: CopyJournal | undefined;
  /**
   * Takes a file that is there, the same, for done, and leaves what is done when something fails. Otherwise each file
   * that is there is a conflict, and a failure takes back what was written.
   */
  readonly resumes: boolean;
}

/**
 * Copies files into a store: checks all names first, then copies in parallel. In memory are names of the files under
 * way and at most 256 MiB of their content, or one file's buffers.
 */
export async function copyFiles(job: CopyJob, options: CopyOptions): Promise<CopyReport> {
  const failed = new AbortController();
  const signal =
    options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const run: Run = { job, options, signal, failed };
  try {
    options.signal?.throwIfAborted();
    const plan = await check(run);
    if (options.dryRun === true) return await tell(run, plan);
    await options.onEvent?.({ kind: "planned", files: plan.files, bytes: plan.bytes });
    return await copyAll(run, plan);
  } catch (error) {
    throw options.signal?.aborted === true ? options.signal.reason : error;
  }
}

interface Run {
  readonly job: CopyJob;
  readonly options: CopyOptions;
  readonly signal: AbortSignal;
  readonly failed: AbortController;
}

interface Checked {
  readonly files: number;
  readonly bytes: number;
  /** Files that have something in their place. */
  readonly existing: number;
}

interface Placed extends Copy {
  readonly there: Promise<FileStat | undefined>;
}

const nothing = Promise.resolve(undefined);

/** Each file with what is in its place; looked for unless nothing can be. */
async function* place({ job, signal }: Run, look: boolean): AsyncGenerator<Placed> {
  const { storage, path } = job.target;
  const find = look ? createFindExisting(storage, parseStorePath(path), job.sorted, signal) : undefined;
  try {
    for await (const copy of job.copies()) {
      const there = find === undefined ? nothing : find(copy.to);
      // Whoever takes the file awaits it; when nobody does, it must not end the process.
      there.catch(() => undefined);
      yield { ...copy, there };
    }
  } finally {
    await find?.close();
  }
}

function parallel({ options, failed }: Run): { limit: number; failed: AbortController } {
  return { limit: Math.max(1, options.concurrency ?? 8), failed };
}

async function check(run: Run): Promise<Checked> {
  const { job, options } = run;
  const { storage, path, uriOf } = job.target;
  let files = 0;
  let bytes = 0;
  let existing = 0;
  const clashes: string[] = [];
  const conflicts = { count: 0, paths: [] as string[] };
  let clash: ((path: string) => string | undefined) | undefined;
  const look = !(options.overwrite === true && !job.resumes);
  await inParallel(
    place(run, look),
    async ({ file, to, there }) => {
      files++;
      bytes += file.stat.size;
      clash ??= createNameCheck(file.storage, storage, job.sorted);
      const words = clash(to);
      if (words !== undefined && clashes.length < SHOWN) clashes.push(words);
      const found = await there;
      if (found === undefined) return;
      existing++;
      if (found.kind === "directory" || found.path !== to) clashes.push(inTheWay(to, found));
      else if (options.overwrite !== true && !(job.resumes && maySame(file.stat, found))) {
        conflicts.count++;
        if (conflicts.paths.length < SHOWN) conflicts.paths.push(uriOf(to));
      }
    },
    parallel(run),
  );
  if (clashes.length > 0) throw clashing(uriOf(path), clashes);
  if (conflicts.count > 0) throw existingFiles(conflicts, files, job.resumes);
  return { files, bytes, existing };
}

function inTheWay(to: StorePath, { kind, path }: FileStat): string {
  return kind === "directory"
    ? `'${path}' is a folder there, and a file here`
    : `'${path}' is a file there, and a folder of '${to}' here`;
}

/** Whether two files can be the same, by what is known of them already. */
function maySame(one: FileStat, other: FileStat): boolean {
  return (
    one.size === other.size && (one.md5 === undefined || other.md5 === undefined || one.md5 === other.md5)
  );
}

function clashing(store: string, clashes: readonly string[]): AmlError {
  return new AmlError("already_exists", `Some names cannot be side by side in ${store}: ${clashes[0]}.`, {
    operation: "copy",
    hint: "Nothing was written. Rename one of them, or copy them to different folders.",
    context: { clashes: clashes.slice(0, SHOWN) },
  });
}

function existingFiles(
  { count, paths }: { readonly count: number; readonly paths: readonly string[] },
  files: number,
  resumes: boolean,
): AmlError {
  const others = resumes ? " with another content" : "";
  return new AmlError(
    "already_exists",
    `${count} of ${files} files exist already${others}, e.g. ${paths[0]}.`,
    { hint: "Nothing was written. Choose an empty folder, or pass overwrite.", context: { paths } },
  );
}

async function tell(run: Run, { existing }: Checked): Promise<CopyReport> {
  const counts = createCounts();
  const one = async ({ file, to, there }: Placed): Promise<void> => {
    const copied = copiedFile(run, { file, to });
    const found = await there;
    const same = found !== undefined && (await isSame(run, file, found));
    counts.add(same ? "skipped" : "files", copied.bytes);
    await run.options.onEvent?.({ kind: same ? "skipped" : "would_copy", ...copied });
  };
  await inParallel(place(run, existing > 0), one, parallel(run));
  return counts.report();
}

async function copyAll(run: Run, { existing }: Checked): Promise<CopyReport> {
  const { job, options, signal } = run;
  const counts = createCounts();
  const written: StorePath[] = [];
  const transfer: TransferJob = {
    target: job.target.storage,
    overwrite: options.overwrite === true,
    verify: options.verify === true,
    createHash: job.createHash,
    journal: job.journal,
    uriOf: job.target.uriOf,
    signal,
    onBytes: (bytes) => options.onBytes?.(bytes),
    byService: true,
    onFallback: (reason) => options.onEvent?.({ kind: "fallback", reason }),
  };
  const skip = async (copy: Copy): Promise<void> => {
    const copied = copiedFile(run, copy);
    counts.add("skipped", copied.bytes);
    options.onBytes?.(copied.bytes);
    await options.onEvent?.({ kind: "skipped", ...copied });
  };
  const one = async (placed: Placed): Promise<void> => {
    const { file, to } = placed;
    const there = await placed.there;
    if (there !== undefined && job.resumes) {
      if (await isSame(run, file, there)) return skip(placed);
      if (!transfer.overwrite) throw different(run, placed);
    }
    try {
      const { via, md5, bytes, resumedFrom } = await transferFile(placed, transfer);
      counts.add(via === "service" ? "byService" : "files", bytes);
      // Only what may have to be taken back is remembered.
      if (!job.resumes && !transfer.overwrite) written.push(to);
      await options.onEvent?.({ kind: "copied", ...copiedFile(run, placed), bytes, via, md5, resumedFrom });
    } catch (error) {
      if (!job.resumes || !isAmlError(error, "already_exists")) throw error;
      // It came meanwhile, or could not be seen before: by another run, or by a request whose answer was lost.
      const found = await job.target.storage.stat(to, { signal }).catch(() => undefined);
      if (found === undefined || !(await isSame(run, file, found))) throw error;
      await skip(placed);
    }
  };
  const look = existing > 0 && (job.resumes || !transfer.overwrite);
  const weigh = { budget: MEMORY, weight: ({ file }: Copy) => Math.min(file.stat.size, LARGE) };
  try {
    await inParallel(place(run, look), one, { ...parallel(run), ...weigh });
  } catch (error) {
    await Promise.allSettled(written.map(async (path) => job.target.storage.delete?.(path)));
    throw error;
  }
  return counts.report();
}

function copiedFile({ job }: Run, { file, to }: Copy): { from: string; to: string; bytes: number } {
  return { from: file.uri, to: job.target.uriOf(to), bytes: file.stat.size };
}

/** Whether a file that is there has the content of the source: by size and the hashes that are kept, else by reading. */
async function isSame(run: Run, file: FileRef, there: FileStat): Promise<boolean> {
  const { job, signal } = run;
  if (there.kind !== "file" || there.size !== file.stat.size) return false;
  if (there.size === 0) return true;
  const { createHash } = job;
  const hashOf = async (storage: FileRef["storage"], stat: FileStat): Promise<string | undefined> => {
    const kept = stat.md5 ?? (await storage.stat(stat.path, { signal })).md5;
    return kept ?? (createHash && hashFile(storage, stat.path, createHash, signal));
  };
  const ours = await hashOf(file.storage, file.stat);
  return ours !== undefined && ours === (await hashOf(job.target.storage, there));
}

function different(run: Run, copy: Copy): AmlError {
  const { from, to } = copiedFile(run, copy);
  return new AmlError("already_exists", `${to} exists already, with another content than ${from}.`, {
    operation: "copy",
    hint: "It was left as it is. Choose another target, or pass overwrite.",
    context: { from, to },
  });
}

interface Counts {
  add(what: "files" | "byService" | "skipped", bytes: number): void;
  report(): CopyReport;
}

function createCounts(): Counts {
  const report = { files: 0, bytes: 0, skipped: 0, skippedBytes: 0, byService: 0 };
  return {
    add(what, bytes) {
      report[what]++;
      if (what === "byService") report.files++;
      report[what === "skipped" ? "skippedBytes" : "bytes"] += bytes;
    },
    report: () => report,
  };
}
