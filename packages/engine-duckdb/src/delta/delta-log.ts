import { AmlError, type FileRef } from "@aml/core";

/** A file of the log, by what its name says. */
export interface DeltaLog {
  /** URI of the table's folder, without a slash at its end. */
  readonly uri: string;
  /** Path of the table's folder in its store. */
  readonly root: string;
  readonly storage: FileRef["storage"];
  readonly commits: ReadonlyMap<number, FileRef>;
  /** Complete ones only, by version: their parts in order. */
  readonly checkpoints: ReadonlyMap<number, readonly FileRef[]>;
}

const LOG = "_delta_log/";
const COMMIT = /^(\d{20})\.json$/;
const CHECKPOINT = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.[0-9a-f-]{36})?\.(?:parquet|json)$/;

/**
 * Sorts the files of a Delta table's log. Files that are none of it are left alone.
 *
 * @throws `not_found` when there is no log.
 */
export function readLogNames(files: readonly FileRef[]): DeltaLog {
  const commits = new Map<number, FileRef>();
  const parts = new Map<string, FileRef[]>();
  let place: Pick<DeltaLog, "uri" | "root" | "storage"> | undefined;
  for (const file of files) {
    const at = `/${file.stat.path}`.lastIndexOf(`/${LOG}`);
    const name = at < 0 ? "" : file.stat.path.slice(at + LOG.length);
    const commit = COMMIT.exec(name);
    const checkpoint = CHECKPOINT.exec(name);
    if (commit === null && checkpoint === null) continue;
    const root = file.stat.path.slice(0, Math.max(at - 1, 0));
    place ??= { root, storage: file.storage, uri: file.uri.slice(0, -(LOG.length + name.length + 1)) };
    if (commit !== null) commits.set(versionOf(commit[1], file), file);
    if (checkpoint === null) continue;
    const [, version, part, count] = checkpoint;
    const key = part === undefined ? name : `${version}.${count}`;
    parts.set(key, [...(parts.get(key) ?? []), file]);
  }
  if (place === undefined) {
    throw new AmlError("not_found", "The folder is no Delta table: it has no _delta_log with a version.", {
      hint: "Name the table's root, the folder that contains _delta_log.",
    });
  }
  return { ...place, commits, checkpoints: completeOnes(parts) };
}

function completeOnes(parts: ReadonlyMap<string, readonly FileRef[]>): Map<number, readonly FileRef[]> {
  const out = new Map<number, readonly FileRef[]>();
  for (const [key, files] of parts) {
    const count = /^\d{20}\.(\d{10})$/.exec(key)?.[1];
    if (count !== undefined && files.length !== Number(count)) continue;
    const sorted = files.toSorted((a, b) => (a.stat.path < b.stat.path ? -1 : 1));
    const first = sorted[0];
    if (first !== undefined) out.set(versionOf(key.slice(0, 20), first), sorted);
  }
  return out;
}

function versionOf(digits: string | undefined, { uri }: FileRef): number {
  const version = Number(digits);
  if (Number.isSafeInteger(version)) return version;
  throw new AmlError("unsupported", `${uri} has a version that is too great.`, { context: { uri } });
}

/** What a version is made of: a checkpoint, unless it starts at version 0, and the commits behind it. */
export interface Segment {
  readonly version: number;
  readonly checkpoint: readonly FileRef[] | undefined;
  readonly commits: readonly FileRef[];
}

/**
 * The files to read for a version; for the newest without one.
 *
 * @throws `not_found` for a version that the log has not got, or has not got whole any more.
 */
export function segmentOf(log: DeltaLog, asked?: number): Segment {
  const known = [...log.commits.keys(), ...log.checkpoints.keys()];
  const newest = known.reduce((a, b) => Math.max(a, b), -1);
  const version = asked ?? newest;
  if (version > newest || !known.includes(version)) {
    throw new AmlError("not_found", `The Delta table ${log.uri} has no version ${version}.`, {
      hint: `Its log has the versions ${known.reduce((a, b) => Math.min(a, b))} to ${newest}.`,
      context: { uri: log.uri, version },
    });
  }
  let base = -1;
  for (const at of log.checkpoints.keys()) if (at <= version && at > base) base = at;
  const commits: FileRef[] = [];
  for (let at = base + 1; at <= version; at += 1) {
    const commit = log.commits.get(at);
    if (commit === undefined) throw gap(log, version, at);
    commits.push(commit);
  }
  return { version, checkpoint: log.checkpoints.get(base), commits };
}

function gap({ uri }: DeltaLog, version: number, missing: number): AmlError {
  const name = `${String(missing).padStart(20, "0")}.json`;
  return new AmlError(
    "not_found",
    `Version ${version} of the Delta table ${uri} cannot be put together: its log lacks ${name}.`,
    {
      hint: "Old log files are cleaned up; read a later version, or restore the file.",
      context: { uri, version, missing },
    },
  );
}
