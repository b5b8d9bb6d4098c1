import { AmlError, type FileStat, hasGlob, isAmlError, type LocatedPath, parseStorePath } from "@aml/core";
import { listGlob } from "@aml/core/workspace";
import { formatBytes } from "../format-bytes.ts";
import { jsonText } from "../json-text.ts";
import { oneLine } from "../print-table.ts";
import type { Session } from "../session.ts";
import { shownPath } from "../shown-path.ts";

/** Characters that are written together. */
const PIECE = 16_384;

/** `aml ls` */
export async function ls(session: Session, uri: string, recursive: boolean): Promise<void> {
  const workspace = await session.open();
  const { signal } = session;
  if (/^azureml:[^/]/i.test(uri)) {
    const { source } = (await workspace.datasets.get(uri, { signal })).plan;
    const paths = source.from === "paths" ? source.paths.map((path) => Object.values(path).join()) : [];
    throw new AmlError("path_invalid", `${uri} is a registered dataset, not a place.`, {
      hint: `List where it lies: aml ls '${paths[0] ?? ""}'; or see its files: aml dataset show ${uri.slice(8)} --json.`,
      context: { uri },
    });
  }
  const bare = /^azureml:\/\/datastores\/[^/]+\/?$/i.test(uri);
  const located = await workspace.locate(bare ? `${uri.replace(/\/$/, "")}/paths/` : uri, { signal });
  const { json } = session;
  let count = 0;
  let text = "";
  for await (const stat of entries(located, recursive, signal)) {
    const target = located.uriOf(stat.path) + (stat.kind === "directory" ? "/" : "");
    text += json
      ? `${count === 0 ? "[" : ","}\n${jsonText(entry(stat, target))}`
      : line(stat, shownPath(target, uri, session.terminal.cwd));
    count++;
    // The first line at once, the others in larger pieces.
    if (count > 1 && text.length < PIECE) continue;
    await session.write(text);
    text = "";
  }
  if (json) text += count === 0 ? "[]\n" : "\n]\n";
  if (text !== "") await session.write(text);
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
