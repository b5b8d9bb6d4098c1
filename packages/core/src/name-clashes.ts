import type { StorageAdapter } from "./storage.ts";

/** Takes the paths that are going to be written, one by one; gives the words for one that cannot be beside the others. */
export type NameCheck = (path: string) => string | undefined;

/**
 * Finds names that are apart in the source and cannot be so in the target: a file and a folder of one name, names that
 * differ in case only. Where the target keeps case and the paths come in order it remembers no more than one path;
 * else 8 bytes or so of each.
 *
 * @param sorted - the paths come in ascending code-unit order.
 */
export function createNameCheck(source: StorageAdapter, target: StorageAdapter, sorted: boolean): NameCheck {
  const { directories, ignoresCase = false } = target.capabilities;
  if (ignoresCase) return source.capabilities.ignoresCase === true ? () => undefined : byHash(fold);
  if (!directories || source.capabilities.directories) return () => undefined;
  return sorted ? byOrder() : byHash((path) => path);
}

/** Of the files so far only those can be a folder of a later path that are a beginning of it. */
function byOrder(): NameCheck {
  const files: string[] = [];
  return (path) => {
    // "0" is the character after "/": what is not less comes behind everything below such a folder.
    while (files.length > 0 && path >= `${files.at(-1)}0`) files.pop();
    const file = files.find((name) => path.startsWith(`${name}/`));
    files.push(path);
    return file === undefined ? undefined : `'${file}' is a file and a folder at once`;
  };
}

function byHash(key: (path: string) => string): NameCheck {
  // Two names with one hash would be taken for a clash; another run has another seed.
  const seed = Math.floor(Math.random() * 2 ** 31);
  const files = new Set<number>();
  const folders = new Set<number>();
  return (path) => {
    const name = key(path);
    const own = hash(name, seed);
    if (files.has(own)) return `'${path}' differs from another name in case only`;
    files.add(own);
    if (folders.has(own)) return `'${path}' is a file and a folder at once`;
    for (let end = name.indexOf("/"); end >= 0; end = name.indexOf("/", end + 1)) {
      const folder = hash(name.slice(0, end), seed);
      folders.add(folder);
      if (files.has(folder)) return `'${path.slice(0, end)}' is a file and a folder at once`;
    }
    return undefined;
  };
}

function fold(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/** 53 bits of a text, by two multiplicative hashes. */
function hash(text: string, seed: number): number {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
