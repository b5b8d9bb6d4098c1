import { createHash } from "node:crypto";
import { inspect } from "node:util";
import {
  type AmlError,
  parseStorePath,
  Secret,
  type CopyFromOptions,
  type FileStat,
  type StorageAdapter,
} from "@aml/core/adapter";
import { share } from "@aml/kit/runs";
import { describe, expect, test } from "vitest";
import {
  containerSas,
  newContainer,
  openStore,
  sasCredential,
  serviceOf,
  sharedAzurite,
  signatureOf,
} from "./azurite.ts";

const path = parseStorePath;
const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("base64");

async function copy(
  source: StorageAdapter,
  from: string,
  target: StorageAdapter,
  to: string,
  options: Partial<CopyFromOptions> = {},
): Promise<FileStat> {
  const { size, etag } = await source.stat(path(from));
  const fetched = await source.copySource?.(path(from));
  if (fetched === undefined || target.copyFrom === undefined) throw new Error("no copy");
  return target.copyFrom(fetched, path(to), { size, sourceEtag: etag, ...options });
}

async function textOf(store: StorageAdapter, name: string): Promise<string> {
  return new Response((await store.read(path(name))).body).text();
}

describe("a hash", () => {
  test("is kept as it was given, also of many blocks, and told by stat, list and read", async () => {
    const service = serviceOf(await sharedAzurite());
    const store = openStore(service, (await newContainer(service)).containerName);
    const large = new Uint8Array(9 * 1024 * 1024).fill(7);
    for (const [name, bytes] of [
      ["small", new Uint8Array([1, 2, 3])],
      ["large", large],
    ] as const) {
      const written = await store.write?.(path(name), new Blob([bytes]).stream(), { md5: () => md5(bytes) });
      expect(written?.md5).toBe(name === "small" ? md5(bytes) : undefined);
      expect((await store.stat(path(name))).md5).toBe(md5(bytes));
      const { stat, body } = await store.read(path(name));
      await body.cancel();
      expect(stat?.md5).toBe(md5(bytes));
      const { body: part, stat: ofPart } = await store.read(path(name), { range: { offset: 1, length: 1 } });
      await part.cancel();
      expect(ofPart?.md5).toBe(md5(bytes));
    }
    const listed: (readonly [string, string | undefined])[] = [];
    for await (const { path: name, md5: hash } of store.list(path(""))) listed.push([name, hash]);
    expect(listed).toEqual([
      ["large", md5(large)],
      ["small", md5(new Uint8Array([1, 2, 3]))],
    ]);
  });
});

describe("a copy by the service", () => {
  test("keeps bytes and properties, with an account key and with a SAS", async () => {
    const service = serviceOf(await sharedAzurite());
    const [from, to] = [await newContainer(service), await newContainer(service)];
    await from.getBlockBlobClient("a b/ü%.csv").upload("data", 4, {
      blobHTTPHeaders: { blobContentType: "text/csv" },
      metadata: { owner: "ada" },
    });
    const target = openStore(service, to.containerName);
    const sas = sasCredential(containerSas(service, from.containerName));
    for (const [index, source] of [
      openStore(service, from.containerName),
      openStore(service, from.containerName, sas),
    ].entries()) {
      const told: number[] = [];
      const stat = await copy(source, "a b/ü%.csv", target, `c${index}`, { onBytes: (n) => told.push(n) });
      expect(stat).toMatchObject({ path: `c${index}`, kind: "file", size: 4 });
      expect(told).toEqual([4]);
      expect(await textOf(target, `c${index}`)).toBe("data");
      expect(await target.stat(path(`c${index}`))).toEqual({ ...stat, md5: md5(Buffer.from("data")) });
      const { contentType, metadata } = await to.getBlobClient(`c${index}`).getProperties();
      expect({ contentType, metadata }).toEqual({ contentType: "text/csv", metadata: { owner: "ada" } });
    }
  });

  test("refuses what is there, and a source that has changed", async () => {
    const service = serviceOf(await sharedAzurite());
    const container = await newContainer(service);
    const store = openStore(service, container.containerName);
    await container.getBlockBlobClient("a").upload("one", 3);
    await container.getBlockBlobClient("b").upload("two", 3);
    await expect(copy(store, "a", store, "b", { ifNoneMatch: "*" })).rejects.toMatchObject({
      code: "already_exists",
    });
    await expect(copy(store, "a", store, "c", { sourceEtag: '"0x1"' })).rejects.toMatchObject({
      code: "precondition_failed",
    });
    expect(await textOf(store, "b")).toBe("two");
    await copy(store, "a", store, "b");
    expect(await textOf(store, "b")).toBe("one");
  });

  test("is unsupported for another service and for a source that the service may not read", async () => {
    const service = serviceOf(await sharedAzurite());
    const container = await newContainer(service);
    await container.getBlockBlobClient("a").upload("one", 3);
    const store = openStore(service, container.containerName);
    const elsewhere = { service: "azure_file", url: new Secret("https://x.file.core.windows.net/s/a") };
    await expect(store.copyFrom?.(elsewhere, path("b"), { size: 3 })).rejects.toMatchObject({
      code: "unsupported",
    });
    const source = await openStore(
      service,
      container.containerName,
      sasCredential(containerSas(service, container.containerName)),
    ).copySource?.(path("a"));
    if (source === undefined) throw new Error("no source");
    const signature = signatureOf(new URL(source.url.reveal()).search);
    for (const [status, code] of [
      [403, "CannotVerifyCopySource"],
      [404, "CannotVerifyCopySource"],
      [501, "NotImplemented"],
      [400, "UnsupportedHeader"],
    ] as const) {
      // Azurite looks at no signature within one account.
      const answer: typeof fetch = async () =>
        new Response(`<Error><Code>${code}</Code><Message>No.</Message></Error>`, {
          status,
          headers: { "x-ms-error-code": code, "content-type": "application/xml" },
        });
      const target = openStore(service, container.containerName, undefined, { fetch: answer });
      const error = await target.copyFrom?.(source, path("b"), { size: 3 }).then(
        () => undefined,
        (failure: unknown) => failure as AmlError,
      );
      expect(error).toMatchObject({ code: "unsupported" });
      expect(inspect(error, { depth: 9 })).not.toContain(signature);
    }
  });

  // The same code as of Data Lake Gen2, whose test always runs: here in CI only.
  if (share >= 1)
    test("goes by blocks when one request is not enough, and keeps hash and type", async () => {
      const service = serviceOf(await sharedAzurite());
      const [from, to] = [await newContainer(service), await newContainer(service)];
      const size = 257 * 1024 * 1024;
      // One block of zeros, named as often as it takes.
      const block = new Uint8Array(1024 * 1024);
      const times = size / block.byteLength;
      const hash = createHash("md5");
      for (let sent = 0; sent < times; sent += 1) hash.update(block);
      const blockBlob = from.getBlockBlobClient("big");
      await blockBlob.stageBlock(btoa("zeros"), block, block.byteLength);
      await blockBlob.commitBlockList(Array<string>(times).fill(btoa("zeros")), {
        blobHTTPHeaders: { blobContentMD5: hash.copy().digest(), blobContentType: "text/x-zeros" },
      });
      const digest = hash.digest("base64");
      const source = openStore(service, from.containerName);
      const target = openStore(service, to.containerName);
      let told = 0;
      const stat = await copy(source, "big", target, "big", { onBytes: (bytes) => (told += bytes) });
      expect(told).toBe(size);
      expect(stat).toMatchObject({ size, md5: digest });
      expect(await target.stat(path("big"))).toMatchObject({ size, md5: digest });
      expect((await to.getBlobClient("big").getProperties()).contentType).toBe("text/x-zeros");
      await expect(copy(source, "big", target, "other", { sourceEtag: '"0x1"' })).rejects.toMatchObject({
        code: "precondition_failed",
      });
      await expect(target.stat(path("other"))).rejects.toMatchObject({ code: "not_found" });
    });
});
