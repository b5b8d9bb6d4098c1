import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecretClient } from "@azure/keyvault-secrets";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  startEntra,
  startKeyVault,
  trustCertificate,
  type Entra,
  type KeyVaultOptions,
  type RunningServer,
} from "../src/index.ts";

const APP = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const RESOURCE = "https://vault.azure.net";

let entra: Entra;
let vault: RunningServer | undefined;
let folder: string;
let clock = 0;
const distrust: (() => void)[] = [];

beforeAll(async () => {
  entra = await startEntra([{ clientId: APP, secrets: ["good"] }]);
  folder = await mkdtemp(join(tmpdir(), "aml-key-vault-"));
});
afterEach(async () => {
  clock = 0;
  for (const take of distrust.splice(0)) take();
  await vault?.close();
});
afterAll(async () => {
  await entra.close();
  await rm(folder, { recursive: true });
});

async function start(options: Partial<KeyVaultOptions> = {}): Promise<string> {
  vault = await startKeyVault({ entra, now: () => Date.now() + clock, ...options });
  distrust.push(trustCertificate(vault.certificatePem ?? ""));
  return vault.url;
}

async function connect(options: Partial<KeyVaultOptions> = {}, audience = RESOURCE): Promise<SecretClient> {
  const url = await start(options);
  const getToken = async () => ({
    token: await entra.accessToken(audience, APP),
    expiresOnTimestamp: Date.now() + 3_600_000,
  });
  return new SecretClient(
    url,
    { getToken },
    {
      disableChallengeResourceVerification: true,
      retryOptions: { maxRetries: 0 },
    },
  );
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("the official client", () => {
  test("sets and gets, with what belongs to it", async () => {
    const client = await connect();
    const expiresOn = new Date("2030-01-01T00:00:00Z");
    const set = await client.setSecret("Lake-Key", "v1 ü", {
      contentType: "text/plain",
      tags: { team: "trips" },
      expiresOn,
    });
    const got = await client.getSecret("lake-key");
    expect(got).toMatchObject({ name: "Lake-Key", value: "v1 ü" });
    expect(got.properties).toMatchObject({
      enabled: true,
      contentType: "text/plain",
      tags: { team: "trips" },
      expiresOn,
      version: set.properties.version,
      recoveryLevel: "Recoverable+Purgeable",
      recoverableDays: 90,
    });
    expect(set.properties.version).toMatch(/^[0-9a-f]{32}$/);
  });

  test("keeps every version", async () => {
    const client = await connect();
    const first = await client.setSecret("key", "one");
    await client.setSecret("KEY", "two");
    expect((await client.getSecret("key")).value).toBe("two");
    expect((await client.getSecret("key", { version: first.properties.version ?? "" })).value).toBe("one");
    const versions = await all(client.listPropertiesOfSecretVersions("key"));
    expect(versions.map(({ version }) => version)).toContain(first.properties.version);
    expect(versions).toHaveLength(2);
    await expect(client.getSecret("key", { version: "0".repeat(32) })).rejects.toMatchObject({
      statusCode: 404,
      code: "SecretNotFound",
    });
  });

  test("lists through pages of 25", async () => {
    const client = await connect();
    const names = Array.from({ length: 60 }, (_, index) => `s-${String(index).padStart(2, "0")}`);
    await Promise.all(names.map((name) => client.setSecret(name, name)));
    expect((await all(client.listPropertiesOfSecrets())).map(({ name }) => name)).toEqual(names);
    const pages = await all(client.listPropertiesOfSecrets().byPage());
    expect(pages.map((page) => page.length)).toEqual([25, 25, 10]);
    const small = await all(client.listPropertiesOfSecrets().byPage({ maxPageSize: 20 }));
    expect(small.map((page) => page.length)).toEqual([20, 20, 20]);
  });

  test("a disabled one is refused, an expired one is not", async () => {
    const client = await connect();
    const { properties } = await client.setSecret("key", "one", { expiresOn: new Date("2020-01-01") });
    expect((await client.getSecret("key")).value).toBe("one");
    await client.updateSecretProperties("key", properties.version ?? "", {
      enabled: false,
      tags: { a: "b" },
    });
    await expect(client.getSecret("key")).rejects.toMatchObject({
      statusCode: 403,
      message: "Operation get is not allowed on a disabled secret.",
    });
    expect(await all(client.listPropertiesOfSecrets())).toMatchObject([{ enabled: false, tags: { a: "b" } }]);
  });

  test("a deleted name is kept until it is recovered or purged", async () => {
    const client = await connect();
    await client.setSecret("key", "one");
    const poller = await client.beginDeleteSecret("key");
    const deleted = await poller.pollUntilDone();
    expect(deleted.properties.scheduledPurgeDate?.getTime()).toBeGreaterThan(Date.now() + 89 * 86_400_000);
    await expect(client.getSecret("key")).rejects.toMatchObject({ statusCode: 404, code: "SecretNotFound" });
    await expect(client.setSecret("KEY", "two")).rejects.toMatchObject({
      statusCode: 409,
      message: expect.stringContaining("deleted but recoverable state"),
    });
    expect((await all(client.listDeletedSecrets())).map(({ name }) => name)).toEqual(["key"]);
    expect(await all(client.listPropertiesOfSecrets())).toEqual([]);
    await (await client.beginRecoverDeletedSecret("key")).pollUntilDone();
    expect((await client.getSecret("key")).value).toBe("one");
    await (await client.beginDeleteSecret("key")).pollUntilDone();
    await client.purgeDeletedSecret("key");
    await expect(client.getDeletedSecret("key")).rejects.toMatchObject({ statusCode: 404 });
    expect((await client.setSecret("key", "two")).value).toBe("two");
    expect(await all(client.listPropertiesOfSecretVersions("key"))).toHaveLength(1);
  });

  test("90 days later it is gone", async () => {
    const client = await connect();
    await client.setSecret("key", "one");
    await (await client.beginDeleteSecret("key")).pollUntilDone();
    clock = 90 * 86_400_000 + 1000;
    await expect(client.getDeletedSecret("key")).rejects.toMatchObject({ statusCode: 404 });
    await client.setSecret("key", "two");
    expect(await all(client.listPropertiesOfSecretVersions("key"))).toHaveLength(1);
  });

  test("rights by action", async () => {
    const client = await connect({ mayCall: ({ appid }, action) => appid === APP && action === "getSecret" });
    await expect(client.getSecret("key")).rejects.toMatchObject({ statusCode: 404 });
    await expect(client.setSecret("key", "one")).rejects.toMatchObject({
      statusCode: 403,
      code: "Forbidden",
      message: expect.stringMatching(/vaults\/secrets\/setSecret\/action/),
    });
  });

  test("a token for something else", async () => {
    const client = await connect({}, "https://storage.azure.com");
    await expect(client.getSecret("key")).rejects.toMatchObject({
      statusCode: 401,
      message: expect.stringContaining("AKV10022"),
    });
  });
});

describe("on the wire", () => {
  const authorized = async (init: RequestInit = {}): Promise<RequestInit> => ({
    ...init,
    headers: { authorization: `Bearer ${await entra.accessToken(RESOURCE, APP)}` },
  });

  test("without a token: where to get one", async () => {
    const response = await fetch(`${await start()}/secrets/key?api-version=7.6`);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(
      `Bearer authorization="${entra.authorityUrl}/${entra.tenantId}", resource="https://vault.azure.net"`,
    );
    expect(await response.json()).toEqual({
      error: { code: "Unauthorized", message: "AKV10000: Request is missing a Bearer or PoP token." },
    });
  });

  const put = (body: unknown): RequestInit => ({ method: "PUT", body: JSON.stringify(body) });
  test.each([
    ["no version", "/secrets/key", {}, /api-version must be specified/],
    ["an unknown version", "/secrets/key?api-version=9.9", {}, /\(9\.9\) is not recognized/],
    ["an underscore", "/secrets/a_b?api-version=7.5", {}, /invalid name: a_b/],
    ["a long name", `/secrets/${"a".repeat(128)}?api-version=7.5`, {}, /invalid name/],
    ["too large a page", "/secrets?api-version=7.5&maxresults=26", {}, /between 1 and 25/],
    ["a wrong place in the list", "/secrets?api-version=7.5&$skiptoken=x", {}, /skiptoken/],
    ["no value", "/secrets/key?api-version=7.5", put({}), /value/],
    ["a number", "/secrets/key?api-version=7.5", put({ value: 7 }), /value/],
    ["too large a value", "/secrets/key?api-version=7.5", put({ value: "x".repeat(25_601) }), /25600 bytes/],
    ["no JSON", "/secrets/key?api-version=7.5", { method: "PUT", body: "value" }, /valid JSON/],
    ["too many tags", "/secrets/key?api-version=7.5", put({ value: "x", tags: tagsOf(16) }), /15 tags/],
  ])("%s is 400", async (_name, path, init: RequestInit, message) => {
    const response = await fetch((await start()) + path, await authorized(init));
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: { code: "BadParameter", message: expect.stringMatching(message) },
    });
  });

  test("innererror, ids and the end of a list", async () => {
    const url = await start();
    const call = async (path: string, init?: RequestInit): Promise<unknown> =>
      (await fetch(`${url}${path}?api%2Dversion=7.5`, await authorized(init))).json();
    const bundle = await call("/secrets/key", put({ value: "one", attributes: { enabled: false } }));
    expect(bundle).toMatchObject({ id: expect.stringMatching(`^${url}/secrets/key/[0-9a-f]{32}$`) });
    expect(await call("/secrets/key")).toMatchObject({ error: { innererror: { code: "SecretDisabled" } } });
    expect(await call("/secrets")).toMatchObject({ value: [{ id: `${url}/secrets/key` }], nextLink: null });
    expect(JSON.stringify(await call("/secrets"))).not.toContain("one");
  });
});

function tagsOf(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, "x"]));
}

describe("in a folder", () => {
  test("secrets are there the next time, and nobody else may read them", async () => {
    const place = join(folder, "vault");
    const client = await connect({ folder: place });
    await Promise.all([1, 2, 3].map((one) => client.setSecret(`key-${one}`, `v${one}`)));
    await (await client.beginDeleteSecret("key-2")).pollUntilDone();
    await vault?.close();
    const again = await connect({ folder: place });
    expect((await again.getSecret("key-3")).value).toBe("v3");
    expect((await again.getDeletedSecret("key-2")).name).toBe("key-2");
    expect((await stat(join(place, "secrets.json"))).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(join(place, "secrets.json"), "utf8"))).toHaveProperty("secrets");
  });

  test("a file of something else is not overwritten", async () => {
    await writeFile(join(folder, "secrets.json"), "hello");
    await expect(start({ folder })).rejects.toThrow("is not a file of the Key Vault emulator");
  });
});
