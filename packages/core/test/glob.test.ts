import { AmlError, escapeGlob, hasGlob, matchGlob, parseGlob, parseStorePath } from "@aml/core";
import { listFolder, listGlob } from "@aml/core/workspace";
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
    expect(performance.now() - started).toBeLessThan(30_000);
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
      { numRuns: 1000 },
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
      { numRuns: 300 },
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
    expect(seen).toHaveLength(3);
    expect(seen[0]).toBe(signal);
  });

  describe("lookups of one name in many folders", () => {
    const folders = Array.from({ length: 40 }, (_, at) => `f${String(at).padStart(2, "0")}`);
    type Stat = StorageAdapter["stat"];

    /** A store of these folders, each with `x.csv`; tells the lookups begun, and whether its listing was closed. */
    function wide(stat: Stat, failAfter = Infinity) {
      const seen = { begun: [] as string[], signals: [] as AbortSignal[], closed: false };
      const storage: StorageAdapter = {
        ...record([]).storage,
        async *list() {
          try {
            for (const [at, folder] of folders.entries()) {
              if (at === failAfter) throw new AmlError("unavailable", "The listing broke off.");
              yield entry(folder, "directory");
            }
          } finally {
            seen.closed = true;
          }
        },
        stat(path, options) {
          seen.begun.push(path);
          if (options?.signal) seen.signals.push(options.signal);
          return stat(path, options);
        },
      };
      return { storage, seen };
    }
    const all = folders.map((folder) => `${folder}/x.csv`);
    const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
    const hanging: Stat = (_, options) =>
      new Promise((_resolve, reject) => {
        const { signal } = options ?? {};
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
      });

    test("run 16 at a time, and are told in order", async () => {
      let underWay = 0;
      let most = 0;
      const { storage } = wide(async (path) => {
        most = Math.max(most, ++underWay);
        // Every other one answers before the one ahead of it.
        await turn();
        if (Number(path.slice(1, 3)) % 2 === 0) await turn();
        underWay--;
        if (path === "f07/x.csv") throw new AmlError("not_found", "No.");
        return entry(path, path === "f08/x.csv" ? "directory" : "file");
      });
      expect(await paths(listGlob(storage, "*/x.csv"))).toEqual([...all.slice(0, 7), ...all.slice(9)]);
      expect(most).toBe(16);
    });

    test("end when the reader leaves", async () => {
      const { storage, seen } = wide((path, options) =>
        path === "f00/x.csv" ? Promise.resolve(entry(path, "file")) : hanging(path, options),
      );
      for await (const { path } of listGlob(storage, "*/x.csv")) {
        expect(path).toBe("f00/x.csv");
        break;
      }
      expect(seen.begun).toEqual(all.slice(0, 16));
      expect(seen.signals.every(({ aborted }) => aborted)).toBe(true);
      expect(seen.closed).toBe(true);
    });

    test("end when the caller aborts, with the caller's reason", async () => {
      const { storage, seen } = wide(hanging);
      const controller = new AbortController();
      const found = paths(listGlob(storage, "*/x.csv", { signal: controller.signal }));
      while (seen.begun.length < 16) await Promise.resolve();
      const reason = new Error("enough");
      controller.abort(reason);
      await expect(found).rejects.toBe(reason);
      expect(seen.begun).toHaveLength(16);
      expect(seen.signals.every((signal) => signal.reason === reason)).toBe(true);
      expect(seen.closed).toBe(true);
    });

    test.each([
      ["a lookup fails", Infinity, "permission_denied", 20],
      ["the listing fails", 5, "unavailable", 5],
    ])("tell what came before when %s", async (_, failAfter, code, count) => {
      const { storage, seen } = wide(async (path) => {
        if (path >= "f20") throw new AmlError("permission_denied", "No.");
        return entry(path, "file");
      }, failAfter);
      const found: string[] = [];
      const reading = (async () => {
        for await (const { path } of listGlob(storage, "*/x.csv")) found.push(path);
      })();
      await expect(reading).rejects.toMatchObject({ code });
      expect(found).toEqual(all.slice(0, count));
      expect(seen.closed).toBe(true);
    });
  });

  describe("a folder of 1,000,000 names", () => {
    const pageSize = 5000;
    function million(names = 1_000_000): {
      storage: StorageAdapter;
      pages: () => number;
      closed: () => boolean;
    } {
      let pages = 0;
      let closed = false;
      const { storage } = record([]);
      async function* list(): AsyncIterable<FileStat> {
        try {
          for (let at = 0; at < names; at++) {
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
      const { storage, pages } = million(50_000);
      let count = 0;
      let ahead = 0;
      for await (const { path } of listGlob(storage, "big/*[05].csv")) {
        count++;
        ahead = Math.max(ahead, pages() * pageSize - Number(path.slice(4, 11)));
      }
      expect(count).toBe(10_000);
      expect(ahead).toBeLessThanOrEqual(pageSize);
    });
  });
});
