import {
  AmlError,
  escapeGlob,
  hasGlob,
  listFolder,
  listGlob,
  matchGlob,
  parseGlob,
  parseStorePath,
} from "@aml/core";
import type { FileStat, ListOptions, StorageAdapter, StorePath } from "@aml/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

interface Recorder {
  readonly storage: StorageAdapter;
  readonly calls: string[];
  entries: number;
}

function entry(path: string, kind: FileStat["kind"]): FileStat {
  return { path: path as StorePath, kind, size: 1 };
}

/** A prefix store over given paths that notes each call and counts the entries drawn from it. */
function record(paths: readonly string[], sortedList = true): Recorder {
  const sorted = [...paths].sort();
  const children = (folder: string): Map<string, FileStat> => {
    const start = folder === "" ? "" : `${folder}/`;
    const found = new Map<string, FileStat>();
    for (const path of sorted) {
      if (!path.startsWith(start)) continue;
      const [name = "", ...rest] = path.slice(start.length).split("/");
      const key = rest.length > 0 ? `${start}${name}/` : path;
      if (!found.has(key)) found.set(key, entry(start + name, rest.length > 0 ? "directory" : "file"));
    }
    return found;
  };
  const recorder: Recorder = {
    calls: [],
    entries: 0,
    storage: {
      contract: "aml.storage/1",
      type: "recorder",
      uri: "recorder://",
      capabilities: {
        list: true,
        directories: false,
        sortedList,
        etags: false,
        conditionalWrites: false,
        atomicWrites: false,
      },
      async stat(path) {
        recorder.calls.push(`stat ${path}`);
        if (sorted.includes(path)) return entry(path, "file");
        if (sorted.some((other) => other.startsWith(`${path}/`))) return entry(path, "directory");
        throw new AmlError("not_found", `${path} is not there.`);
      },
      async *list(folder: StorePath, options: ListOptions = {}) {
        const { prefix = "", recursive = false } = options;
        recorder.calls.push(`list ${folder} ${prefix}${recursive ? " all" : ""}`);
        const start = folder === "" ? "" : `${folder}/`;
        const found = recursive
          ? sorted.filter((path) => path.startsWith(start)).map((path) => entry(path, "file"))
          : [...children(folder).entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, stat]) => stat);
        for (const stat of sortedList ? found : found.toReversed()) {
          if (!stat.path.startsWith(start + prefix)) continue;
          recorder.entries++;
          yield stat;
        }
      },
      read: () => Promise.reject(new Error("not read here")),
    },
  };
  return recorder;
}

async function paths(files: AsyncIterable<FileStat>): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of files) found.push(path);
  return found;
}

describe("matchGlob", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["*.csv", ["a.csv", ".csv", "_x.csv", ".x.csv"], ["a.CSV", "a.csv.gz", "d/a.csv", ""]],
    ["a/b.csv", ["a/b.csv"], ["a/b_csv", "b.csv", "a/b.csv/c"]],
    ["./a//*", ["a/b"], ["a", "a/b/c"]],
    ["?.csv", ["a.csv", "é.csv", "😀.csv"], [".csv", "ab.csv"]],
    ["[abc].csv", ["a.csv", "c.csv"], ["d.csv", "ab.csv", "[abc].csv"]],
    ["[a-c0-9].csv", ["b.csv", "7.csv"], ["d.csv", "-.csv", "B.csv"]],
    ["[!a-c]", ["d", "!", "]"], ["a", "b", "dd"]],
    ["[]a]", ["]", "a"], ["b", "[]a]"]],
    ["[!]]", ["a"], ["]"]],
    ["[a-]", ["a", "-"], ["b"]],
    ["[z-a]", [], ["a", "m", "z"]],
    ["[a", ["[a"], ["a"]],
    ["[]", ["[]"], ["]"]],
    ["[!]", ["[!]"], ["!", "a"]],
    ["[*][?][[]", ["*?["], ["abc"]],
    ["[a/b]", ["[a/b]"], ["a"]],
    ["**", ["a", "a/b", "a/b/c"], []],
    ["a/**", ["a/b", "a/b/c"], ["a", "ab", "b/a"]],
    ["**/x.csv", ["x.csv", "a/x.csv", "a/b/x.csv"], ["ax.csv", "a/xx.csv"]],
    [
      "a/**/b/*.csv",
      ["a/b/1.csv", "a/x/b/1.csv", "a/b/b/1.csv", "a/b/c/b/1.csv"],
      ["a/b/c/1.csv", "b/1.csv"],
    ],
    ["**/a/**/b", ["a/b", "x/a/y/z/b", "a/a/b/b"], ["a", "b/a", "a/bb"]],
    ["**/**/x", ["x", "a/x"], ["a"]],
    ["a**b", ["ab", "axxb"], ["a/b"]],
    ["puMonth=*/*.parquet", ["puMonth=1/x.parquet"], ["puMonth=1/y/x.parquet", "x.parquet"]],
    ["$a+(b)|{c}\\.^", ["$a+(b)|{c}\\.^"], ["$a+b|c."]],
  ])("%s", (pattern, yes, no) => {
    const glob = parseGlob(pattern);
    expect(yes.filter((path) => !matchGlob(glob, path))).toEqual([]);
    expect(no.filter((path) => matchGlob(glob, path))).toEqual([]);
  });

  test("is plain data, with the longest literal folder as its root", () => {
    const roots = ["a/b/*.csv", "a/[b]/c*", "a/b*/c", "*", "a/b.csv", "**/x", "a//./b/**"].map(
      (text) => parseGlob(text).root,
    );
    expect(roots).toEqual(["a/b", "a/b", "a", "", "a", "", "a/b"]);
    const glob = parseGlob("a/[x-z]?*/**/b");
    expect(JSON.parse(JSON.stringify(glob))).toEqual(glob);
  });

  test("refuses to climb", () => {
    expect(() => parseGlob("a/../*")).toThrow(expect.objectContaining({ code: "path_invalid" }));
  });

  test.each([
    ["*a*a*a*a*a*a*a*a*a*b", "a".repeat(5000)],
    [`${"*a".repeat(500)}b`, "a".repeat(5000)],
    [`${"**/a/".repeat(200)}b`, "a/".repeat(2000) + "c"],
    ["[".repeat(50_000), "x"],
    [`${"[".repeat(50_000)}]`, "x"],
    ["?*".repeat(2000), "x".repeat(1000)],
    [`[${"a-b".repeat(10_000)}]*`, "zzzz"],
  ])("answers at once for the hostile %.20s", (pattern, path) => {
    const started = performance.now();
    expect(matchGlob(parseGlob(pattern), path)).toBe(false);
    expect(hasGlob(pattern)).toBe(/[*?\]]/.test(pattern));
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("agrees with a naive matcher", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "-", "/"), maxLength: 8 });
    const part = fc.constantFrom(
      "a",
      "b",
      "-",
      "/",
      "*",
      "?",
      "[ab]",
      "[!a]",
      "[a-b]",
      "**",
      "/**/",
      "[",
      "]",
    );
    const glob = fc.array(part, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(glob, text, (pattern, path) => {
        const folded = parseStorePath(path);
        fc.pre(folded !== "" && parseStorePath(pattern) !== "");
        expect(matchGlob(parseGlob(pattern), folded)).toBe(
          naive(parseStorePath(pattern).split("/"), folded.split("/")),
        );
      }),
      { numRuns: 5000 },
    );
  });

  test("an escaped path matches just itself, and only wildcards are globs", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "*", "?", "[", "]", "!", "-"), minLength: 1 }),
        (path) => {
          expect(hasGlob(path) || matchGlob(parseGlob(path), path)).toBe(true);
          expect(parseGlob(escapeGlob(path)).segments).toEqual([path]);
        },
      ),
    );
    expect(["a*", "?", "[a]", "**", "a/[!x]", "[*]"].map(hasGlob)).not.toContain(false);
    expect(["", "a", "[", "[]", "a]", "[!]", "[a/b]"].map(hasGlob)).not.toContain(true);
  });
});

/** Straight from the definition, in exponential time. */
function naive(pattern: readonly string[], names: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return names.length === 0;
  if (first === "**") {
    // The last one stands for the files below.
    if (rest.every((other) => other === "**")) return names.length > 0;
    return naive(rest, names) || (names.length > 0 && naive(pattern, names.slice(1)));
  }
  return names.length > 0 && naiveName(first, names[0] ?? "") && naive(rest, names.slice(1));
}

function naiveName(pattern: string, name: string): boolean {
  if (pattern === "") return name === "";
  if (pattern[0] === "*")
    return naiveName(pattern.slice(1), name) || (name !== "" && naiveName(pattern, name.slice(1)));
  if (name === "") return false;
  const group = /^\[(?:!([^][^\]]*)|([^!][^\]]*))\]/.exec(pattern);
  if (group) {
    const [whole, out, members = out ?? ""] = group;
    const character = name[0] ?? "";
    const has = [...members.matchAll(/([^])-([^])|([^])/g)].some(
      ([, low, high, one]) =>
        character === one || (low !== undefined && low <= character && character <= (high ?? "")),
    );
    return has === (out === undefined) && naiveName(pattern.slice(whole.length), name.slice(1));
  }
  return (pattern[0] === "?" || pattern[0] === name[0]) && naiveName(pattern.slice(1), name.slice(1));
}

describe("listGlob", () => {
  const lake = [
    "data/2024-12/x/1.csv",
    "data/2025-01/x/1.csv",
    "data/2025-01/x/2.csv",
    "data/2025-01/x/deep/3.csv",
    "data/2025-01/y/1.csv",
    "data/2025-02/x/1.csv",
    "data/2025-02/x/1.json",
    "data/2025-02/x.csv",
    "data/2026-01/x/1.csv",
    "other/1.csv",
  ];

  test.each<[string, readonly string[], readonly string[]]>([
    [
      "data/2025-*/x/*.csv",
      ["data/2025-01/x/1.csv", "data/2025-01/x/2.csv", "data/2025-02/x/1.csv"],
      ["list data 2025-", "list data/2025-01/x ", "list data/2025-02/x "],
    ],
    [
      "data/*/x.csv",
      ["data/2025-02/x.csv"],
      [
        "list data ",
        ...["2024-12", "2025-01", "2025-02", "2026-01"].map((month) => `stat data/${month}/x.csv`),
      ],
    ],
    ["other/1.csv", ["other/1.csv"], ["stat other/1.csv"]],
    ["other/none.csv", [], ["stat other/none.csv"]],
    ["other", [], ["stat other"]],
    ["none/*.csv", [], ["list none "]],
    ["data/2025-01/**", lake.slice(1, 5), ["list data/2025-01  all"]],
    [
      "data/2025-0[12]/**/1.*",
      ["data/2025-01/x/1.csv", "data/2025-01/y/1.csv", "data/2025-02/x/1.csv", "data/2025-02/x/1.json"],
      ["list data 2025-0", "list data/2025-01  all", "list data/2025-02  all"],
    ],
    ["*/1.csv", ["other/1.csv"], ["list  ", "stat data/1.csv", "stat other/1.csv"]],
  ])("%s", async (pattern, files, calls) => {
    const { storage, calls: made } = record(lake);
    expect(await paths(listGlob(storage, pattern))).toEqual(files);
    expect(made).toEqual(calls);
  });

  const odd = ["a", "a-b/1", "a.csv/1", "a/1", "a/b/1", "a0/1", "b", "ab"];
  test.each([true, false])("is in the order of paths, from a store that is sorted: %s", async (sorted) => {
    const { storage } = record(odd, sorted);
    const all = [...odd].sort();
    expect(await paths(listGlob(storage, "**"))).toEqual(all);
    expect(await paths(listGlob(storage, "*/1"))).toEqual(["a-b/1", "a.csv/1", "a/1", "a0/1"]);
    expect(await paths(listGlob(storage, "a*/*"))).toEqual(["a-b/1", "a.csv/1", "a/1", "a0/1"]);
    expect(await paths(listFolder(storage, "" as StorePath))).toEqual(all);
    expect(await paths(listFolder(storage, "a" as StorePath))).toEqual(["a/1", "a/b/1"]);
  });

  test("finds what a filter over all paths finds", async () => {
    const segment = fc.constantFrom("a", "ab", "b", "c-1");
    const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const part = fc.constantFrom("a", "b", "*", "a*", "?", "**", "[!a]*");
    const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(path, { maxLength: 12 }),
        pattern,
        fc.boolean(),
        async (all, text, sorted) => {
          const glob = parseGlob(text);
          const { storage } = record(all, sorted);
          expect(await paths(listGlob(storage, text))).toEqual(
            all.filter((one) => matchGlob(glob, one)).sort(),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("hands the signal on and lets failures through", async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    const { storage } = record(lake);
    const denied = new AmlError("permission_denied", "No.");
    const watched: StorageAdapter = {
      ...storage,
      list(folder, options) {
        seen.push(options?.signal);
        return storage.list(folder, options);
      },
      stat(path, options) {
        seen.push(options?.signal);
        return Promise.reject(path.includes("2026") ? denied : new AmlError("not_found", "No."));
      },
    };
    await expect(paths(listGlob(watched, "data/202[4-6]-01/x.csv", { signal }))).rejects.toBe(denied);
    expect(seen).toEqual([signal, signal, signal]);
  });

  describe("a folder of 1,000,000 names", () => {
    const pageSize = 5000;
    function million(): { storage: StorageAdapter; pages: () => number; closed: () => boolean } {
      let pages = 0;
      let closed = false;
      const { storage } = record([]);
      async function* list(): AsyncIterable<FileStat> {
        try {
          for (let at = 0; at < 1_000_000; at++) {
            if (at % pageSize === 0) {
              pages++;
              await Promise.resolve();
            }
            yield entry(`big/${String(at).padStart(7, "0")}.csv`, "file");
          }
        } finally {
          closed = true;
        }
      }
      return { storage: { ...storage, list }, pages: () => pages, closed: () => closed };
    }

    test.each(["big/*.csv", "big/**/*.csv"])("%s: the first ten take one page", async (pattern) => {
      const { storage, pages, closed } = million();
      const found: string[] = [];
      for await (const { path } of listGlob(storage, pattern)) if (found.push(path) === 10) break;
      expect(found.at(-1)).toBe("big/0000009.csv");
      expect(pages()).toBe(1);
      expect(closed()).toBe(true);
    });

    test("all of them stream, never held", async () => {
      const { storage, pages } = million();
      let count = 0;
      let ahead = 0;
      for await (const { path } of listGlob(storage, "big/*[05].csv")) {
        count++;
        ahead = Math.max(ahead, pages() * pageSize - Number(path.slice(4, 11)));
      }
      expect(count).toBe(200_000);
      expect(ahead).toBeLessThanOrEqual(pageSize);
    });
  });
});
