import { parseStorePath } from "./store-path.ts";
import type { FileProperties, FileStat, StorePath } from "./storage.ts";

export interface StoredFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly stat: FileStat;
  readonly properties?: FileProperties | undefined;
}

export interface Files {
  get(path: StorePath): StoredFile | undefined;
  set(path: StorePath, bytes: Uint8Array<ArrayBuffer>, properties?: FileProperties, md5?: string): FileStat;
  /** Paths from `prefix` on, in order. */
  names(prefix: string): Iterable<StorePath>;
  /** As a listing meets it: `undefined` once it is deleted. */
  listed(path: StorePath): FileStat | undefined;
  directory(path: StorePath): FileStat | undefined;
  delete(path: StorePath, recursive: boolean): void;
}

export interface FilesOptions {
  readonly files?: Readonly<Record<string, string | Uint8Array>> | undefined;
  readonly generate?: ((prefix: string) => Iterable<string>) | undefined;
  readonly now?: (() => number) | undefined;
}

/** Files kept in a map, and others made by a generator, seen as one sorted set of names. */
export function createFiles({ files = {}, generate, now = Date.now }: FilesOptions): Files {
  const stored = new Map<StorePath, StoredFile>();
  let sorted: readonly StorePath[] | undefined;
  let writes = 0;
  const set: Files["set"] = (path, bytes, properties, md5) => {
    writes += 1;
    const stat = describe(path, bytes, `"${writes}"`, now(), md5);
    if (!stored.has(path)) sorted = undefined;
    stored.set(path, { bytes, stat, properties });
    return stat;
  };
  const get = (path: StorePath): StoredFile | undefined => {
    const file = stored.get(path);
    if (file !== undefined || generate === undefined || path === "") return file;
    for (const name of generate(path)) {
      if (name === path) return generated(path);
      if (name > path) return undefined;
    }
    return undefined;
  };
  const names = (prefix: string): Iterable<StorePath> => {
    sorted ??= [...stored.keys()].sort();
    const held = from(sorted, prefix);
    return generate === undefined ? held : merge(held, notBefore(prefix, generate(prefix)));
  };
  for (const [path, content] of Object.entries(files)) {
    set(
      parseStorePath(path),
      typeof content === "string" ? new TextEncoder().encode(content) : content.slice(),
    );
  }
  return {
    get,
    set,
    names,
    listed: (path) => stored.get(path)?.stat ?? (generate === undefined ? undefined : generated(path).stat),
    directory(path) {
      if (path === "") return directoryStat(path);
      for (const name of names(`${path}/`)) {
        return name.startsWith(`${path}/`) ? directoryStat(path) : undefined;
      }
      return undefined;
    },
    delete(path, recursive) {
      const below = path === "" ? "" : `${path}/`;
      for (const name of stored.keys()) {
        if (name === path || (recursive && name.startsWith(below))) stored.delete(name);
      }
      sorted = undefined;
    },
  };
}

function describe(path: StorePath, bytes: Uint8Array, etag: string, at: number, md5?: string): FileStat {
  const stat = { path, kind: "file", size: bytes.byteLength, modifiedAt: new Date(at), etag } as const;
  return Object.freeze(md5 === undefined ? stat : { ...stat, md5 });
}

const encoder = new TextEncoder();

function generated(path: StorePath): StoredFile {
  const bytes = encoder.encode(path);
  return { bytes, stat: describe(path, bytes, '"0"', 0) };
}

export function directoryStat(path: StorePath): FileStat {
  return Object.freeze({ path, kind: "directory", size: 0 });
}

function* from(sorted: readonly StorePath[], first: string): Generator<StorePath> {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? "") < first) low = middle + 1;
    else high = middle;
  }
  for (let index = low; index < sorted.length; index += 1) yield sorted[index] as StorePath;
}

function* notBefore(first: string, names: Iterable<string>): Generator<StorePath> {
  for (const name of names) if (name >= first) yield name as StorePath;
}

function* merge(one: Iterable<StorePath>, other: Iterable<StorePath>): Generator<StorePath> {
  const others = other[Symbol.iterator]();
  let next = others.next();
  try {
    for (const path of one) {
      for (; !next.done && next.value < path; next = others.next()) yield next.value;
      if (!next.done && next.value === path) next = others.next();
      yield path;
    }
    for (; !next.done; next = others.next()) yield next.value;
  } finally {
    others.return?.();
  }
}
