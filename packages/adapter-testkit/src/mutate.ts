import { type FileStat, type StorageAdapter } from "@aml/core";
import { createLayer, type LayerVerbs } from "@aml/core/layers";
import type { ListOptions, ReadOptions, ReadResult, StorePath, WriteOptions } from "@aml/core";
import { collect, join, streamOf } from "./expect.ts";
import type { Mutate } from "./storage-case.ts";

/** Breaks some verbs of a store. */
export function broken(verbs: (store: StorageAdapter) => LayerVerbs): Mutate {
  return (store) => createLayer(store, verbs(store));
}

/** Reads something else than asked. */
export function reading(
  change: (options: ReadOptions, size: number) => ReadOptions | Promise<ReadOptions>,
): Mutate {
  return broken((store) => ({
    read: async (path, options = {}) => {
      const { size } = await store.stat(path);
      return store.read(path, await change(options, size));
    },
  }));
}

/** Gives other bytes than those read. */
export function giving(change: (bytes: Uint8Array<ArrayBuffer>, options: ReadOptions) => Uint8Array): Mutate {
  return broken((store) => ({
    read: async (path, options = {}) => {
      const result = await store.read(path, options);
      return { ...result, body: streamOf(change(await collect(result.body), options)) };
    },
  }));
}

/** Lists something else than asked, or in another order. */
export function listing(
  change: (store: StorageAdapter, folder: StorePath, options: ListOptions) => AsyncIterable<FileStat>,
): Mutate {
  return broken((store) => ({ list: (folder, options = {}) => change(store, folder, options) }));
}

export async function* sortedBy(
  items: AsyncIterable<FileStat>,
  key: (item: FileStat) => string,
): AsyncGenerator<FileStat> {
  const all: FileStat[] = [];
  for await (const item of items) all.push(item);
  yield* all.sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

export async function* filtered(
  items: AsyncIterable<FileStat>,
  keep: (item: FileStat, index: number) => boolean,
): AsyncGenerator<FileStat> {
  let index = 0;
  for await (const item of items) {
    if (keep(item, index)) yield item;
    index += 1;
  }
}

/** Writes something else than asked. */
export function writing(
  change: (
    put: NonNullable<StorageAdapter["write"]>,
    path: StorePath,
    bytes: Uint8Array<ArrayBuffer>,
    options: WriteOptions,
    store: StorageAdapter,
  ) => Promise<FileStat>,
): Mutate {
  return broken((store) => ({
    write: async (path, body, options = {}) => {
      const put = store.write as NonNullable<StorageAdapter["write"]>;
      return change(put, path, await collect(body), options, store);
    },
  }));
}

/** Takes a body as far as it comes, and its failure for its end. */
export async function salvage(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  } catch {
    return join(chunks);
  }
  return join(chunks);
}

/** Changes every path on its way in, as an adapter does that does not quote names well. */
export function renaming(change: (path: string) => string): Mutate {
  return broken((store) => {
    const to = (path: StorePath): StorePath => change(path) as StorePath;
    return {
      stat: async (path, o) => ({ ...(await store.stat(to(path), o)), path }),
      read: (path, o): Promise<ReadResult> => store.read(to(path), o),
      write: (path, body, o) => (store.write as NonNullable<StorageAdapter["write"]>)(to(path), body, o),
    };
  });
}

/** Does not hear the signal of some verbs. */
export function deaf(...verbs: readonly ("stat" | "list" | "read" | "write" | "delete")[]): Mutate {
  return broken((store) => {
    const hearing: LayerVerbs = {
      stat: (path, o) => store.stat(path, { ...o, signal: undefined }),
      list: (path, o) => store.list(path, { ...o, signal: undefined }),
      read: (path, o) => store.read(path, { ...o, signal: undefined }),
      write: (path, body, o) =>
        (store.write as NonNullable<StorageAdapter["write"]>)(path, body, { ...o, signal: undefined }),
      delete: (path, o) =>
        (store.delete as NonNullable<StorageAdapter["delete"]>)(path, { ...o, signal: undefined }),
    };
    return Object.fromEntries(verbs.map((verb) => [verb, hearing[verb]]));
  });
}
