import { parseStorePath, Secret, type StorageAdapter } from "@aml/core/adapter";
import type { ShareClient } from "@azure/storage-file-share";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  newShare,
  openStore,
  sasCredential,
  sharedFiles,
  shareSas,
  type FilesServer,
} from "./files-server.ts";

const at = parseStorePath;
let server: FilesServer;
let from: ShareClient;
let to: ShareClient;
beforeAll(async () => {
  server = await sharedFiles();
});
beforeEach(async () => {
  [from, to] = await Promise.all([newShare(server), newShare(server)]);
});

async function put(storage: StorageAdapter, path: string, content: string): Promise<string | undefined> {
  const stat = await storage.write?.(at(path), new Blob([content]).stream(), { contentType: "text/csv" });
  return stat?.etag;
}

async function textOf(storage: StorageAdapter, path: string): Promise<string> {
  return new Response((await storage.read(at(path))).body).text();
}

async function rootOf(share: ShareClient): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of share.rootDirectoryClient.listFilesAndDirectories()) names.push(name);
  return names;
}

describe.each(["account key", "share SAS"])("with an %s", (kind) => {
  const open = (share: ShareClient): StorageAdapter =>
    kind === "account key"
      ? openStore(server, share.name)
      : openStore(server, share.name, sasCredential(shareSas(server, share.name)));

  test("a file goes from share to share, with its type, and no byte through here", async () => {
    const [source, target] = [open(from), open(to)];
    const etag = await put(source, "a/ü dots...", "hello");
    const handed = await source.copySource?.(at("a/ü dots..."));
    let copied = 0;
    const options = { size: 5, sourceEtag: etag, onBytes: (bytes: number) => (copied += bytes) };
    const stat = await target.copyFrom?.(handed as NonNullable<typeof handed>, at("x/y/b"), options);
    expect(stat).toEqual(await target.stat(at("x/y/b")));
    expect(await textOf(target, "x/y/b")).toBe("hello");
    expect(copied).toBe(5);
    const properties = await to.rootDirectoryClient.getFileClient("x/y/b").getProperties();
    expect(properties.contentType).toBe("text/csv");
    expect(await rootOf(to)).toEqual(["x"]);
  });

  test("a source that changed, a target that exists", async () => {
    const [source, target] = [open(from), open(to)];
    const etag = await put(source, "a", "first");
    await put(source, "a", "second");
    await put(target, "b", "kept");
    const handed = (await source.copySource?.(at("a"))) as NonNullable<
      Awaited<ReturnType<NonNullable<StorageAdapter["copySource"]>>>
    >;
    await expect(target.copyFrom?.(handed, at("b"), { size: 5, sourceEtag: etag })).rejects.toMatchObject({
      code: "precondition_failed",
    });
    await expect(target.copyFrom?.(handed, at("b"), { size: 6, ifNoneMatch: "*" })).rejects.toMatchObject({
      code: "already_exists",
    });
    expect(await textOf(target, "b")).toBe("kept");
    expect(await rootOf(to)).toEqual(["b"]);
  });
});

test("what the service cannot fetch is unsupported, and shows no signature", async () => {
  const target = openStore(server, to.name, sasCredential(shareSas(server, to.name)));
  const other = {
    service: "azure_blob",
    url: new Secret("https://contoso.blob.core.windows.net/a/b?sig=canary"),
  };
  await expect(target.copyFrom?.(other, at("b"), { size: 1 })).rejects.toMatchObject({ code: "unsupported" });
  await put(openStore(server, from.name), "a", "x");
  const closed = { service: "azure_file", url: new Secret(`${from.url}/a?sv=2024-11-04&sr=s&sig=canary`) };
  const error = await target.copyFrom?.(closed, at("b"), { size: 1 }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "unsupported", hint: "Copy it through this machine instead." });
  expect(JSON.stringify(error)).not.toContain("canary");
  const token = openStore(server, from.name, { kind: "identity" });
  await expect(token.copySource?.(at("a"))).rejects.toMatchObject({ code: "unsupported" });
  expect(await rootOf(to)).toEqual([]);
});

test("a source that is not there", async () => {
  const [source, target] = [openStore(server, from.name), openStore(server, to.name)];
  const handed = await source.copySource?.(at("missing"));
  await expect(
    target.copyFrom?.(handed as NonNullable<typeof handed>, at("b"), { size: 1 }),
  ).rejects.toMatchObject({ code: "not_found" });
  expect(await rootOf(to)).toEqual([]);
});
