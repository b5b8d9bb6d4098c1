import type { FileStat, ListOptions, StorePath } from "@aml/core/adapter";

/** The pages of one folder; none when there is no such folder. */
export type OpenFolder = (folder: StorePath) => AsyncGenerator<readonly FileStat[]>;

interface Opened {
  readonly pages: AsyncGenerator<readonly FileStat[]>;
  readonly first: Promise<IteratorResult<readonly FileStat[], unknown>>;
}

/** Folders whose first page is asked for before its turn; Databricks allows ten requests at once. */
const AHEAD = 4;

/** Lists a folder, or all files below it, in the order of the pages; a few folders are opened ahead. */
export async function* walkFolders(
  openFolder: OpenFolder,
  folder: StorePath,
  { recursive = false, prefix = "", signal }: ListOptions = {},
): AsyncGenerator<FileStat> {
  const slash = prefix.lastIndexOf("/");
  // What lies deeper is not in the folder itself.
  if (!recursive && slash >= 0) return;
  const above = prefix.slice(0, Math.max(0, slash)).split("/");
  if (slash >= 0 && above.some((name) => name === "" || name === "." || name === "..")) return;
  const base = [folder, ...(slash < 0 ? [] : above)].filter(Boolean).join("/") as StorePath;
  const start = `${base === "" ? "" : `${base}/`}${prefix.slice(slash + 1)}`;
  const budget = { left: AHEAD };
  for await (const page of openFolder(base)) {
    const entries = page.filter(({ path }) => path.startsWith(start));
    yield* recursive ? below(openFolder, entries, budget, signal) : given(entries, signal);
  }
}

function* given(entries: readonly FileStat[], signal: AbortSignal | undefined): Generator<FileStat> {
  for (const entry of entries) {
    signal?.throwIfAborted();
    yield entry;
  }
}

async function* below(
  openFolder: OpenFolder,
  entries: readonly FileStat[],
  budget: { left: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<FileStat> {
  const folders = entries.filter(({ kind }) => kind === "directory");
  const opened = new Map<FileStat, Opened>();
  let next = 0;
  const openNext = (): void => {
    const folder = folders[next];
    if (folder === undefined) return;
    next += 1;
    budget.left -= 1;
    opened.set(folder, begin(openFolder(folder.path)));
  };
  try {
    for (const entry of entries) {
      signal?.throwIfAborted();
      if (entry.kind === "file") {
        yield entry;
        continue;
      }
      if (!opened.has(entry)) openNext();
      while (budget.left > 0 && next < folders.length) openNext();
      const { pages, first } = opened.get(entry) as Opened;
      opened.delete(entry);
      budget.left += 1;
      for await (const page of resumed(pages, first)) yield* below(openFolder, page, budget, signal);
    }
  } finally {
    for (const { pages } of opened.values()) {
      budget.left += 1;
      void pages.return(undefined).catch(() => undefined);
    }
  }
}

function begin(pages: AsyncGenerator<readonly FileStat[]>): Opened {
  const first = pages.next();
  // Reported when its turn comes; when the listing is left before, nobody asks.
  first.catch(() => undefined);
  return { pages, first };
}

async function* resumed(
  pages: AsyncGenerator<readonly FileStat[]>,
  first: Opened["first"],
): AsyncGenerator<readonly FileStat[]> {
  const { value, done } = await first;
  if (done === true) return;
  yield value;
  yield* pages;
}
