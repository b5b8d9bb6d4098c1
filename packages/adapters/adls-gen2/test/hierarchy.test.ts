import { parseStorePath, type StorePath } from "@aml/core/adapter";
import type { AdlsGen2Storage } from "@aml/adls-gen2";
import type { DataLakeFileSystemClient } from "@azure/storage-file-datalake";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  filesystemSas,
  newFilesystem,
  openStore,
  sasCredential,
  sharedServer,
  withPages,
  type Server,
} from "./gen2.ts";

let server: Server;
let filesystem: DataLakeFileSystemClient;
let storage: AdlsGen2Storage;

beforeAll(async () => {
  server = await sharedServer();
});
beforeEach(async () => {
  filesystem = await newFilesystem(server);
  storage = openStore(server, filesystem.name);
});

const at = parseStorePath;

async function put(path: string, text = "x"): Promise<void> {
  await storage.write?.(at(path), new Blob([text]).stream());
}

async function text(path: string): Promise<string> {
  return new Response((await storage.read(at(path))).body).text();
}

async function entries(folder = "", recursive = false, store = storage): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, kind } of store.list(at(folder), { recursive })) {
    found.push(kind === "directory" ? `${path}/` : path);
  }
  return found;
}

async function codeOf(promise: Promise<unknown> | undefined): Promise<unknown> {
  return promise?.then(
    () => "nothing",
    (error: { code?: string }) => error.code,
  );
}

describe("directories", () => {
  test("exist by themselves, and are seen", async () => {
    await storage.createDirectory(at("a/b"));
    await storage.createDirectory(at("a/b"));
    expect(await storage.stat(at("a/b"))).toEqual({ path: "a/b", kind: "directory", size: 0 });
    expect(await entries("a")).toEqual(["a/b/"]);
    expect(await entries("", true)).toEqual([]);
    await put("a/b/c.txt");
    await storage.delete?.(at("a/b/c.txt"));
    expect(await entries("a")).toEqual(["a/b/"]);
    await storage.delete?.(at("a/b"));
    expect(await entries("a")).toEqual([]);
  });

  test("a file where a directory is needed, and the reverse", async () => {
    await put("file");
    await storage.createDirectory(at("dir"));
    expect(await codeOf(storage.createDirectory(at("file")))).toBe("path_invalid");
    expect(await codeOf(storage.createDirectory(at("file/below")))).toBe("path_invalid");
    expect(await codeOf(storage.write?.(at("file/below"), new Blob(["x"]).stream()))).toBe("path_invalid");
    expect(await codeOf(storage.write?.(at("dir"), new Blob(["x"]).stream()))).toBe("path_invalid");
    expect(await codeOf(storage.read(at("dir")))).toBe("not_found");
    expect(await codeOf(storage.read(at("file/below")))).toBe("not_found");
    expect(await codeOf(storage.read("" as StorePath))).toBe("not_found");
    expect(await entries("file")).toEqual([]);
    expect(await entries("", true)).toEqual(["file"]);
    expect(await text("file")).toBe("x");
    expect(await storage.stat(at("dir"))).toMatchObject({ kind: "directory" });
  });

  test("are listed in the service's own order, page by page, with one request each", async () => {
    for (const path of ["A/dat1", "A-B/dat2", "A-C", "AB/x", "AB.txt"]) await put(path);
    let requests = 0;
    const paged = openStore(server, filesystem.name, undefined, {
      fetch: (url, init) => {
        requests += 1;
        return fetch(withPages(url, 2), init);
      },
    });
    // The key signs the URL, so pages are made small with a SAS.
    const small = openStore(server, filesystem.name, sasCredential(filesystemSas(server, filesystem.name)), {
      fetch: (url, init) => {
        requests += 1;
        return fetch(withPages(url, 2), init);
      },
    });
    expect(paged.capabilities.sortedList).toBe(false);
    expect(await entries("", true, small)).toEqual(["A/dat1", "A-B/dat2", "A-C", "AB/x", "AB.txt"]);
    expect(requests).toBe(4);
  });

  test("the root is emptied, and stays", async () => {
    await put("a/b/c");
    await put("d");
    await storage.delete?.("" as StorePath, { recursive: true });
    expect(await entries()).toEqual([]);
    expect(await storage.stat("" as StorePath)).toEqual({ path: "", kind: "directory", size: 0 });
  });

  test("a file that a dead writer left is not listed, and goes with its folder", async () => {
    await filesystem.getFileClient("f/.aml-0123456789abcdef.partial").create();
    await put("f/.aml-notes.txt");
    expect(await entries("f")).toEqual(["f/.aml-notes.txt"]);
    await storage.delete?.(at("f"), { recursive: true });
    expect(await filesystem.getDirectoryClient("f").exists()).toBe(false);
  });
});

describe("rename", () => {
  test("moves a file and keeps its version; replaces unless told otherwise", async () => {
    await put("a", "1");
    await put("b", "2");
    const { etag } = await storage.stat(at("a"));
    expect(await codeOf(storage.rename(at("a"), at("b"), { ifNoneMatch: "*" }))).toBe("already_exists");
    expect(await codeOf(storage.rename(at("a"), at("b"), { ifMatch: etag }))).toBe("precondition_failed");
    await storage.rename(at("a"), at("b"), { ifMatch: (await storage.stat(at("b"))).etag });
    expect(await text("b")).toBe("1");
    expect((await storage.stat(at("b"))).etag).toBe(etag);
    expect(await codeOf(storage.stat(at("a")))).toBe("not_found");
  });

  test("moves a directory whole, with any name", async () => {
    await put("d/x/y.txt", "1");
    await put("d/ü 😀%2F?#&+.txt", "2");
    await storage.rename(at("d"), at("new 100% ä"));
    expect((await entries("", true)).toSorted()).toEqual([
      "new 100% ä/x/y.txt",
      "new 100% ä/ü 😀%2F?#&+.txt",
    ]);
    expect(await text("new 100% ä/ü 😀%2F?#&+.txt")).toBe("2");
  });

  test("refusals", async () => {
    await put("a", "1");
    await put("d/x", "1");
    await put("e/x", "1");
    expect(await codeOf(storage.rename(at("no"), at("b")))).toBe("not_found");
    expect(await codeOf(storage.rename(at("a"), at("no/b")))).toBe("not_found");
    expect(await codeOf(storage.rename(at("a"), at("d")))).toBe("path_invalid");
    expect(await codeOf(storage.rename(at("d"), at("a")))).toBe("path_invalid");
    expect(await codeOf(storage.rename(at("d"), at("d/y")))).toBe("path_invalid");
    expect(await codeOf(storage.rename(at("d"), at("e")))).toBe("precondition_failed");
    expect((await entries("", true)).toSorted()).toEqual(["a", "d/x", "e/x"]);
  });
});

describe("access control", () => {
  test("is told from the root down, and ends where there is nothing", async () => {
    await put("a/b/c.txt");
    const directory = filesystem.getDirectoryClient("a");
    await directory.setAccessControl(
      [
        ...(await directory.getAccessControl()).acl,
        {
          accessControlType: "user",
          entityId: "11",
          defaultScope: true,
          permissions: { read: true, write: false, execute: true },
        },
      ],
      { owner: "me" },
    );
    const rights = async (path: string): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const item of storage.pathRights?.(at(path)) ?? []) found.push(item);
      return found;
    };
    expect(await rights("a/b/c.txt")).toEqual([
      {
        path: "",
        owner: "$superuser",
        group: "$superuser",
        permissions: "rwxr-x---",
        acl: "user::rwx,group::r-x,other::---",
      },
      {
        path: "a",
        owner: "me",
        group: "$superuser",
        permissions: "rwxr-x---+",
        acl: "user::rwx,group::r-x,other::---,default:user:11:r-x",
      },
      {
        path: "a/b",
        owner: "$superuser",
        group: "$superuser",
        permissions: "rwxr-x---",
        acl: "user::rwx,group::r-x,other::---",
      },
      {
        path: "a/b/c.txt",
        owner: "$superuser",
        group: "$superuser",
        permissions: "rw-r-----",
        acl: "user::rw-,group::r--,other::---",
      },
    ]);
    expect(await rights("a/no/x")).toHaveLength(2);
  });
});

describe("a SAS of one directory", () => {
  test("reads, lists and writes in it, and nothing outside", async () => {
    await put("in/a.txt", "1");
    await put("out/b.txt", "2");
    const token = filesystemSas(server, filesystem.name, {
      pathName: "in",
      isDirectory: true,
      directoryDepth: 1,
    });
    const scoped = openStore(server, filesystem.name, sasCredential(token));
    await scoped.write?.(at("in/c.txt"), new Blob(["3"]).stream());
    expect(await entries("in", true, scoped)).toEqual(["in/a.txt", "in/c.txt"]);
    expect(await text("in/c.txt")).toBe("3");
    expect(await codeOf(scoped.read(at("out/b.txt")))).toBe("auth_failed");
    expect(await codeOf(scoped.write?.(at("out/c.txt"), new Blob(["3"]).stream()))).toBe("auth_failed");
    expect(await codeOf(scoped.rename(at("in/c.txt"), at("out/c.txt")))).toBe("auth_failed");
  });

  test("without the right to write, a write says what is missing", async () => {
    await put("a.txt");
    const { FileSystemSASPermissions } = await import("@azure/storage-file-datalake");
    const permissions = FileSystemSASPermissions.parse("rl");
    const reader = openStore(
      server,
      filesystem.name,
      sasCredential(filesystemSas(server, filesystem.name, { permissions })),
    );
    expect(await entries("", true, reader)).toEqual(["a.txt"]);
    await expect(reader.write?.(at("b.txt"), new Blob(["x"]).stream())).rejects.toMatchObject({
      code: "permission_denied",
      hint: "Use a SAS token that grants create, write, delete and move (cwdm); this one grants 'rl'.",
    });
  });
});

describe("names", () => {
  const LONG = `${"d".repeat(200)}/`.repeat(4) + "n".repeat(1024 - 804);

  test.each([
    ["%2F in a name", "a%2Fb.txt"],
    ["a trailing dot", "dir./name."],
    ["an emoji", "🐘/🐘.parquet"],
    ["1,024 characters", LONG],
    ["1,024 characters, of which the name is one", `${"d".repeat(200)}/`.repeat(5) + "d".repeat(17) + "/n"],
    ["blanks and signs", "a b/c+d&e=f#g?h;i.txt"],
    ["a backslash", "a\\b.txt"],
  ])("%s", async (_what, path) => {
    expect(path.length).toBeLessThanOrEqual(1024);
    await put(path, "content");
    expect(await text(path)).toBe("content");
    expect(await entries("", true)).toEqual([path]);
    expect(await storage.stat(at(path))).toMatchObject({ path, size: 7 });
    await storage.delete?.(at(path));
    expect(await entries("", true)).toEqual([]);
  });

  test("one character more is refused, and nothing is left", async () => {
    const path = `${LONG}x`;
    expect(await codeOf(storage.write?.(at(path), new Blob(["x"]).stream()))).toBe("config_invalid");
    expect(await codeOf(storage.stat(at(path)))).toBe("config_invalid");
    expect(await entries("", true)).toEqual([]);
  });

  test("'..' is refused before anything is sent", async () => {
    const outside = "../other" as StorePath;
    for (const verb of ["stat", "read", "delete"] as const) {
      expect(await codeOf(storage[verb]?.(outside))).toBe("path_invalid");
    }
    expect(await codeOf(storage.write?.(outside, new Blob(["x"]).stream()))).toBe("path_invalid");
    expect(await codeOf(storage.rename(outside, at("x")))).toBe("path_invalid");
    expect(await codeOf(storage.createDirectory(outside))).toBe("path_invalid");
  });

  test("an empty file is a file", async () => {
    await put("empty", "");
    expect(await storage.stat(at("empty"))).toMatchObject({ kind: "file", size: 0 });
    expect(await text("empty")).toBe("");
  });
});
