import { FileTreeError } from "./file-tree-error.ts";

/** The names of a path, none for the root. @throws `path_invalid`. */
export function splitPath(path: string): readonly string[] {
  if (path === "") return [];
  const names = path.split("/");
  const bad = (name: string): boolean =>
    name === "" || name === "." || name === ".." || name.includes("\0") || /\p{Surrogate}/u.test(name);
  if (names.some(bad)) throw new FileTreeError("path_invalid", path);
  return names;
}

/** Upper case for each character that has one of a single character, as NTFS has it: `ß` stays, `é` does not. */
export function foldCase(name: string): string {
  let folded = "";
  for (const character of name) {
    const upper = character.toUpperCase();
    folded += [...upper].length === 1 ? upper : character;
  }
  return folded;
}

/** The first text, in order of code points, after all that start with `prefix`; `undefined` when there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const points = [...prefix].map((character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // What follows U+D7FF are surrogates, which are no characters.
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}
