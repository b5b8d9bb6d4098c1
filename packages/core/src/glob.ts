import type { StorePath } from "./storage.ts";
import { parseStorePath } from "./store-path.ts";

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

export const GLOBSTAR = 0;
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

/** A class, whose first member may be a `]`; else one character. */
const PIECE = /\[(?:!([^][^\]]*)|([^!][^\]]*))\]|[^]/gu;
const RANGE = /([^])-([^])|[^]/gu;

function parseSegment(text: string): string | GlobPattern {
  const tokens: GlobToken[] = [];
  // Past the last `]` no class can close, and looking for its end each time would take quadratic time.
  const end = text.lastIndexOf("]") + 1;
  for (const [piece, others, members = others] of [
    ...text.slice(0, end).matchAll(PIECE),
    ...text.slice(end),
  ]) {
    if (members !== undefined) tokens.push(parseClass(members, others !== undefined));
    else if (piece === "?") tokens.push(ANY);
    else if (piece !== "*") tokens.push(piece as string);
    else if (tokens.at(-1) !== STAR) tokens.push(STAR);
  }
  const wild = tokens.findIndex((token) => typeof token !== "string");
  const prefix = (tokens.slice(0, wild < 0 ? undefined : wild) as string[]).join("");
  return wild < 0 ? prefix : { prefix, tokens };
}

function parseClass(members: string, negated: boolean): string | GlobClass {
  const ranges = Array.from(
    members.matchAll(RANGE),
    ([one, first = one, last = one]) => [first, last] as const,
  );
  return negated || /^[^]{2,}/u.test(members) ? { negated, ranges } : members;
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

/** Tells whether one name matches a segment other than `**`. */
export function matchSegment(segment: string | GlobPattern, name: string): boolean {
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
