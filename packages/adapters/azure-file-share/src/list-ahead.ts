import type { StorePath } from "@aml/core/adapter";

export interface Ahead<T> {
  /** Begins to fetch, unless enough is under way or waiting. */
  start(path: StorePath): void;
  /** What was fetched ahead, or else fetched now. */
  take(path: StorePath): Promise<T>;
}

/** Fetches before it is asked, `limit` at most. What nobody takes any more is the caller's to abort. */
export function createAhead<T>(fetch: (path: StorePath) => Promise<T>, limit: number): Ahead<T> {
  const waiting = new Map<StorePath, Promise<T>>();
  return {
    start(path) {
      if (waiting.size >= limit || waiting.has(path)) return;
      const fetched = fetch(path);
      // Reported when its turn comes, if it does.
      fetched.catch(() => undefined);
      waiting.set(path, fetched);
    },
    take(path) {
      const fetched = waiting.get(path);
      waiting.delete(path);
      return fetched ?? fetch(path);
    },
  };
}
