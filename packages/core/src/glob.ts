import { isAmlError } from "./aml-error.ts";
import type { FileStat, OperationOptions, StorageAdapter, StorePath } from "./storage.ts";
import { joinStorePath, parseStorePath } from "./store-path.ts";

/** A glob made ready for matching: plain data. */
export interface Glob {
  /** The longest folder that the glob names literally; every match lies below it. */
  readonly root: StorePath;
  /** One for each segment below `root`: a literal name, a pattern, or `**`. */
  readonly segments: readonly GlobSegment[];
}

export type GlobSegment = string | GlobPattern | typeof GLOBSTAR;
export interface GlobPattern {
  /** Every matching name starts so. */
  readonly prefix: string;
  readonly tokens: readonly GlobToken[];
}
export type GlobToken = string | typeof ANY | typeof STAR | GlobClass;
export interface GlobClass {
  readonly negated: boolean;
  /** First and last character of each range. */
  readonly ranges: readonly (readonly [string, string])[];
}

const GLOBSTAR = 0;
const STAR = 1;
const ANY = 2;

/** Tells whether a path holds `*`, `?` or a closed `[…]`, so that it is read otherwise as a glob than literally. */
export function hasGlob(path: string): boolean {
  return path.split("/").some((segment) => parseSegment(segment) !== segment);
}

/** Writes a literal path as a glob that matches just it. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

/**
 * Reads a glob over the paths of one store: `*` any run within a segment, `?` one character, `[abc]`, `[a-z]` and
 * `[!a]` one of or none of these, `**` as a segment any number of segments, none too; as the last one it stands for
 * all files below. Case counts, names that start with `.` or `_` are like others, and `[*]` is a literal `*`.
 *
 * @throws `path_invalid` for a `..` segment or a NUL character.
 */
export function parseGlob(pattern: string): Glob {
  const segments: GlobSegment[] = [];
  for (const text of parseStorePath(pattern).split("/")) {
    if (text !== "**") segments.push(parseSegment(text));
    else if (segments.at(-1) !== GLOBSTAR) segments.push(GLOBSTAR);
  }
  if (segments.at(-1) === GLOBSTAR) segments.push({ prefix: "", tokens: [STAR] });
  const wild = segments.findIndex((segment) => typeof segment !== "string");
  const folders = segments.splice(0, wild < 0 ? segments.length - 1 : wild) as string[];
  return { root: folders.join("/") as StorePath, segments };
}

function parseSegment(text: string): string | GlobPattern {
  const tokens: GlobToken[] = [];
  const characters = [...text];
  const lastClose = characters.lastIndexOf("]");
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    const close = character === "[" && at < lastClose ? findClose(characters, at) : -1;
    if (close > 0) {
      tokens.push(parseClass(characters.slice(at + 1, close)));
      at = close;
    } else if (character === "?") tokens.push(ANY);
    else if (character !== "*") tokens.push(character);
    else if (tokens.at(-1) !== STAR) tokens.push(STAR);
  }
  const wild = tokens.findIndex((token) => typeof token !== "string");
  const prefix = (tokens.slice(0, wild < 0 ? undefined : wild) as string[]).join("");
  return wild < 0 ? prefix : { prefix, tokens };
}

/** A `]` right after the opening is a member of the class. */
function findClose(characters: readonly string[], open: number): number {
  return characters.indexOf("]", open + (characters[open + 1] === "!" ? 3 : 2));
}

function parseClass(characters: readonly string[]): string | GlobClass {
  const negated = characters[0] === "!" && characters.length > 1;
  const ranges: [string, string][] = [];
  for (let at = negated ? 1 : 0; at < characters.length; at++) {
    const first = characters[at] as string;
    const last = characters[at + 1] === "-" ? characters[at + 2] : undefined;
    ranges.push([first, last ?? first]);
    if (last !== undefined) at += 2;
  }
  const [only] = ranges;
  return !negated && ranges.length === 1 && only?.[0] === only?.[1]
    ? (only?.[0] as string)
    : { negated, ranges };
}

/** Tells whether a path matches. Takes time in proportion to path times pattern at most, whatever the pattern. */
export function matchGlob(glob: Glob, path: string): boolean {
  const start = glob.root === "" ? "" : `${glob.root}/`;
  return (
    path.startsWith(start) && path !== "" && matchSegments(glob.segments, path.slice(start.length).split("/"))
  );
}

function matchSegments(segments: readonly GlobSegment[], names: readonly string[]): boolean {
  return matchRuns(segments, names, GLOBSTAR, (segment, name) =>
    matchSegment(segment as string | GlobPattern, name),
  );
}

function matchSegment(segment: string | GlobPattern, name: string): boolean {
  if (typeof segment === "string") return segment === name;
  return name.startsWith(segment.prefix) && matchRuns(segment.tokens, [...name], STAR, matchCharacter);
}

function matchCharacter(token: GlobToken, character: string): boolean {
  if (typeof token !== "object") return token === ANY || token === character;
  const point = character.codePointAt(0) as number;
  return (
    token.negated !==
    token.ranges.some(
      ([first, last]) =>
        (first.codePointAt(0) as number) <= point && point <= (last.codePointAt(0) as number),
    )
  );
}

/** Only the last star ever needs to grow: an earlier one has already matched the least it can. */
function matchRuns<P, I>(
  pattern: readonly P[],
  items: readonly I[],
  star: P,
  matches: (part: P, item: I) => boolean,
): boolean {
  let part = 0;
  let item = 0;
  let afterStar = -1;
  let grown = 0;
  while (item < items.length) {
    if (part < pattern.length && pattern[part] === star) {
      afterStar = ++part;
      grown = item;
    } else if (part < pattern.length && matches(pattern[part] as P, items[item] as I)) {
      part++;
      item++;
    } else if (afterStar >= 0) {
      part = afterStar;
      item = ++grown;
    } else return false;
  }
  while (pattern[part] === star && part < pattern.length) part++;
  return part === pattern.length;
}

/**
 * Lists the files that match a glob, in ascending code-unit order of their paths, on demand. Walks folder by folder
 * and lists only what starts like the glob's segment there; a literal name costs a `stat` instead. Where the store
 * lists in order, nothing is buffered; else one folder is at a time, or from `**` on all matches.
 *
 * @throws `path_invalid`, like `parseGlob`, and what the store throws; a missing file or folder is no match.
 */
export function listGlob(
  storage: StorageAdapter,
  pattern: string,
  options: OperationOptions = {},
): AsyncIterable<FileStat> {
  const { root, segments } = parseGlob(pattern);
  return walk(storage, root, segments, options);
}

/** Lists all files below a folder, in ascending code-unit order of their paths, on demand. @throws as the store. */
export async function* listFolder(
  storage: StorageAdapter,
  folder: StorePath,
  options: OperationOptions = {},
): AsyncGenerator<FileStat, void, undefined> {
  const entries = storage.list(folder, { ...options, recursive: true });
  yield* inOrder(storage, entries, ({ kind }) => kind === "file");
}

async function* walk(
  storage: StorageAdapter,
  parent: StorePath,
  segments: readonly GlobSegment[],
  options: OperationOptions,
): AsyncGenerator<FileStat, void, undefined> {
  const wild = segments.findIndex((segment) => typeof segment !== "string");
  const folder = joinStorePath(parent, ...(segments.slice(0, wild < 0 ? undefined : wild) as string[]));
  const segment = segments[wild];
  if (typeof segment === "object") {
    const rest = segments.slice(wild + 1);
    const kind = rest.length === 0 ? "file" : "directory";
    const { prefix } = segment;
    const entries = storage.list(folder, prefix === "" ? options : { ...options, prefix });
    const start = folder.length + (folder === "" ? 0 : 1);
    const wanted = (entry: FileStat): boolean =>
      entry.kind === kind && matchSegment(segment, entry.path.slice(start));
    for await (const entry of inOrder(storage, entries, wanted)) {
      if (kind === "file") yield entry;
      else yield* walk(storage, entry.path, rest, options);
    }
  } else if (segment === GLOBSTAR) {
    const glob: Glob = { root: folder, segments: segments.slice(wild) };
    const entries = storage.list(folder, { ...options, recursive: true });
    yield* inOrder(storage, entries, ({ kind, path }) => kind === "file" && matchGlob(glob, path));
  } else {
    const stat = await statIfThere(storage, folder, options);
    if (stat?.kind === "file") yield stat;
  }
}

async function statIfThere(
  storage: StorageAdapter,
  path: StorePath,
  options: OperationOptions,
): Promise<FileStat | undefined> {
  try {
    return await storage.stat(path, options);
  } catch (error) {
    if (isAmlError(error, "not_found")) return undefined;
    throw error;
  }
}

async function* inOrder(
  storage: StorageAdapter,
  entries: AsyncIterable<FileStat>,
  wanted: (entry: FileStat) => boolean,
): AsyncGenerator<FileStat, void, undefined> {
  const buffer: FileStat[] = [];
  for await (const entry of entries) {
    if (!wanted(entry)) continue;
    if (storage.capabilities.sortedList) yield entry;
    else buffer.push(entry);
  }
  yield* buffer.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function orderOf({ kind, path }: FileStat): string {
  return kind === "file" ? path : `${path}/`;
}
