import { createHash } from "node:crypto";
import { inspect } from "node:util";
import {
  parseStorePath,
  Secret,
  type AmlError,
  type CopyFromOptions,
  type FileStat,
  type StorageAdapter,
} from "@aml/core/adapter";
import type { AdlsGen2Storage } from "@aml/adls-gen2";
import { size } from "@aml/kit/runs";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  filesystemSas,
  keyOf,
  newFilesystem,
  openStore,
  sasCredential,
  sharedServer,
  signatureOf,
  startServer,
  urlOf,
  type Server,
} from "./gen2.ts";

const path = parseStorePath;
const MiB = 1024 * 1024;

let server: Server;
let other: Server;
beforeAll(async () => {
  server = await sharedServer();
  // Another account: its keys are its own.
  other = await startServer({ accountName: "contoso", accountKeys: [btoa("another key")] });
});
afterAll(() => other.close());

async function copy(
  source: StorageAdapter,
  from: string,
  target: StorageAdapter,
  to: string,
  options: Partial<CopyFromOptions> = {},
): Promise<FileStat> {
  const stat = await source.stat(path(from));
  const fetched = await source.copySource?.(path(from));
  if (fetched === undefined || target.copyFrom === undefined) throw new Error("no copy");
  return target.copyFrom(fetched, path(to), { size: stat.size, sourceEtag: stat.etag, ...options });
}

async function textOf(store: StorageAdapter, name: string): Promise<string> {
  return new Response((await store.read(path(name))).body).text();
}

/** A store whose requests are noted. With a scale, it has blocks of that part of their size copied. */
function watched(filesystem: string, scale = 1): { store: AdlsGen2Storage; seen: string[] } {
  const seen: string[] = [];
  // A SAS signs no headers.
  const credential = scale === 1 ? keyOf(server) : sasCredential(filesystemSas(server, filesystem));
  const store = openStore(server, filesystem, credential, {
    fetch: (url, init) => {
      const { searchParams } = new URL(urlOf(url));
      const headers = new Headers(init?.headers);
      const what = headers.has("x-ms-rename-source")
        ? "rename"
        : headers.has("x-ms-copy-source")
          ? "copy"
          : (searchParams.get("comp") ?? searchParams.get("resource") ?? "");
      seen.push(`${init?.method ?? "GET"} ${what}`.trim());
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.get("x-ms-source-range") ?? "") ?? [];
      if (scale === 1 || from === undefined) return fetch(url, init);
      headers.set("x-ms-source-range", `bytes=${Number(from) / scale}-${(Number(to) + 1) / scale - 1}`);
      return fetch(url, { ...init, headers });
    },
  });
  return { store, seen };
}

test("is one copy and one rename; bytes, type and metadata stay; nothing is half there", async () => {
  const [from, to] = [await newFilesystem(server), await newFilesystem(server)];
  await from.getFileClient("a b/ü%.csv").upload(Buffer.from("data"), {
    pathHttpHeaders: { contentType: "text/csv" },
    metadata: { owner: "ada" },
  });
  const { store: target, seen } = watched(to.name);
  const sas = sasCredential(filesystemSas(server, from.name));
  for (const [index, source] of [openStore(server, from.name), openStore(server, from.name, sas)].entries()) {
    const told: number[] = [];
    seen.length = 0;
    const stat = await copy(source, "a b/ü%.csv", target, `new/c${index} ü`, {
      onBytes: (n) => told.push(n),
    });
    expect(seen).toEqual(["PUT copy", "PUT rename"]);
    expect(told).toEqual([4]);
    expect(stat).toMatchObject({ path: `new/c${index} ü`, kind: "file", size: 4 });
    const there = await target.stat(path(`new/c${index} ü`));
    expect(there).toEqual({ ...stat, md5: createHash("md5").update("data").digest("base64") });
    expect(await textOf(target, `new/c${index} ü`)).toBe("data");
    const { contentType, metadata } = await to.getFileClient(`new/c${index} ü`).getProperties();
    expect({ contentType, metadata }).toEqual({ contentType: "text/csv", metadata: { owner: "ada" } });
  }
});

test("goes from one account to another, which is let in by the source's signature alone", async () => {
  const [from, to] = [await newFilesystem(other), await newFilesystem(server)];
  await from.getFileClient("d/a.csv").upload(Buffer.from("across"));
  const target = openStore(server, to.name);
  const source = openStore(other, from.name);
  await copy(source, "d/a.csv", target, "a.csv");
  expect(await textOf(target, "a.csv")).toBe("across");
  const signed = await source.copySource?.(path("d/a.csv"));
  const url = new URL(signed?.url.reveal() ?? "");
  const signature = signatureOf(url.search);
  url.searchParams.set("sig", btoa("wrong"));
  for (const wrong of [url.href, `${url.origin}${url.pathname}`]) {
    const error = await target
      .copyFrom?.({ service: "azure_data_lake_gen2", url: new Secret(wrong) }, path("b.csv"), { size: 6 })
      .then(
        () => undefined,
        (failure: unknown) => failure as AmlError,
      );
    expect(error).toMatchObject({ code: "unsupported", hint: "Read it and write it instead." });
    expect(inspect(error, { depth: 9 })).not.toContain(signature);
  }
  await expect(target.stat(path("b.csv"))).rejects.toMatchObject({ code: "not_found" });
});

test("refuses what is there, a source that has changed, and what is no file of this service", async () => {
  const filesystem = await newFilesystem(server);
  const store = openStore(server, filesystem.name);
  await filesystem.getFileClient("a").upload(Buffer.from("one"));
  await filesystem.getFileClient("b").upload(Buffer.from("two"));
  await expect(copy(store, "a", store, "b", { ifNoneMatch: "*" })).rejects.toMatchObject({
    code: "already_exists",
  });
  await expect(copy(store, "a", store, "c", { sourceEtag: '"0x1"' })).rejects.toMatchObject({
    code: "precondition_failed",
  });
  expect(await textOf(store, "b")).toBe("two");
  await copy(store, "a", store, "b");
  expect(await textOf(store, "b")).toBe("one");
  const blob = { service: "azure_blob", url: new Secret("https://x.blob.core.windows.net/s/a") };
  await expect(store.copyFrom?.(blob, path("d"), { size: 3 })).rejects.toMatchObject({ code: "unsupported" });
  const names: string[] = [];
  for await (const { name } of filesystem.listPaths({ recursive: true })) names.push(name ?? "");
  expect(names).toEqual(["a", "b"]);
});

test("goes by blocks when one request is not enough, and keeps hash, type and metadata", async () => {
  const [from, to] = [await newFilesystem(server), await newFilesystem(server)];
  const times = 257;
  // What the adapter takes for 257 MiB.
  const scale = size(1, 256);
  const block = new Uint8Array(MiB / scale).fill(7);
  const hash = createHash("md5");
  for (let sent = 0; sent < times; sent += 1) hash.update(block);
  // One block of sevens, named as often as it takes, by the service's other endpoint.
  const { accountName, accountKey, endpoint } = server;
  const blobs = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(accountName, accountKey));
  const blockBlob = blobs.getContainerClient(from.name).getBlockBlobClient("big");
  await blockBlob.stageBlock(btoa("sevens"), block, block.byteLength);
  await blockBlob.commitBlockList(Array<string>(times).fill(btoa("sevens")), {
    blobHTTPHeaders: { blobContentMD5: hash.copy().digest(), blobContentType: "text/x-sevens" },
  });
  const digest = hash.digest("base64");
  const source = openStore(server, from.name);
  await from.getFileClient("big").setMetadata({ owner: "ada" });
  const { store: target, seen } = watched(to.name, scale);
  let told = 0;
  const stat = await copy(source, "big", target, "big", {
    size: times * MiB,
    onBytes: (bytes) => (told += bytes),
  });
  expect(seen).toEqual([...Array<string>(5).fill("PUT copy"), "HEAD", "PUT blocklist", "PUT rename"]);
  expect(told).toBe(times * MiB);
  expect(stat).toMatchObject({ size: times * MiB, md5: digest });
  const copied = times * block.byteLength;
  expect(await target.stat(path("big"))).toEqual({ ...stat, size: copied });
  const { contentType, metadata } = await to.getFileClient("big").getProperties();
  expect({ contentType, metadata }).toEqual({ contentType: "text/x-sevens", metadata: { owner: "ada" } });
  const end = await target.read(path("big"), { range: { offset: copied - 3 } });
  expect([...new Uint8Array(await new Response(end.body).arrayBuffer())]).toEqual([7, 7, 7]);
  await expect(
    copy(source, "big", target, "other", { size: times * MiB, sourceEtag: '"0x1"' }),
  ).rejects.toMatchObject({ code: "precondition_failed" });
  await expect(target.stat(path("other"))).rejects.toMatchObject({ code: "not_found" });
});
