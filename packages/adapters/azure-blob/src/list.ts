import { AmlError, parseStorePath, type FileStat, type ListOptions, type StorePath } from "@aml/core/adapter";
import type { Container } from "./container.ts";
import { directory, isFolderMarker, toStat } from "./stat.ts";

/** One entry, and the key that orders it: its path, with a `/` after a directory's. */
interface Entry {
  readonly key: string;
  readonly stat: FileStat;
}

interface Page {
  readonly segment: {
    readonly blobItems: readonly Item[];
    readonly blobPrefixes?: readonly { readonly name: string }[];
  };
}

interface Item {
  readonly name: string;
  readonly properties: {
    readonly contentLength?: number | undefined;
    readonly lastModified?: Date | undefined;
    readonly etag?: string | undefined;
    readonly contentMD5?: Uint8Array | undefined;
  };
  readonly metadata?: Record<string, string> | undefined;
}

const PAGE = 5000;

/** Lists blobs, and with the delimiter folders too: one request a page, the next one when it is asked for. */
export async function* list(
  container: Container,
  folder: StorePath,
  { recursive = false, prefix = "", signal }: ListOptions = {},
): AsyncGenerator<FileStat> {
  // What lies deeper is not in the folder itself.
  if (!recursive && prefix.includes("/")) return;
  const base = folder === "" ? "" : `${folder}/`;
  const pages = await container.attempt("list", folder, signal, () =>
    startPages(container, base + prefix, recursive, signal),
  );
  let waiting: Entry[] = [];
  let last: string | undefined;
  for (;;) {
    const { value: page, done } = await container.attempt("list", folder, signal, () => pages.next());
    const entries = done ? waiting : [...waiting, ...entriesOf(page, base, recursive)];
    entries.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    // A marker blob `a` stands for the directory `a/`, which may belong behind blobs of the next page.
    const bound = done ? undefined : (lastName(page) ?? "");
    waiting = [];
    for (const entry of entries) {
      if (bound !== undefined && entry.key > bound) waiting.push(entry);
      else if (entry.key !== last) {
        if (last !== undefined && entry.key < last) throw outOfOrder(folder, entry.stat.path);
        last = entry.key;
        signal?.throwIfAborted();
        yield entry.stat;
      }
    }
    if (done) return;
  }
}

async function startPages(
  container: Container,
  prefix: string,
  recursive: boolean,
  signal: AbortSignal | undefined,
): Promise<AsyncIterator<Page>> {
  const client = await container.client();
  const options = { prefix, includeMetadata: true, ...(signal && { abortSignal: signal }) };
  const blobs = recursive ? client.listBlobsFlat(options) : client.listBlobsByHierarchy("/", options);
  return blobs.byPage({ maxPageSize: PAGE });
}

function* entriesOf({ segment }: Page, base: string, recursive: boolean): Generator<Entry> {
  for (const { name } of segment.blobPrefixes ?? []) {
    const path = pathOf(name.slice(0, -1));
    yield { key: name, stat: directory(path) };
  }
  for (const { name, properties, metadata } of segment.blobItems) {
    const size = properties.contentLength ?? 0;
    const folder = isFolderMarker(metadata, size) || (name.endsWith("/") && size === 0);
    if (!folder) {
      const path = pathOf(name);
      yield { key: name, stat: toStat(path, properties) };
    } else if (!recursive && name !== base) {
      const key = name.endsWith("/") ? name : `${name}/`;
      yield { key, stat: directory(pathOf(key.slice(0, -1))) };
    }
  }
}

/** The greatest name of a page: whatever is not greater cannot come after it. */
function lastName({ segment }: Page): string | undefined {
  const names = [segment.blobItems.at(-1)?.name, segment.blobPrefixes?.at(-1)?.name];
  return names.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined);
}

/** Blob names are free text; a path is not. A name that no path can express is reported, not left out. */
function pathOf(name: string): StorePath {
  const path = name.split("/").includes("..") ? undefined : parseStorePath(name);
  if (path === name && path !== "") return path;
  throw new AmlError("unsupported", `The blob name ${JSON.stringify(name)} cannot be written as a path.`, {
    operation: "list",
    hint: "Rename it so that it has no empty, '.' or '..' segment and does not end in '/', or list another folder.",
    context: { name },
  });
}

function outOfOrder(folder: StorePath, path: StorePath): AmlError {
  return new AmlError("internal", `The service listed '${path}' out of order.`, {
    operation: "list",
    hint: "List a narrower folder or prefix.",
    context: { folder, path },
  });
}
