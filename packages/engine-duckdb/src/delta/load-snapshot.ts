import { AmlError, joinStorePath, type FileRef, type StepOf } from "@aml/core";
import { mapFiles } from "../inspect-context.ts";
import { applyLines, checkProtocol, type Replay } from "./delta-actions.ts";
import { readLogNames, segmentOf, type DeltaLog, type Segment } from "./delta-log.ts";
import { readCheckpoint } from "./read-checkpoint.ts";
import { readText, type Snapshot, type SnapshotContext } from "./snapshot.ts";
import { versionAt } from "./version-at.ts";

/**
 * Finds out which files are a Delta table's version: the newest, unless the step says which.
 *
 * @throws `not_found` for a version that is not there; `parse_failed` for a damaged log; `unsupported` for a table that
 * asks for more than is known.
 */
export async function loadSnapshot(
  files: readonly FileRef[],
  step: StepOf<"read_delta_lake">,
  context: SnapshotContext,
): Promise<Snapshot> {
  const log = readLogNames(files);
  if (step.timestamp_as_of === undefined)
    return replaySegment(log, segmentOf(log, step.version_as_of), context);
  const newest = await replaySegment(log, segmentOf(log), context);
  const version = await versionAt(log, newest, step.timestamp_as_of, context);
  return version === newest.version ? newest : replaySegment(log, segmentOf(log, version), context);
}

async function replaySegment(log: DeltaLog, segment: Segment, context: SnapshotContext): Promise<Snapshot> {
  const replay: Replay = { files: new Map(), keepStats: context.keepStats === true };
  const { checkpoint, commits, version } = segment;
  if (checkpoint !== undefined) await applyCheckpoint(log, checkpoint, replay, context);
  for (let from = 0; from < commits.length; from += COMMITS_AT_A_TIME) {
    const some = commits.slice(from, from + COMMITS_AT_A_TIME);
    const texts = await mapFiles(some, (file) => readText(file, context));
    for (const [at, text] of texts.entries()) applyLines(replay, text, some[at]?.uri ?? "");
  }
  const { metadata } = checkProtocol(replay, log.uri);
  const files = [...replay.files.values()].toSorted((a, b) =>
    a.path < b.path ? -1 : a.path > b.path ? 1 : 0,
  );
  for (const [at, { path }] of files.entries()) if (files[at - 1]?.path === path) throw twice(log, path);
  return { log, version, metadata, files };
}

const COMMITS_AT_A_TIME = 64;

/** The rows of such a file would come twice. */
function twice({ uri }: DeltaLog, path: string): AmlError {
  return new AmlError("parse_failed", `The log of the Delta table ${uri} adds ${path} twice.`, {
    hint: "The log is damaged; restore it, or read an earlier version.",
    context: { uri, path },
  });
}

async function applyCheckpoint(
  log: DeltaLog,
  checkpoint: readonly FileRef[],
  replay: Replay,
  context: SnapshotContext,
): Promise<void> {
  const [first] = checkpoint;
  let names: readonly string[];
  if (first?.stat.path.endsWith(".json") === true) {
    const found: string[] = [];
    applyLines(replay, await readText(first, context), first.uri, (path) => found.push(path));
    names = found;
  } else {
    names = await readCheckpoint(checkpoint, replay, context);
  }
  const sidecars = await mapFiles(names, async (name): Promise<FileRef> => {
    if (!/^[\w.-]+$/.test(name) || name.startsWith("..")) {
      throw new AmlError("unsupported", `The checkpoint ${first?.uri} names a sidecar elsewhere: ${name}`, {
        hint: "Only sidecars in the table's _delta_log/_sidecars are read.",
        context: { uri: first?.uri, path: name },
      });
    }
    const below = `_delta_log/_sidecars/${name}`;
    const stat = await log.storage.stat(joinStorePath(log.root, below), { signal: context.signal });
    return { uri: `${log.uri}/${below}`, relativePath: below, stat, storage: log.storage };
  });
  await readCheckpoint(sidecars, replay, context);
}
