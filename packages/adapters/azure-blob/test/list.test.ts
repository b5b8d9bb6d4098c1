import { parseStorePath, type FileStat, type ListOptions } from "@aml/core/adapter";
import type { ContainerClient } from "@azure/storage-blob";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  containerSas,
  newContainer,
  openStore,
  sasCredential,
  serviceOf,
  sharedAzurite,
  withPages,
  type Service,
} from "./azurite.ts";

let azure: Service;
let container: ContainerClient;

beforeAll(async () => {
  azure = serviceOf(await sharedAzurite());
});
beforeEach(async () => {
  container = await newContainer(azure);
});

async function put(name: string, content = "x", metadata?: Record<string, string>): Promise<void> {
  await container.getBlockBlobClient(name).upload(content, content.length, metadata && { metadata });
}

/** Lists with pages of two, and counts them. */
async function list(folder: string, options?: ListOptions): Promise<{ entries: string[]; pages: number }> {
  let pages = 0;
  const storage = openStore(
    azure,
    container.containerName,
    sasCredential(containerSas(azure, container.containerName)),
    {
      fetch: (url, init) => {
        pages++;
        return fetch(withPages(url, 2), init);
      },
    },
  );
  const entries: string[] = [];
  for await (const { path, kind } of storage.list(parseStorePath(folder), options)) {
    entries.push(kind === "directory" ? `${path}/` : path);
  }
  return { entries, pages };
}

describe("list", () => {
  test("a blob and a folder of one name both appear, in order, across pages", async () => {
    for (const name of ["a", "a-b", "a.csv", "a/x", "a/y", "a0", "b"]) await put(name);
    expect((await list("")).entries).toEqual(["a", "a-b", "a.csv", "a/", "a0", "b"]);
    expect((await list("a")).entries).toEqual(["a/x", "a/y"]);
    expect((await list("", { recursive: true })).entries).toEqual([
      "a",
      "a-b",
      "a.csv",
      "a/x",
      "a/y",
      "a0",
      "b",
    ]);
  });

  test("one request a page, and the next one only when it is asked for", async () => {
    for (const name of ["1", "2", "3", "4", "5"]) await put(name);
    expect((await list("")).pages).toBe(3);
    let requests = 0;
    const storage = openStore(
      azure,
      container.containerName,
      sasCredential(containerSas(azure, container.containerName)),
      {
        fetch: (url, init) => {
          requests++;
          return fetch(withPages(url, 2), init);
        },
      },
    );
    for await (const entry of storage.list(parseStorePath(""))) if (entry.path === "2") break;
    expect(requests).toBe(1);
  });

  test("the prefix is left to the service", async () => {
    for (const name of ["logs/2024/a", "logs/2025/a", "logs/2025/b", "other"]) await put(name);
    const { entries, pages } = await list("logs", { prefix: "2025", recursive: true });
    expect(entries).toEqual(["logs/2025/a", "logs/2025/b"]);
    expect(pages).toBeLessThanOrEqual(2);
  });

  test("marker blobs are folders, once, wherever the page ends", async () => {
    const marker = { hdi_isfolder: "true" };
    await put("dir", "", marker);
    await put("dir-a");
    await put("dir.csv");
    await put("dir/file");
    await put("empty", "", marker);
    await put("portal/", "");
    expect((await list("")).entries).toEqual(["dir-a", "dir.csv", "dir/", "empty/", "portal/"]);
    expect((await list("", { recursive: true })).entries).toEqual(["dir-a", "dir.csv", "dir/file"]);
    expect((await list("portal")).entries).toEqual([]);
    const storage = openStore(azure, container.containerName);
    expect((await storage.stat(parseStorePath("empty"))).kind).toBe("directory");
    await expect(storage.read(parseStorePath("empty"))).rejects.toMatchObject({ code: "not_found" });
    await storage.delete?.(parseStorePath(""), { recursive: true });
    expect((await list("", { recursive: true })).entries).toEqual([]);
    expect((await container.listBlobsFlat().next()).done).toBe(true);
  });

  test.each(["a//b", "/lead", "a/./b", "a/../b"])(
    "the blob name %s is reported, not left out",
    async (name) => {
      const seeded = await container
        .getBlockBlobClient(name)
        .upload("x", 1)
        .then(() => container.listBlobsFlat().next());
      // Some names the client itself folds; the others must not vanish.
      const stored = (seeded.value as { name: string } | undefined)?.name;
      const listing = list("", { recursive: true });
      if (stored === name) await expect(listing).rejects.toMatchObject({ code: "unsupported" });
      else expect((await listing).entries).toEqual([stored]);
    },
  );

  test("names pass through whole", async () => {
    const names = [
      "%41.txt",
      "a b.txt",
      "a#b?c.txt",
      "ä/ö.txt",
      "日本/語.txt",
      "😀.txt",
      "+.txt",
      "a'b(1)!.txt",
    ];
    for (const name of names) await put(name);
    expect((await list("", { recursive: true })).entries).toEqual(names.toSorted());
    const storage = openStore(azure, container.containerName);
    for (const name of names) {
      const stat: FileStat = await storage.stat(parseStorePath(name));
      expect(stat).toMatchObject({ path: name, size: 1 });
    }
  });
});

describe("snapshots", () => {
  test("are read through the option, and cannot be changed or listed", async () => {
    await put("a.txt", "old");
    const { snapshot = "" } = await container.getBlobClient("a.txt").createSnapshot();
    await put("a.txt", "newer");
    const path = parseStorePath("a.txt");
    const then = openStore(azure, container.containerName, undefined, { snapshot });
    expect(await new Response((await then.read(path)).body).text()).toBe("old");
    expect((await then.stat(path)).size).toBe(3);
    expect(then.write).toBeUndefined();
    expect(then.delete).toBeUndefined();
    expect(() => then.list(path)).toThrow(expect.objectContaining({ code: "unsupported" }));
    const now = openStore(azure, container.containerName);
    expect(await new Response((await now.read(path)).body).text()).toBe("newer");
    await now.delete?.(path);
    await expect(then.stat(path)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("an answer that breaks off", () => {
  test.each([40, 60, 80, 95, 99])("at %d % is no shorter listing", async (percent) => {
    for (const name of ["a", "b", "c", "d"]) await put(name);
    const storage = openStore(azure, container.containerName, undefined, {
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        const text = await response.text();
        const headers = new Headers(response.headers);
        // As from a server that does not announce the length.
        headers.delete("content-length");
        return new Response(text.slice(0, (text.length * percent) / 100), { status: 200, headers });
      },
    });
    const walk = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { path } of storage.list(parseStorePath(""))) found.push(path);
      return found;
    };
    await expect(walk()).rejects.toMatchObject({ code: "unavailable" });
  });
});
