import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergeAcl, newAccess, parseAcl, removeFromAcl } from "../../src/adls-gen2/access-control.ts";
import { createNamespace, type Change, type Entry } from "../../src/adls-gen2/namespace.ts";
import { formatProperties, parseProperties } from "../../src/adls-gen2/properties.ts";
import { parseRoute, parseSource } from "../../src/adls-gen2/route.ts";

const directory: Entry = {
  kind: "directory",
  etag: '"1"',
  modifiedAt: 0,
  createdAt: 0,
  access: newAccess("directory", undefined),
  metadata: {},
};

const name = fc
  .string({ unit: fc.constantFrom("a", "b", "-", ".", "0", "é", "😀", " "), minLength: 1, maxLength: 3 })
  .filter((text) => text !== "." && text !== "..");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/"));

/** With all that lies above. */
function withParents(paths: readonly string[]): string[] {
  return [
    ...new Set(paths.flatMap((one) => one.split("/").map((_, at, all) => all.slice(0, at + 1).join("/")))),
  ];
}

/** Segment by segment, a directory before what is in it. */
function inTreeOrder(paths: readonly string[]): string[] {
  return paths.toSorted((a, b) => {
    const [left, right] = [a.split("/"), b.split("/")];
    for (let at = 0; ; at += 1) {
      const [x, y] = [left[at], right[at]];
      if (x === y && x === undefined) return 0;
      if (x === undefined) return -1;
      if (y === undefined) return 1;
      if (x !== y) return x < y ? -1 : 1;
    }
  });
}

function filled(
  paths: readonly string[],
  record?: (change: Change) => void,
): ReturnType<typeof createNamespace> {
  const namespace = createNamespace(record);
  namespace.apply(["filesystem", "fs", directory]);
  for (const one of paths.toSorted((a, b) => a.length - b.length))
    namespace.apply(["put", "fs", one, directory]);
  return namespace;
}

const walked = (namespace: ReturnType<typeof createNamespace>, from: string, after?: string): string[] =>
  [...namespace.walk("fs", from, { recursive: true, after })].map(([one]) => one);

describe("a file system's tree", () => {
  test("is walked in its order, and on from any path in it", () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 20 }), fc.nat(), (some, pick) => {
        const all = inTreeOrder(withParents(some));
        const namespace = filled(all);
        expect(walked(namespace, "")).toEqual(all);
        if (all.length === 0) return;
        const at = pick % all.length;
        expect(walked(namespace, "", all[at])).toEqual(all.slice(at + 1));
        const folder = all[at] ?? "";
        expect(walked(namespace, folder)).toEqual(all.filter((one) => one.startsWith(`${folder}/`)));
        expect([...namespace.walk("fs", "")].map(([one]) => one)).toEqual(
          all.filter((one) => !one.includes("/")),
        );
      }),
    );
  });

  test("goes on where a path was, though it is gone", () => {
    fc.assert(
      fc.property(fc.array(path, { minLength: 2, maxLength: 20 }), fc.nat(), (some, pick) => {
        const all = inTreeOrder(withParents(some));
        const namespace = filled(all);
        const gone = all[pick % all.length] ?? "";
        const left = all.filter((one) => one !== gone && !one.startsWith(`${gone}/`));
        const expected = all.slice(all.indexOf(gone) + 1).filter((one) => left.includes(one));
        namespace.apply(["remove", "fs", gone]);
        expect(walked(namespace, "", gone)).toEqual(expected);
      }),
    );
  });

  test("is the same after its changes are replayed", () => {
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 12 }), fc.nat(), (some, pick) => {
        const changes: Change[] = [];
        const all = withParents(some);
        const namespace = filled(all, (change) => changes.push(change));
        const moved = all[pick % all.length] ?? "";
        namespace.apply(["move", "fs", moved, "zzz-new"]);
        const replayed = createNamespace();
        for (const change of changes) replayed.apply(JSON.parse(JSON.stringify(change)) as Change);
        expect(walked(replayed, "")).toEqual(walked(namespace, ""));
        const compacted = createNamespace();
        for (const change of namespace.changes()) compacted.apply(change);
        expect(walked(compacted, "")).toEqual(walked(namespace, ""));
      }),
    );
  });
});

describe("headers and URLs", () => {
  test("properties come back as they were", () => {
    const key = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
    const value = fc.string({ unit: fc.constantFrom("a", "=", ",", " ", "é", "~"), maxLength: 8 });
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (metadata) => {
        expect(parseProperties(formatProperties(metadata))).toEqual(metadata);
      }),
    );
    expect(() => parseProperties("novalue")).toThrow("HTTP headers");
  });

  test("a path survives its URL, by IP and by host", () => {
    fc.assert(
      fc.property(path, (one) => {
        const encoded = one.split("/").map(encodeURIComponent).join("/");
        const route = (url: string): unknown => {
          const { filesystem, path: found } = parseRoute(new Request(url), "acc");
          return [filesystem, found];
        };
        expect(route(`http://127.0.0.1/acc/fs/${encoded}?action=getStatus`)).toEqual(["fs", one]);
        expect(route(`http://acc.dfs.core.windows.net/fs/${encoded}`)).toEqual(["fs", one]);
        const { filesystem, path: source } = parseSource(`/fs/${encoded}?sig=x`, "acc");
        expect([filesystem, source]).toEqual(["fs", one]);
      }),
    );
  });

  test("whatever is sent is parsed or refused, never something else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [
          () => parseSource(text, "acc"),
          () => parseAcl(text),
          () => parseProperties(text),
        ]) {
          try {
            parse();
          } catch (error) {
            expect(error).toMatchObject({ name: "StorageRefusal", status: 400 });
          }
        }
      }),
    );
  });

  test("an ACL is merged by subject, and what was merged in goes again", () => {
    const acl = parseAcl("user::rwx,group::r-x,other::---");
    const more = parseAcl("user:11:r-x,default:user:11:r-x,other::r--");
    const merged = mergeAcl(acl, more);
    expect(merged).toEqual(["user::rwx", "group::r-x", "other::r--", "user:11:r-x", "default:user:11:r-x"]);
    expect(removeFromAcl(merged, "user:11,default:user:11")).toEqual([
      "user::rwx",
      "group::r-x",
      "other::r--",
    ]);
  });
});
