import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  generateFileSASQueryParameters,
  ShareClient,
  ShareSASPermissions,
  ShareServiceClient,
  StorageSharedKeyCredential,
} from "@azure/storage-file-share";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { once, startFiles, type FilesServer } from "./files-server.ts";

let server: FilesServer;
beforeAll(async () => {
  server = await startFiles();
});
afterAll(() => server[Symbol.asyncDispose]());

const names = async (client: ShareServiceClient, prefix: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const page of client.listShares({ prefix }).byPage({ maxPageSize: 2 })) {
    found.push(...(page.shareItems ?? []).map(({ name }) => name));
  }
  return found;
};

describe("shares", () => {
  test("are created once, listed in pages, and deleted", async () => {
    const { client } = server;
    for (const name of ["p-2", "p-1", "p-3"])
      await client.getShareClient(name).create({ metadata: { a: "1" } });
    await expect(client.getShareClient("p-1").create()).rejects.toMatchObject({
      statusCode: 409,
      code: "ShareAlreadyExists",
    });
    expect(await names(client, "p-")).toEqual(["p-1", "p-2", "p-3"]);
    await client.getShareClient("p-2").delete();
    expect(await names(client, "p-")).toEqual(["p-1", "p-3"]);
    await expect(client.getShareClient("p-2").getProperties()).rejects.toMatchObject({
      statusCode: 404,
      code: "ShareNotFound",
    });
    expect(await client.getShareClient("p-2").exists()).toBe(false);
  });

  test("have a quota and metadata, and an etag that changes with them", async () => {
    const share = await server.share();
    const before = await share.getProperties();
    expect(before).toMatchObject({ quota: 5120, metadata: {} });
    await share.setQuota(100);
    await share.setMetadata({ owner: "me" });
    const after = await share.getProperties();
    expect(after).toMatchObject({ quota: 100, metadata: { owner: "me" } });
    expect(after.etag).not.toBe(before.etag);
  });

  test.each(["ab", "Upper", "a--b", "-a", "a_b", "x".repeat(64)])("the name %s is refused", async (name) => {
    await expect(server.client.getShareClient(name).create()).rejects.toMatchObject({
      statusCode: 400,
      code: "InvalidResourceName",
    });
  });

  test("tell what their files take", async () => {
    const share = await server.share();
    await share.createDirectory("d");
    await share.createFile("d/a", 1000);
    await share.createFile("b", 24);
    expect(await share.getStatistics()).toMatchObject({ shareUsageBytes: 1024 });
  });

  test("keep security descriptors", async () => {
    const share = await server.share();
    const sddl = "O:S-1-5-21-2127521184-1604012920-1887927527-21560751G:S-1-5-21-0-0-0-513D:AI";
    const { filePermissionKey = "" } = await share.createPermission(sddl);
    expect((await share.getPermission(filePermissionKey)).permission).toBe(sddl);
  });

  test("keep stored access policies, which SAS tokens refer to", async () => {
    const share = await server.share();
    await share.rootDirectoryClient.getFileClient("a").create(3);
    const startsOn = new Date(Date.now() - 3_600_000);
    const expiresOn = new Date(Date.now() + 3_600_000);
    await share.setAccessPolicy([
      { id: "read&write", accessPolicy: { permissions: "r", startsOn, expiresOn } },
    ]);
    const { signedIdentifiers } = await share.getAccessPolicy();
    expect(signedIdentifiers).toMatchObject([{ id: "read&write", accessPolicy: { permissions: "r" } }]);
    const token = generateFileSASQueryParameters(
      { shareName: share.name, identifier: "read&write" },
      server.key,
    );
    const file = new ShareClient(
      `${share.url}?${token.toString()}`,
      undefined,
      once,
    ).rootDirectoryClient.getFileClient("a");
    expect((await file.getProperties()).contentLength).toBe(3);
    await expect(file.delete()).rejects.toMatchObject({ code: "AuthorizationPermissionMismatch" });
    await share.setAccessPolicy([]);
    await expect(file.getProperties()).rejects.toMatchObject({
      statusCode: 403,
      code: "AuthenticationFailed",
    });
  });
});

describe("who may", () => {
  test("a SAS of a share reads its files and not its properties", async () => {
    const share = await server.share();
    await share.createFile("a", 3);
    const token = generateFileSASQueryParameters(
      {
        shareName: share.name,
        permissions: ShareSASPermissions.parse("rl"),
        expiresOn: new Date(Date.now() + 1e6),
      },
      server.key,
    ).toString();
    const client = new ShareClient(`${share.url}?${token}`, undefined, once);
    expect((await client.rootDirectoryClient.listFilesAndDirectories().next()).value).toMatchObject({
      name: "a",
    });
    await expect(client.getProperties()).rejects.toMatchObject({
      statusCode: 403,
      code: "AuthorizationFailure",
    });
    await expect(client.createFile("b", 1)).rejects.toMatchObject({
      code: "AuthorizationPermissionMismatch",
    });
  });

  test("a wrong key, nobody, and the old key after a rotation are refused", async () => {
    await using own = await startFiles();
    const share = await own.share();
    const wrong = new StorageSharedKeyCredential(own.files.accountName, Buffer.alloc(64).toString("base64"));
    await expect(new ShareClient(share.url, wrong, once).getProperties()).rejects.toMatchObject({
      statusCode: 403,
      code: "AuthenticationFailed",
    });
    await expect(new ShareClient(share.url, undefined, once).getProperties()).rejects.toMatchObject({
      statusCode: 401,
      code: "NoAuthenticationInformation",
    });
    own.files.setKeys([Buffer.alloc(64, 1).toString("base64")]);
    await expect(share.getProperties()).rejects.toMatchObject({ statusCode: 403 });
  });

  test("another account is refused", async () => {
    const url = `${server.endpoint.replace("devstoreaccount1", "other")}/share`;
    const other = new StorageSharedKeyCredential("other", server.files.accountKey);
    await expect(new ShareClient(url, other, once).getProperties()).rejects.toMatchObject({
      statusCode: 403,
      code: "AuthenticationFailed",
    });
  });
});

test("a folder keeps shares, files and policies", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aml-files-"));
  try {
    {
      await using first = await startFiles({ folder });
      const share = first.client.getShareClient("kept");
      await share.create({ metadata: { a: "b" } });
      await share.rootDirectoryClient.getFileClient("f").uploadData(Buffer.from("hello"));
      await first.client.getShareClient("gone").create();
      await first.client.getShareClient("gone").delete();
    }
    await using second = await startFiles({ folder });
    const share = second.client.getShareClient("kept");
    expect((await share.getProperties()).metadata).toEqual({ a: "b" });
    expect(String(await share.rootDirectoryClient.getFileClient("f").downloadToBuffer())).toBe("hello");
    expect(await second.client.getShareClient("gone").exists()).toBe(false);
  } finally {
    await rm(folder, { recursive: true });
  }
});
