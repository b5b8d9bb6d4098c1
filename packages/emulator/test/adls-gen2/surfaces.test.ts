import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAzurite } from "@aml/emulator";
import { share } from "@aml/kit/runs";
import { BlobServiceClient, StorageSharedKeyCredential, type ContainerClient } from "@azure/storage-blob";
import {
  DataLakeServiceClient,
  FileSystemSASPermissions,
  generateDataLakeSASQueryParameters,
  type DataLakeFileSystemClient,
} from "@azure/storage-file-datalake";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startGen2, type Gen2Server } from "./gen2-server.ts";

let gen2: Gen2Server;
let fs: DataLakeFileSystemClient;
let container: ContainerClient;

beforeAll(async () => {
  gen2 = await startGen2({ pageSize: 3 });
});
afterAll(() => gen2.close());
beforeEach(async () => {
  fs = gen2.client.getFileSystemClient(`t-${crypto.randomUUID()}`);
  await fs.create();
  container = blobs().getContainerClient(fs.name);
});

function blobs(): BlobServiceClient {
  const { accountName, accountKey } = gen2.gen2;
  return new BlobServiceClient(gen2.endpoint, new StorageSharedKeyCredential(accountName, accountKey), {
    retryOptions: { maxTries: 1 },
  });
}

interface RestFailure {
  readonly statusCode: number;
  readonly code?: string;
  readonly response?: { readonly headers: { get(name: string): string | undefined } };
}

async function statusOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "ok",
    // The answer to a HEAD has no body: its reason is in a header.
    ({ statusCode, code, response }: RestFailure) =>
      `${statusCode} ${code ?? response?.headers.get("x-ms-error-code")}`,
  );
}

describe("the blob surface", () => {
  test("makes directories, shows them as empty blobs with a mark, and lists a tree", async () => {
    await container.getBlockBlobClient("a/b/c.txt").upload("hello", 5, { metadata: { k: "v" } });
    await container.getBlockBlobClient("a-b.txt").upload("x", 1);
    expect(await fs.getDirectoryClient("a/b").exists()).toBe(true);
    const flat: unknown[] = [];
    for await (const { name, properties, metadata } of container.listBlobsFlat({ includeMetadata: true })) {
      flat.push([name, properties.contentLength, metadata]);
    }
    expect(flat).toEqual([
      ["a", 0, { hdi_isfolder: "true" }],
      ["a/b", 0, { hdi_isfolder: "true" }],
      ["a/b/c.txt", 5, { k: "v" }],
      ["a-b.txt", 1, ""],
    ]);
    const levels: string[] = [];
    for await (const item of container.listBlobsByHierarchy("/", { prefix: "a" }))
      levels.push(`${item.kind} ${item.name}`);
    expect(levels.toSorted()).toEqual(["blob a-b.txt", "prefix a/"]);
    const pages: number[] = [];
    for await (const page of container.listBlobsFlat().byPage({ maxPageSize: 3 }))
      pages.push(page.segment.blobItems.length);
    expect(pages).toEqual([3, 1]);
    expect((await container.getBlobClient("a/b").getProperties()).metadata).toEqual({ hdi_isfolder: "true" });
  });

  test("a path is a file or a directory", async () => {
    await container.getBlockBlobClient("a/b").upload("x", 1);
    expect(await statusOf(container.getBlockBlobClient("a").upload("x", 1))).toBe("409 ResourceTypeMismatch");
    expect(await statusOf(container.getBlockBlobClient("a/b/c").upload("x", 1))).toBe("409 PathConflict");
    expect(await statusOf(container.getBlobClient("a").delete())).toBe("409 DirectoryIsNotEmpty");
    await container.getBlobClient("a/b").delete();
    await container.getBlobClient("a").delete();
    expect(await statusOf(container.getBlobClient("a").getProperties())).toBe("404 BlobNotFound");
  });

  test("blocks, conditions, copies, and a rename in between", async () => {
    const blob = container.getBlockBlobClient("d/blocks.bin");
    const ids = ["AAAA", "BBBB"];
    await blob.stageBlock("AAAA", "one", 3);
    await blob.stageBlock("BBBB", "two", 3);
    expect(await statusOf(blob.getProperties())).toBe("404 BlobNotFound");
    await blob.commitBlockList(ids, { conditions: { ifNoneMatch: "*" } });
    expect(await statusOf(blob.upload("x", 1, { conditions: { ifNoneMatch: "*" } }))).toMatch(/^4(09|12)/);
    await fs.getFileClient("d/blocks.bin").move(fs.name, "d/moved.bin");
    const moved = container.getBlockBlobClient("d/moved.bin");
    expect((await moved.downloadToBuffer()).toString()).toBe("onetwo");
    const copy = container.getBlockBlobClient("e/copy.bin");
    await (await copy.beginCopyFromURL(moved.url)).pollUntilDone();
    expect((await copy.downloadToBuffer()).toString()).toBe("onetwo");
    expect(await statusOf(fs.getFileClient("e/copy.bin").append("x", 6, 1))).toBe(
      "409 InvalidFlushOperation",
    );
  });

  test("a container made and deleted through it is a file system", async () => {
    const made = blobs().getContainerClient(`t-${crypto.randomUUID()}`);
    await made.create();
    const same = gen2.client.getFileSystemClient(made.containerName);
    await same.getFileClient("x").create();
    await made.delete();
    expect(await statusOf(same.getFileClient("x").create())).toBe("404 FilesystemNotFound");
    expect((await blobs().getAccountInfo()).isHierarchicalNamespaceEnabled).toBe(true);
  });
});

describe("addresses", () => {
  test("by host, as the service has them", async () => {
    const ask = (host: string, path: string, init: RequestInit = {}): Promise<Response> => {
      const permissions = FileSystemSASPermissions.parse("racwdl");
      const expiresOn = new Date(Date.now() + 60_000);
      const values = { fileSystemName: fs.name, permissions, expiresOn };
      const sas = generateDataLakeSASQueryParameters(values, gen2.key).toString();
      const separator = path.includes("?") ? "&" : "?";
      return gen2.gen2.service(
        new Request(`http://devstoreaccount1.${host}.localhost/${fs.name}/${path}${separator}${sas}`, init),
      );
    };
    expect((await ask("dfs", "a%20b?resource=file", { method: "PUT" })).status).toBe(201);
    const head = await ask("dfs", "a%20b", { method: "HEAD" });
    expect(head.headers.get("x-ms-resource-type")).toBe("file");
    expect(head.headers.get("x-ms-permissions")).toBe("rw-r-----");
    const missing = await ask("dfs", "no");
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ error: { code: "PathNotFound" } });
    const blob = await ask("blob", "no");
    expect(await blob.text()).toContain("<Code>BlobNotFound</Code>");
    const list = await (await ask("dfs", "?resource=filesystem&recursive=true")).json();
    expect(list).toMatchObject({ paths: [{ name: "a b", contentLength: "0" }] });
    expect(JSON.stringify(list)).not.toContain("isDirectory");
    expect((await ask("dfs", "%FF")).status).toBe(400);
    expect((await ask("dfs", "x".repeat(1025))).headers.get("x-ms-error-code")).toBe("InvalidUri");
    expect(
      (await ask("dfs", "a%20b?action=append", { method: "PATCH" })).headers.get("x-ms-error-code"),
    ).toBe("MissingRequiredQueryParameter");
    expect(
      (await ask("dfs", "a%20b?action=append&position=-1", { method: "PATCH" })).headers.get(
        "x-ms-error-code",
      ),
    ).toBe("InvalidQueryParameterValue");
  });

  test("nobody gets in without a credential, and a delegation key is for identities only", async () => {
    const { service } = gen2.gen2;
    const url = `${gen2.endpoint}/${fs.name}`;
    expect((await service(new Request(`${url}?resource=filesystem&recursive=true`))).status).toBe(401);
    expect((await service(new Request(`${url}/x`))).status).toBe(401);
    const now = new Date();
    const key = gen2.client.getUserDelegationKey(now, new Date(now.getTime() + 60_000));
    expect(await statusOf(key)).toMatch(/^403/);
  });
});

describe("a large directory", () => {
  test("is deleted in parts where the client asks for that", async () => {
    for (let at = 0; at < 10; at += 1) await fs.getFileClient(`d/${at % 3}/${at}`).create();
    const accessed = generateDataLakeSASQueryParameters(
      {
        fileSystemName: fs.name,
        permissions: FileSystemSASPermissions.parse("rdl"),
        expiresOn: new Date(Date.now() + 60_000),
      },
      gen2.key,
    ).toString();
    let calls = 0;
    for (let continuation = ""; calls === 0 || continuation !== ""; calls += 1) {
      const url = `${gen2.endpoint}/${fs.name}/d?recursive=true&paginated=true&continuation=${encodeURIComponent(continuation)}&${accessed}`;
      const response = await gen2.gen2.service(new Request(url, { method: "DELETE" }));
      expect(response.status).toBe(200);
      continuation = response.headers.get("x-ms-continuation") ?? "";
    }
    expect(calls).toBe(5);
    expect(await fs.getDirectoryClient("d").exists()).toBe(false);
  });
});

describe("a folder", () => {
  test("keeps files, directories, access control and etags from one start to the next", async () => {
    const folder = await mkdtemp(join(tmpdir(), "aml-gen2-"));
    try {
      let etag: string | undefined;
      {
        await using first = await startGen2({ folder });
        const filesystem = first.client.getFileSystemClient("kept");
        await filesystem.create();
        await filesystem.getDirectoryClient("empty").create();
        await filesystem.getFileClient("a/from").upload(Buffer.from("content"));
        await filesystem.getFileClient("a/from").move("kept", "a/to");
        await filesystem.getFileClient("a/gone").create();
        await filesystem.getFileClient("a/gone").delete();
        const { acl } = await filesystem.getDirectoryClient("a").getAccessControl();
        await filesystem.getDirectoryClient("a").setAccessControl(acl, { owner: "me" });
        ({ etag } = await filesystem.getFileClient("a/to").getProperties());
      }
      for (let start = 0; start < 2; start += 1) {
        await using again = await startGen2({ folder });
        const filesystem = again.client.getFileSystemClient("kept");
        const names: (string | undefined)[] = [];
        for await (const { name } of filesystem.listPaths({ recursive: true })) names.push(name);
        expect(names).toEqual(["a", "a/to", "empty"]);
        const file = filesystem.getFileClient("a/to");
        expect((await file.readToBuffer()).toString()).toBe("content");
        expect((await file.getProperties()).etag).toBe(etag);
        expect((await filesystem.getDirectoryClient("a").getAccessControl()).owner).toBe("me");
        await file.append("!", 7, 1);
        await file.flush(8);
        expect((await file.readToBuffer()).toString()).toBe("content!");
        await file.upload(Buffer.from("content"));
        ({ etag } = await file.getProperties());
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  // As for a rotation of keys, in a test of @aml/azure-blob that always runs: here in CI only.
  if (share >= 1)
    test("serves Azurite alone too", async () => {
      const folder = await mkdtemp(join(tmpdir(), "aml-azurite-folder-"));
      try {
        for (const run of [0, 1]) {
          await using azurite = await startAzurite({ folder });
          const key = new StorageSharedKeyCredential(azurite.accountName, azurite.accountKey);
          const client = new BlobServiceClient(azurite.endpoint, key).getContainerClient("kept");
          await client.createIfNotExists();
          if (run === 0) await client.getBlockBlobClient("x").upload("hello", 5);
          expect((await client.getBlobClient("x").downloadToBuffer()).toString()).toBe("hello");
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
});

test("a client of another account's key is refused", async () => {
  const wrong = new StorageSharedKeyCredential(gen2.gen2.accountName, "d3Jvbmc=");
  const client = new DataLakeServiceClient(gen2.endpoint, wrong, { retryOptions: { maxTries: 1 } });
  expect(await statusOf(client.getFileSystemClient(fs.name).getFileClient("x").create())).toBe(
    "403 AuthenticationFailed",
  );
});
