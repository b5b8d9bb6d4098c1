import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseStorePath, type FileStat, type StorageAdapter, type StorePath } from "@aml/core";
import { size } from "@aml/kit/runs";
import { local } from "@aml/local";

const at = (path: string): StorePath => parseStorePath(path);
const credential = { kind: "anonymous" } as const;
let base: string;
let root: string;
let store: StorageAdapter;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "aml-local-"));
  root = join(base, "root");
  await mkdir(root);
  store = local.open({ options: { path: root }, credential });
});
afterEach(() => rm(base, { recursive: true }));

async function names(items: AsyncIterable<FileStat>): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, kind } of items) found.push(kind === "directory" ? `${path}/` : path);
  return found;
}
const text = async (path: string): Promise<string> => new Response((await store.read(at(path))).body).text();
const put = (path: string, content: string, to = store): Promise<FileStat> =>
  to.write?.(at(path), new Blob([content]).stream()) as Promise<FileStat>;

describe("links", () => {
  beforeEach(async () => {
    await mkdir(join(base, "outside"));
    await writeFile(join(base, "outside", "secret.txt"), "secret");
    await mkdir(join(root, "folder"));
    await writeFile(join(root, "folder", "a.txt"), "inside");
  });

  test("that stay below the root are followed", async () => {
    await symlink("folder/a.txt", join(root, "link.txt"));
    await symlink("folder", join(root, "other"));
    expect(await text("link.txt")).toBe("inside");
    expect(await names(store.list(at("")))).toEqual(["folder/", "link.txt", "other/"]);
    expect(await names(store.list(at(""), { recursive: true }))).toEqual([
      "folder/a.txt",
      "link.txt",
      "other/a.txt",
    ]);
    await put("link.txt", "through");
    expect(await readFile(join(root, "folder", "a.txt"), "utf8")).toBe("through");
    await store.delete?.(at("link.txt"));
    expect(await text("folder/a.txt")).toBe("through");
  });

  test.each([
    ["a file", "outside/secret.txt", ""],
    ["a folder", "outside", "/secret.txt"],
  ])("that lead out to %s are refused by every verb", async (_what, target, rest) => {
    await symlink(join(base, target), join(root, "out"));
    const path = `out${rest}`;
    const refused = { code: "permission_denied" };
    await expect(store.stat(at(path))).rejects.toMatchObject(refused);
    await expect(store.read(at(path))).rejects.toMatchObject(refused);
    await expect(put(path, "overwritten")).rejects.toMatchObject(refused);
    await expect(names(store.list(at("")))).rejects.toMatchObject(refused);
    await expect(names(store.list(at(""), { recursive: true }))).rejects.toMatchObject(refused);
    expect(await names(store.list(at(""), { prefix: "folder" }))).toEqual(["folder/"]);
    expect(await readFile(join(base, "outside", "secret.txt"), "utf8")).toBe("secret");
  });

  test("are deleted themselves, never what they point to", async () => {
    await symlink(join(base, "outside"), join(root, "out"));
    await expect(store.delete?.(at("out/secret.txt"))).rejects.toMatchObject({ code: "permission_denied" });
    await store.delete?.(at("out"), { recursive: true });
    await store.delete?.(at(""), { recursive: true });
    expect(await readdir(root)).toEqual([]);
    expect(await readdir(join(base, "outside"))).toEqual(["secret.txt"]);
  });

  test("that lead in circles or to nothing are an error, not a file less", async () => {
    await symlink("user@host.123", join(root, ".#a.txt"));
    expect(await names(store.list(at("")))).toEqual(["folder/"]);
    await symlink("nothing", join(root, "dangling.csv"));
    const missing = { code: "path_invalid", context: { path: "dangling.csv" } };
    await expect(names(store.list(at("")))).rejects.toMatchObject(missing);
    await expect(names(store.list(at(""), { recursive: true }))).rejects.toMatchObject(missing);
    expect(await names(store.list(at(""), { prefix: "folder" }))).toEqual(["folder/"]);
    await expect(store.stat(at("dangling.csv"))).rejects.toMatchObject({ code: "not_found" });
    await rm(join(root, "dangling.csv"));
    await symlink("..", join(root, "folder", "up"));
    await expect(names(store.list(at(""), { recursive: true }))).rejects.toMatchObject({
      code: "path_invalid",
    });
    await symlink("self", join(root, "self"));
    await expect(store.read(at("self"))).rejects.toMatchObject({ code: "path_invalid" });
  });
});

describe("files that other programs touch", () => {
  test("a file that grows, shrinks or changes while it is read is an error", async () => {
    for (const change of ["", "short", "x".repeat(2_000_000), "y".repeat(1_000_000)]) {
      await writeFile(join(root, "a"), "x".repeat(1_000_000));
      await utimes(join(root, "a"), 1, 1);
      const reader = (await store.read(at("a"))).body.getReader();
      await reader.read();
      await writeFile(join(root, "a"), change);
      const rest = async (): Promise<void> => {
        for (let next = await reader.read(); !next.done; next = await reader.read());
      };
      await expect(rest()).rejects.toMatchObject({ code: "precondition_failed" });
    }
  });

  test("a pipe is left out of listings and not read", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect(await names(store.list(at("")))).toEqual([]);
    await expect(store.stat(at("pipe"))).rejects.toMatchObject({ code: "path_invalid" });
    await expect(store.read(at("pipe"))).rejects.toMatchObject({ code: "path_invalid" });
  });

  test.runIf(process.platform === "linux")("a name that is not UTF-8 is an error, not left out", async () => {
    await writeFile(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.from([0xff])]), "x");
    await expect(names(store.list(at("")))).rejects.toMatchObject({
      code: "path_invalid",
      message: expect.stringContaining("not UTF-8"),
    });
  });
});

describe("writing", () => {
  test("leaves no partial file, lock or folder behind, and lists none meanwhile", async () => {
    let listed: string[] = [];
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          listed = await names(store.list(at(""), { recursive: true }));
          if ((await readdir(join(root, "one", "two"))).length === 0) throw new Error("no partial file");
          controller.error(new Error("gone"));
        },
      },
      { highWaterMark: 0 },
    );
    await expect(store.write?.(at("one/two/a"), body)).rejects.toThrow("gone");
    expect(listed).toEqual([]);
    expect(await readdir(root)).toEqual([]);
  });

  test("creates a root that is missing; reading one says so", async () => {
    const missing = local.open({ options: { path: join(base, "new", "root") }, credential });
    await expect(names(missing.list(at("")))).rejects.toMatchObject({ code: "not_found" });
    await expect(missing.stat(at(""))).rejects.toMatchObject({ code: "not_found" });
    await put("a", "x", missing);
    expect(await names(missing.list(at("")))).toEqual(["a"]);
  });

  test("names of ours cannot be addressed", async () => {
    for (const name of [".aml-0123456789abcdef.partial", ".aml-0123456789abcdef.lock"]) {
      await expect(put(name, "x")).rejects.toMatchObject({ code: "path_invalid" });
      await writeFile(join(root, name), "left by a crash");
    }
    expect(await names(store.list(at("")))).toEqual([]);
  });

  test("a lock that a dead process left is broken after ten seconds", async () => {
    await put("a", "first");
    const { createHash } = await import("node:crypto");
    const id = createHash("sha256").update("a").digest("hex").slice(0, 16);
    const lock = join(root, `.aml-${id}.lock`);
    await writeFile(lock, "");
    await utimes(lock, Date.now() / 1000 - 11, Date.now() / 1000 - 11);
    await put("a", "second");
    expect(await text("a")).toBe("second");
    expect(await readdir(root)).toEqual(["a"]);
  });

  test.runIf(process.platform === "linux" && process.getuid?.() === 0)(
    "a full disk is resource_exhausted, and nothing is left of the file",
    async () => {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "aml-test", root]);
      try {
        await put("kept", "first");
        for (const path of ["big", "kept"]) {
          await expect(put(path, "x".repeat(100_000))).rejects.toMatchObject({
            code: "resource_exhausted",
            context: { path, errno: "ENOSPC" },
          });
        }
        expect(await text("kept")).toBe("first");
        expect(await readdir(root)).toEqual(["kept"]);
      } finally {
        execFileSync("umount", [root]);
      }
    },
  );

  test("an etag never comes back, however fast the writes are", async () => {
    const etags = new Set<string | undefined>();
    const rounds = size(200, 50);
    for (let round = 0; round < rounds; round += 1) etags.add((await put("a", "same size")).etag);
    expect(etags.size).toBe(rounds);
  });
});

describe("options", () => {
  test("take an absolute path or a file URL", () => {
    expect(local.parseOptions({ path: "/data/x/" })).toEqual({ path: "/data/x" });
    expect(local.parseOptions({ path: "file:///data/a%20b" })).toEqual({ path: "/data/a b" });
    expect(local.open({ options: { path: "/data/a b" }, credential }).uri).toBe("file:///data/a%20b");
  });

  test.each([
    undefined,
    {},
    { path: "" },
    { path: "relative" },
    { path: "file://host/x" },
    { path: "/a\0" },
    { path: "/a", folder: "x" },
  ])("refuse %j", (options) => {
    expect(() => local.parseOptions(options)).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  test("locate reads file URIs, globs and odd names included", () => {
    expect(local.locate?.("file:///data/*.csv")).toEqual({ options: { path: "/" }, path: "data/*.csv" });
    expect(local.locate?.("file:///data/2025-0?/[ab]#1.csv")).toEqual({
      options: { path: "/" },
      path: "data/2025-0?/[ab]#1.csv",
    });
    expect(local.locate?.(pathToFileURL("/a b/ü%.txt").href)?.path).toBe("a b/ü%.txt");
    expect(local.locate?.("https://host/x")).toBeUndefined();
    expect(() => local.locate?.("file://server/share")).toThrow(
      expect.objectContaining({ code: "path_invalid" }),
    );
  });
});
