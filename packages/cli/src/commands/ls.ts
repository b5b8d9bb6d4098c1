import { AmlError, type FileStat, hasGlob, isAmlError, type LocatedPath, parseStorePath } from "@aml/core";
import { listGlob } from "@aml/core/workspace";
import { formatBytes } from "../format-bytes.ts";
import { jsonText } from "../json-text.ts";
import { oneLine } from "../print-table.ts";
import type { Session } from "../session.ts";

/** `aml ls` */
export async function ls(session: Session, uri: string, recursive: boolean): Promise<void> {
  const workspace = await session.open();
  const { signal } = session;
  const bare = /^azureml:\/\/datastores\/[^/]+\/?$/i.test(uri);
  const located = await workspace.locate(bare ? `${uri.replace(/\/$/, "")}/paths/` : uri, { signal });
  let count = 0;
  if (session.json) await session.write("[");
  for await (const stat of entries(located, recursive, signal)) {
    const target = located.uriOf(stat.path) + (stat.kind === "directory" ? "/" : "");
    await session.write(
      session.json ? `${count === 0 ? "" : ","}\n${jsonText(entry(stat, target))}` : line(stat, target),
    );
    count++;
  }
  if (session.json) await session.write(count === 0 ? "]\n" : "\n]\n");
}

async function* entries(
  located: LocatedPath,
  recursive: boolean,
  signal: AbortSignal,
): AsyncIterable<FileStat> {
  const { storage, path } = located;
  if (hasGlob(path)) {
    let matched = false;
    for await (const stat of listGlob(storage, path, { signal })) {
      matched = true;
      yield stat;
    }
    if (!matched)
      throw nothing(located, "'*' stays within a folder; '**' goes below it. Names are case-sensitive.");
    return;
  }
  const folder = parseStorePath(path);
  let listed = false;
  if (storage.capabilities.list) {
    for await (const stat of storage.list(folder, { recursive, signal })) {
      listed = true;
      yield stat;
    }
  }
  if (listed) return;
  // Nothing below: an empty folder, one file, or nothing at all, which is then an error.
  const stat = await storage.stat(folder, { signal }).catch((error: unknown) => {
    if (!isAmlError(error, "not_found") || path === "") throw error;
    throw nothing(located, "List the folder above it; names are case-sensitive.", error);
  });
  if (stat.kind === "file") yield stat;
}

function nothing({ uriOf, path }: LocatedPath, hint: string, cause?: unknown): AmlError {
  const what = hasGlob(path) ? "No file matches" : "There is nothing at";
  return new AmlError("not_found", `${what} ${uriOf(path)}.`, { hint, context: { path }, cause });
}

function entry({ kind, size, modifiedAt, etag }: FileStat, uri: string): Readonly<Record<string, unknown>> {
  return { uri, kind, size, modifiedAt, etag };
}

function line({ kind, size, modifiedAt }: FileStat, uri: string): string {
  const bytes = kind === "directory" ? "-" : formatBytes(size);
  const time = modifiedAt?.toISOString().slice(0, 19) ?? "-";
  return `${bytes.padStart(9)}  ${time.padEnd(19)}  ${oneLine(uri)}\n`;
}
