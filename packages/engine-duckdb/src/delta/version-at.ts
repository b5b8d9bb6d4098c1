import { AmlError } from "@aml/core";
import { mapFiles } from "../inspect-context.ts";
import type { DeltaLog } from "./delta-log.ts";
import { readText, type Snapshot, type SnapshotContext } from "./snapshot.ts";

/**
 * The last version that was committed at or before an instant; the newest for one in the future. A commit's time is the
 * one that it holds, where the table keeps such times, else its file's, moved behind the commit before it.
 *
 * @throws `not_found` for an instant before the first commit; `unsupported` when the store keeps no times.
 */
export async function versionAt(
  log: DeltaLog,
  newest: Snapshot,
  instant: string,
  context: SnapshotContext,
): Promise<number> {
  const asked = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(instant) ? instant : `${instant}Z`);
  const { configuration } = newest.metadata;
  const kept = configuration["delta.enableInCommitTimestamps"] === "true";
  const since = Number(configuration["delta.inCommitTimestampEnablementVersion"] ?? 0);
  const versions = [...log.commits.keys()].filter((at) => at <= newest.version).toSorted((a, b) => a - b);
  const held = await mapFiles(versions, async (version) => {
    const file = log.commits.get(version);
    if (!kept || version < since || file === undefined) return undefined;
    return committedAt(await readText(file, context), file.uri);
  });
  let found: number | undefined;
  let before = Number.NEGATIVE_INFINITY;
  for (const [index, version] of versions.entries()) {
    const own = held[index];
    const file = log.commits.get(version);
    const listed = file?.stat.modifiedAt?.getTime();
    if (own === undefined && listed === undefined) {
      throw new AmlError("unsupported", `The store keeps no times of files, which ${file?.uri} would need.`, {
        hint: "Read the table by version_as_of.",
        context: { uri: file?.uri },
      });
    }
    const time = own ?? Math.max(listed ?? 0, before + 1);
    before = time;
    if (time <= asked) found = version;
  }
  if (found !== undefined) return found;
  throw new AmlError("not_found", `The Delta table ${log.uri} has no version as old as ${instant}.`, {
    hint: `Its first commit is version ${versions[0] ?? newest.version}; choose a later instant, or version_as_of.`,
    context: { uri: log.uri, timestamp: instant },
  });
}

function committedAt(text: string, uri: string): number {
  for (const line of text.split("\n")) {
    const found = /"inCommitTimestamp"\s*:\s*(\d+)/.exec(line);
    if (!line.includes('"commitInfo"') || found === null) continue;
    const { commitInfo } = JSON.parse(line) as { commitInfo?: { inCommitTimestamp?: unknown } };
    if (typeof commitInfo?.inCommitTimestamp === "number") return commitInfo.inCommitTimestamp;
  }
  throw new AmlError("parse_failed", `${uri} holds no time, though the table keeps times in its commits.`, {
    hint: "Read the table by version_as_of.",
    context: { uri },
  });
}
