import { parseStorePath } from "@aml/core";
import { at, equal, failure, names, readText, refuses, sorted, utf8 } from "../expect.ts";
import { broken, listing, renaming } from "../mutate.ts";
import type { Mutate, StorageCase } from "../storage-case.ts";

/** A case that puts files of odd names, reads each back, and asks for its stat. */
function odd(id: string, title: string, paths: readonly string[], mutate: Mutate): StorageCase {
  return {
    id: `names/${id}`,
    title,
    needs: [],
    async run({ storage, seed }) {
      await seed(Object.fromEntries(paths.map((path) => [path, `This is ${path}`])));
      for (const path of paths) {
        equal(await readText(storage, path), `This is ${path}`, `The file ${JSON.stringify(path)}`);
        equal((await storage.stat(at(path))).path, path, "The path");
        equal((await storage.stat(at(path))).size, utf8(`This is ${path}`).byteLength, "The size");
      }
    },
    mutate,
  };
}

const NFC = "caf\u00E9.txt";
const NFD = "cafe\u0301.txt";
const ODD = [
  NFC,
  NFD,
  " a ",
  "100% + 2%2F3.txt",
  "q?a=b&c#d;e",
  "日本/😀.csv",
  ".hidden",
  "a..b",
  "Case",
  "[1]*{2}",
  'it\'s "x"',
];

export const nameCases: readonly StorageCase[] = [
  odd(
    "unicode",
    "é is kept as it was composed: two spellings are two files",
    [NFC, NFD, `д/${NFC}`],
    renaming((path) => path.normalize("NFC")),
  ),
  odd(
    "spaces",
    "spaces are kept, also at the ends",
    ["a b.txt", " a", "a ", " folder / file "],
    renaming((path) => path.trim()),
  ),
  odd(
    "percent",
    "% and + are characters like others",
    ["%2F", "a%20b", "a b", "100%", "%", "a+b", "%zz"],
    renaming((path) => path.replaceAll("%20", " ").replaceAll("%2F", "x")),
  ),
  odd(
    "url",
    "?, #, & and their like are not read as parts of a URL",
    ["a?b", "a#b", "a&b=c", "a;b", "a:b@c", "a,b!$'()"],
    renaming((path) => path.replace(/[?#].*/, "")),
  ),
  odd(
    "emoji",
    "characters beyond 16 bits and all scripts are kept",
    ["😀.txt", "👩‍👩‍👧/家族.txt", "עברית.txt", "नमस्ते"],
    renaming((path) => path.replaceAll(/[\u{10000}-\u{10FFFF}]/gu, "?")),
  ),
  odd(
    "dots",
    "dots are kept: leading, trailing and in rows",
    [".hidden", "a.", "...", "a..b", "..a/b..", "folder./a"],
    renaming((path) => path.replaceAll(/\.+(?=\/|$)/g, "")),
  ),
  odd(
    "case",
    "upper and lower case are different",
    ["Case.txt", "case.txt", "CASE/a.txt"],
    renaming((path) => path.toLowerCase()),
  ),
  odd(
    "glob",
    "glob and shell characters are plain",
    ["[1].txt", "*.txt", "{a,b}", "~", "$HOME", "a|b", "<a>", "`a`", "-rf", 'it\'s "x"'],
    renaming((path) => path.replaceAll("*", "x").replaceAll("[", "x")),
  ),
  odd(
    "backslash",
    "a backslash is no separator",
    ["a\\b.txt", "\\a"],
    renaming((path) => path.replaceAll("\\", "/")),
  ),
  odd(
    "long",
    "names of 200 characters and paths of 20 folders are kept",
    [`${"n".repeat(200)}.txt`, `${"n".repeat(199)}m.txt`, `${"d/".repeat(20)}a`],
    renaming((path) => path.slice(0, 150)),
  ),
  {
    id: "names/listed",
    title: "a listing gives odd names back as they are",
    needs: ["list"],
    async run({ storage, seed }) {
      await seed(Object.fromEntries(ODD.map((path) => [path, ""])));
      equal(sorted(await names(storage.list(at(""), { recursive: true }))), sorted(ODD), "The store");
      equal(await names(storage.list(at("日本"))), ["日本/😀.csv"], "The folder");
      equal(
        await names(storage.list(at(""), { recursive: true, prefix: "100% +" })),
        ["100% + 2%2F3.txt"],
        "The prefix",
      );
    },
    mutate: listing(async function* (store, folder, options) {
      for await (const item of store.list(folder, options)) yield { ...item, path: at(encodeURI(item.path)) };
    }),
  },
  {
    id: "names/dot-dot",
    title: "a path cannot climb: '..' is refused, not resolved",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "b.txt": "found", "a/c.txt": "x" });
      for (const path of ["../b.txt", "a/../b.txt", "a/%2e%2e/b.txt", "a/..%2Fb.txt"]) {
        const error = await failure(async () => readText(storage, path));
        await refuses(Promise.reject(error), "path_invalid", "not_found", "permission_denied");
      }
      await refuses(async () => parseStorePath("a/../b.txt"), "path_invalid");
    },
    mutate: broken((store) => ({
      read: (path, options) => store.read(at(new URL(path, "http://h/").pathname.slice(1)), options),
    })),
  },
];
