import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseStorePath, type FileStat, type StorePath } from "@aml/core";
import { memory, memoryStorage } from "@aml/core/memory";

const at = (path: string): StorePath => parseStorePath(path);
const text = async (body: ReadableStream<Uint8Array>): Promise<string> =>
  new Response(body as BodyInit).text();

async function paths(items: AsyncIterable<FileStat>): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, kind } of items) found.push(kind === "directory" ? `${path}/` : path);
  return found;
}

describe("memoryStorage", () => {
  test("reads what it was given", async () => {
    const store = memoryStorage({ files: { "/a//b.txt": "hello", "c.bin": new Uint8Array([1, 2]) } });
    expect(await text((await store.read(at("a/b.txt"))).body)).toBe("hello");
    expect(await store.stat(at("c.bin"))).toMatchObject({ kind: "file", size: 2 });
    expect(await store.stat(at("a"))).toEqual({ path: "a", kind: "directory", size: 0 });
    await expect(store.read(at("a"))).rejects.toMatchObject({ code: "not_found" });
  });

  test("is not touched by later changes of the bytes it was given", async () => {
    const bytes = new Uint8Array([65, 66]);
    const store = memoryStorage({ files: { a: bytes } });
    bytes.fill(0);
    expect(await text((await store.read(at("a"))).body)).toBe("AB");
  });

  test("streams generated names page by page, and holds none", async () => {
    let made = 0;
    let pages = 0;
    const store = memoryStorage({
      pageSize: 1000,
      onPage: () => (pages += 1),
      *generate() {
        for (let index = 0; index < 50_000; index += 1) {
          made += 1;
          yield `many/${String(index).padStart(7, "0")}.csv`;
        }
      },
    });
    let count = 0;
    for await (const { path } of store.list(at("many"))) {
      count += 1;
      if (count === 2500) {
        expect(path).toBe("many/0002499.csv");
        expect([made, pages]).toEqual([2500, 3]);
      }
    }
    expect([count, made, pages]).toEqual([50_000, 50_000, 50]);
  });

  test("mixes generated and written files in one order", async () => {
    const store = memoryStorage({
      files: { "b/1": "", c: "written" },
      generate: () => ["a", "b/0", "b/2", "c"],
    });
    expect(await paths(store.list(at("")))).toEqual(["a", "b/", "c"]);
    expect(await paths(store.list(at("b")))).toEqual(["b/0", "b/1", "b/2"]);
    expect(await text((await store.read(at("b/2"))).body)).toBe("b/2");
    expect(await text((await store.read(at("c"))).body)).toBe("written");
    await expect(store.stat(at("d"))).rejects.toMatchObject({ code: "not_found" });
  });

  test("lists the same files as a filter over all names would", async () => {
    const name = fc
      .stringMatching(/^[ab./-]{1,6}$/)
      .map((path) => parseStorePath(path.replaceAll("..", "x")))
      .filter(Boolean);
    await fc.assert(
      fc.asyncProperty(
        fc.array(name, { maxLength: 12 }),
        fc.constantFrom("", "a", "b", "a/b"),
        fc.constantFrom("", "a", "b/"),
        async (names, folder, prefix) => {
          const store = memoryStorage({
            pageSize: 2,
            files: Object.fromEntries(names.map((path) => [path, ""])),
          });
          const start = (folder === "" ? "" : `${folder}/`) + prefix;
          const expected = [...new Set<string>(names)]
            .filter((path) => path.startsWith(start) && path !== folder)
            .sort();
          expect(await paths(store.list(at(folder), { recursive: true, prefix }))).toEqual(expected);
        },
      ),
    );
  });
});

describe("memory", () => {
  test("opens one store for one name", async () => {
    const definition = memory();
    const credential = { kind: "anonymous" } as const;
    const one = definition.open({ options: { name: "lake" }, credential });
    await one.write?.(at("a"), new Blob(["x"]).stream());
    const again = definition.open({ options: definition.parseOptions({ name: "lake" }), credential });
    expect((await again.stat(at("a"))).size).toBe(1);
    expect(again.uri).toBe("memory://lake");
    expect(definition.locate?.("memory://lake/a/b?.csv")).toEqual({
      options: { name: "lake" },
      path: "a/b?.csv",
    });
    expect(definition.locate?.("file:///a")).toBeUndefined();
  });

  test.each([undefined, {}, { name: "" }, { name: "a/b" }, { name: "a", size: 1 }])(
    "refuses %j",
    (options) => {
      expect(() => memory().parseOptions(options)).toThrow(
        expect.objectContaining({ code: "config_invalid" }),
      );
    },
  );
});
