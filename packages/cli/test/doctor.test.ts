import { type CredentialInput, type DatastoreInput, type TokenProvider } from "@aml/core";
import { createCertificate, type Entra, serve, startEntra, trustCertificate } from "@aml/emulator";
import { type DoctorOptions, type DoctorReport, openWorkspace } from "@aml/workspace";
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Lake, openLake } from "./lake.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const SECRET = "client-secret-5f0c2b";

let lake: Lake;
let entra: Entra;
const cleanUp: (() => unknown)[] = [];
const afterOne: (() => unknown)[] = [];
const secrets: string[] = [SECRET];
beforeAll(async () => {
  lake = await openLake();
  entra = await startEntra([{ clientId: CLIENT, secrets: [SECRET] }]);
  cleanUp.push(
    () => lake[Symbol.asyncDispose](),
    () => entra.close(),
    trustCertificate(entra.certificatePem),
  );
  secrets.push(lake.azurite.accountKey);
});
afterEach(async () => {
  for (const step of afterOne.splice(0).toReversed()) await step();
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

interface Case {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly credential?: CredentialInput;
  readonly doctor?: DoctorOptions;
  readonly tokenProvider?: TokenProvider;
  readonly fetch?: typeof fetch;
}

/** Registers a datastore as it is, and has it examined. */
async function examine({
  options,
  credential,
  doctor,
  tokenProvider,
  fetch,
}: Case = {}): Promise<DoctorReport> {
  await using workspace = await openWorkspace({ folder: lake.folder, tokenProvider, fetch });
  const { accountName, accountKey, endpoint } = lake.azurite;
  const input: DatastoreInput = {
    name: "patient",
    type: "azure_blob",
    options: { accountName, containerName: "trips", endpoint, ...options },
    credential: credential ?? { kind: "account_key", accountKey },
  };
  await workspace.datastores.register(input, { overwrite: true, skipValidation: true });
  const report = await workspace.doctor("patient", doctor);
  for (const secret of secrets) expect(JSON.stringify(report)).not.toContain(secret);
  return report;
}

/** The one hop that failed; everything behind it must have been skipped because of it. */
function brokenHop({ ok, hops }: DoctorReport) {
  const index = hops.findIndex(({ status }) => status === "failed");
  expect(ok).toBe(false);
  const { name, code, message, hint, facts } = hops[index] ?? {};
  const later = hops.slice(index + 1).map(({ status, message: why }) => `${status}: ${why}`);
  return { name, code, message, hint, facts, later: [...new Set(later)] };
}

const statuses = ({ hops }: DoctorReport): string =>
  hops.map(({ name, status }) => `${name} ${status}`).join(", ");

function sas(permissions: string, more: { readonly expiresOn?: Date } = {}): CredentialInput {
  const { accountName, accountKey } = lake.azurite;
  const token = generateBlobSASQueryParameters(
    {
      containerName: "trips",
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
      protocol: SASProtocol.HttpsAndHttp,
      ...more,
    },
    new StorageSharedKeyCredential(accountName, accountKey),
  ).toString();
  secrets.push(new URLSearchParams(token).get("sig") ?? "");
  return { kind: "sas", sasToken: token };
}

function application(more: object = {}): CredentialInput {
  const { tenantId, authorityUrl } = entra;
  return {
    kind: "service_principal",
    tenantId,
    authorityUrl,
    clientId: CLIENT,
    clientSecret: SECRET,
    ...more,
  };
}

test("a store that is well", async () => {
  const report = await examine({ doctor: { write: true } });
  expect(statuses(report)).toBe(
    "record ok, secret ok, name skipped, tcp ok, tls skipped, clock ok, credential ok, firewall ok, sign_in ok, " +
      "store ok, rights skipped, list ok, read ok, write ok",
  );
  expect(report).toMatchObject({ datastore: "patient", type: "azure_blob", ok: true });
  expect(report.hops.find(({ name }) => name === "read")?.message).toMatch(
    /^\/2025\/a\.csv can be read \(1 of \d+ bytes/,
  );
  const left: string[] = [];
  for await (const { name } of lake.container.listBlobsFlat()) left.push(name);
  expect(left).toEqual(["2025/a.csv"]);
});

describe("the record and its secret", () => {
  test("a name that nobody registered", async () => {
    await using workspace = await openWorkspace({ folder: lake.folder });
    expect(brokenHop(await workspace.doctor("nobody"))).toMatchObject({
      name: "record",
      code: "not_found",
      later: ["skipped: Needs a registered datastore."],
    });
  });

  test("a secret that is gone", async () => {
    const accountKey = { secret: "gone/for/good" };
    expect(brokenHop(await examine({ credential: { kind: "account_key", accountKey } }))).toMatchObject({
      name: "secret",
      code: "not_found",
      message: expect.stringContaining("gone/for/good"),
    });
  });
});

describe("the network", () => {
  test("a host that is not there", async () => {
    const report = await examine({ options: { endpoint: "https://contoso.blob.invalid" } });
    expect(brokenHop(report)).toMatchObject({
      name: "name",
      code: "unavailable",
      message: "There is no host contoso.blob.invalid.",
      later: ["skipped: Needs the address of the host."],
    });
  });

  test("a name that resolves tells whether it is public", async () => {
    const { port } = new URL(lake.azurite.endpoint);
    const report = await examine({ options: { endpoint: `http://localhost:${port}/devstoreaccount1` } });
    const hop = report.hops.find(({ name }) => name === "name");
    expect(hop).toMatchObject({ status: "ok", facts: { network: ["loopback"] } });
  });

  test("a port that nobody listens at", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    expect(brokenHop(await examine({ options: { endpoint: `http://127.0.0.1:${port}/a` } }))).toMatchObject({
      name: "tcp",
      message: `Nothing listens at 127.0.0.1:${port}.`,
      facts: { errno: ["ECONNREFUSED"] },
      later: ["skipped: Needs a connection."],
    });
  });

  test.skipIf(!existsSync("/usr/bin/python3"))(
    "a port whose packets are dropped ends in time (needs python3)",
    async () => {
      // A queue that is full and that nobody empties: the kernel drops what comes.
      const child = spawn("/usr/bin/python3", [
        "-c",
        "import socket,sys,time\ns=socket.socket()\ns.bind(('127.0.0.1',0))\ns.listen(0)\np=s.getsockname()[1]\nc=[]\n" +
          "for i in range(8):\n x=socket.socket()\n x.setblocking(False)\n c.append(x)\n x.connect_ex(('127.0.0.1',p))\n" +
          "time.sleep(.2)\nprint(p,flush=True)\nsys.stdin.read()",
      ]);
      afterOne.push(() => child.kill());
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const endpoint = `http://127.0.0.1:${line.toString().trim()}/a`;
      const start = performance.now();
      expect(brokenHop(await examine({ options: { endpoint }, doctor: { timeoutMs: 500 } }))).toMatchObject({
        name: "tcp",
        code: "timeout",
        message: "There was no answer within 0.5 s.",
        hint: expect.stringContaining("Packets are dropped"),
      });
      expect(performance.now() - start).toBeLessThan(30_000);
    },
  );
});

describe("TLS", () => {
  const httpsOf = (port: number | string, host = "localhost") => ({
    endpoint: `https://${host}:${port}/devstoreaccount1`,
  });
  const answer = async (): Promise<Response> => new Response("hello");
  const later = ["skipped: Needs TLS."];

  test("a server that speaks plain text", async () => {
    const { port } = new URL(lake.azurite.endpoint);
    expect(brokenHop(await examine({ options: httpsOf(port, "127.0.0.1") }))).toMatchObject({
      name: "tls",
      message: `What listens at 127.0.0.1:${port} does not speak TLS.`,
      hint: expect.stringContaining("often http"),
      later,
    });
  });

  test("a server that says nothing", async () => {
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    server.unref();
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const report = await examine({ options: httpsOf(port, "127.0.0.1"), doctor: { timeoutMs: 300 } });
    server.close();
    expect(brokenHop(report)).toMatchObject({ name: "tls", code: "timeout", later });
  });

  test("a certificate that nobody trusts", async () => {
    await using server = await serve(answer, { https: true });
    const found = brokenHop(await examine({ options: httpsOf(server.port) }));
    expect(found).toMatchObject({
      name: "tls",
      message: expect.stringMatching(/^The certificate of localhost is not trusted: .*signed by itself/),
      hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
      later,
    });
    expect(found.facts).toMatchObject({ daysLeft: 0, names: "DNS:localhost, IP Address:127.0.0.1" });
  });

  test("a certificate that has expired", async () => {
    const https = await createCertificate("old", { notAfter: new Date("2025-01-31T10:00:00Z") });
    afterOne.push(trustCertificate(https.certificate));
    await using server = await serve(answer, { https });
    expect(brokenHop(await examine({ options: httpsOf(server.port) }))).toMatchObject({
      name: "tls",
      message: "The certificate of localhost expired on 2025-01-31.",
      later,
    });
  });

  test("a certificate of another host", async () => {
    const https = await createCertificate("other", { hostNames: ["other.example"] });
    afterOne.push(trustCertificate(https.certificate));
    await using server = await serve(answer, { https });
    expect(brokenHop(await examine({ options: httpsOf(server.port) }))).toMatchObject({
      name: "tls",
      message: "The certificate is for DNS:other.example, not for localhost.",
      later,
    });
  });

  test("a good one tells its issuer, and that it ends soon", async () => {
    const https = await createCertificate("good");
    afterOne.push(trustCertificate(https.certificate));
    await using server = await serve(answer, { https });
    const report = await examine({ options: httpsOf(server.port) });
    expect(report.hops.find(({ name }) => name === "tls")).toMatchObject({
      status: "ok",
      message: expect.stringMatching(/^TLSv1\.3; the certificate of good .* is good until \d{4}-/),
      hint: "It expires in 0 days: renew it.",
    });
  });
});

describe("the clock", () => {
  test.each([
    [20 * 60, "failed", "behind"],
    [-20 * 60, "failed", "ahead of"],
    [5 * 60, "ok", "behind"],
  ])("a service that is %i s ahead", async (seconds, status, words) => {
    const { origin } = new URL(lake.azurite.endpoint);
    await using proxy = await serve(async (request) => {
      const url = new URL(request.url);
      const through = await fetch(origin + url.pathname + url.search, { method: request.method });
      const headers = new Headers(through.headers);
      headers.set("date", new Date(Date.now() + seconds * 1000).toUTCString());
      return new Response(through.body, { status: through.status, headers });
    });
    const report = await examine({ options: { endpoint: `${proxy.url}/devstoreaccount1` } });
    const hop = report.hops.find(({ name }) => name === "clock");
    expect(hop).toMatchObject({
      status,
      message: expect.stringContaining(words),
      hint: expect.stringContaining("NTP"),
    });
    expect(Math.abs(Number(hop?.facts["skewSeconds"]) + seconds)).toBeLessThanOrEqual(2);
  });
});

describe("the credential", () => {
  const later = ["skipped: Needs a credential."];

  test("an account key that is none", async () => {
    const accountKey = "AccountName=contoso;AccountKey=abc";
    expect(brokenHop(await examine({ credential: { kind: "account_key", accountKey } }))).toMatchObject({
      name: "credential",
      code: "auth_failed",
      message: "The account key is not base64 text.",
      later,
    });
  });

  test("the key of another account", async () => {
    const accountKey = Buffer.alloc(64, 7).toString("base64");
    secrets.push(accountKey);
    expect(brokenHop(await examine({ credential: { kind: "account_key", accountKey } }))).toMatchObject({
      name: "sign_in",
      hint: expect.stringContaining("Check that the key belongs to this account"),
      later: ["skipped: Needs a credential that is accepted."],
    });
  });

  test("a key that is refused, and the account's other one", async () => {
    const accountKey = Buffer.alloc(64, 9).toString("base64");
    secrets.push(accountKey);
    const both = (secondaryKey: string) => ({ kind: "account_key", accountKey, secondaryKey }) as const;
    const report = await examine({ credential: both(lake.azurite.accountKey), doctor: { write: true } });
    expect(report.ok).toBe(true);
    expect(report.hops.find(({ name }) => name === "sign_in")).toMatchObject({
      status: "ok",
      message: "The account's first key is refused, and its other one accepted.",
      hint: expect.stringContaining("both keys"),
    });
    expect(brokenHop(await examine({ credential: both(accountKey) })).name).toBe("sign_in");
  });

  test("a SAS token that has run out, and half of one", async () => {
    const expiresOn = new Date("2026-01-31T10:00:00Z");
    const found = brokenHop(await examine({ credential: sas("rl", { expiresOn }) }));
    expect(found).toMatchObject({
      name: "credential",
      message: "The SAS token expired at 2026-01-31T10:00:00.000Z.",
      facts: { scope: "service", permissions: "rl", resource: "c" },
      later,
    });
    const half = { kind: "sas", sasToken: "sv=2024-11-04&sp=rl" } as const;
    expect(brokenHop(await examine({ credential: half }))).toMatchObject({
      name: "credential",
      message: expect.stringContaining("not whole"),
    });
  });

  test("a tenant that is not there, and a wrong client secret", async () => {
    const tenantId = "11111111-2222-4333-8444-555555555555";
    expect(brokenHop(await examine({ credential: application({ tenantId }) }))).toMatchObject({
      name: "credential",
      code: "auth_failed",
      message: expect.stringContaining("there is no such tenant"),
      later,
    });
    const clientSecret = "wrong-secret-90210";
    secrets.push(clientSecret);
    expect(brokenHop(await examine({ credential: application({ clientSecret }) }))).toMatchObject({
      name: "credential",
      message: expect.stringContaining("the client secret is wrong"),
    });
  });

  test("a token for something else, and what a token tells", async () => {
    const tokenProvider = (audience: string): TokenProvider => ({
      getToken: async () => {
        const claims = { aud: audience, tid: entra.tenantId, appid: CLIENT, oid: "o-1" };
        const token = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    });
    const credential = { kind: "identity" } as const;
    expect(
      brokenHop(await examine({ credential, tokenProvider: tokenProvider("https://vault.azure.net") })),
    ).toMatchObject({
      name: "credential",
      message:
        "The token is for https://vault.azure.net, and the store needs one for https://storage.azure.com.",
      later,
    });
    const report = await examine({ credential, tokenProvider: tokenProvider("https://storage.azure.com/") });
    expect(report.hops.find(({ name }) => name === "credential")).toMatchObject({
      status: "ok",
      message: `A token for ${CLIENT} of tenant ${entra.tenantId}.`,
      facts: { objectId: "o-1", scope: "https://storage.azure.com/.default" },
    });
    // The emulator is http, where no token is sent.
    expect(brokenHop(report)).toMatchObject({ name: "store", code: "config_invalid" });
  });
});

describe("the store", () => {
  test("a firewall that lets nobody in", async () => {
    const fetch = async (): Promise<Response> =>
      new Response("<Error><Code>AuthorizationFailure</Code></Error>", {
        status: 403,
        headers: { "x-ms-error-code": "AuthorizationFailure", "content-type": "application/xml" },
      });
    expect(brokenHop(await examine({ fetch }))).toMatchObject({
      name: "firewall",
      code: "permission_denied",
      hint: expect.stringContaining("'Networking'"),
      later: ["skipped: Needs a way through the firewall."],
    });
  });

  test("a container that is not there", async () => {
    expect(brokenHop(await examine({ options: { containerName: "nothing" } }))).toMatchObject({
      name: "store",
      code: "not_found",
      message: "There is no container 'nothing' in storage account 'devstoreaccount1'.",
      later: ["skipped: Needs a store that is there."],
    });
  });

  test("a path that is not there: where it breaks off", async () => {
    expect(brokenHop(await examine({ doctor: { path: "2025/b/c.csv" } }))).toMatchObject({
      name: "rights",
      code: "not_found",
      facts: { brokenAt: "/2025/b" },
    });
  });

  test("a SAS that may not list, of a file that can be read", async () => {
    const report = await examine({ credential: sas("r"), doctor: { path: "2025/a.csv" } });
    expect(report.hops.filter(({ status }) => status === "failed").map(({ name }) => name)).toEqual(["list"]);
    expect(report.hops.find(({ name }) => name === "list")?.hint).toContain("list (l)");
    expect(report.hops.find(({ name }) => name === "read")?.status).toBe("ok");
  });

  test("a SAS that may not write", async () => {
    const report = await examine({ credential: sas("rl"), doctor: { write: true } });
    expect(brokenHop(report)).toMatchObject({
      name: "write",
      code: "permission_denied",
      hint: expect.stringContaining("write (w)"),
      later: [],
    });
    expect((await examine({ credential: sas("rl") })).ok).toBe(true);
  });
});

test("a folder of this machine, and one that is gone", async () => {
  await lake.aml(["datastore", "create", "disk", "--type", "local", "--path", "."]);
  const before = await readdir(lake.folder);
  const well = await lake.aml(["doctor", "disk", "--write", "--json"]);
  expect(well).toMatchObject({ code: 0, stderr: "" });
  expect(statuses(JSON.parse(well.stdout) as DoctorReport)).toBe(
    "record ok, secret skipped, name skipped, tcp skipped, tls skipped, clock skipped, credential ok, " +
      "firewall skipped, sign_in skipped, store ok, rights skipped, list ok, read ok, write ok",
  );
  expect(await readdir(lake.folder)).toEqual(before);
  const gone = ["datastore", "create", "gone", "--type", "local", "--path", "./gone", "--skip-validation"];
  await lake.aml(gone);
  const outcome = await lake.aml(["doctor", "gone"]);
  expect(outcome.code).toBe(4);
  expect(outcome.stdout).toMatch(/^failed {3}store /m);
  expect(outcome.stderr).toMatch(/^error: gone is broken at store: .*\nhint: .*\ncode: not_found\n$/);
});

test("a web server: no listing, and a file of it", async () => {
  await using server = await serve(async (request) =>
    new URL(request.url).pathname === "/a.txt"
      ? new Response(request.method === "HEAD" ? null : "hello", { headers: { "content-length": "5" } })
      : new Response(null, { status: 404 }),
  );
  const url = `${server.url}?token=hush-hush`;
  await lake.aml(["datastore", "create", "web", "--type", "http", "--url", url, "--skip-validation"]);
  const outcome = await lake.aml(["doctor", "web", "--path", "a.txt"]);
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(outcome.stdout).toMatch(/^skipped {2}list {8}The store has no listing\.$/m);
  expect(outcome.stdout).toMatch(/^ok {7}read {8}\/a\.txt can be read/m);
  expect(outcome.stdout).toMatch(/\nDatastore 'web' is well\.\n$/);
  expect(outcome.stdout).not.toContain("hush");
});

test("Ctrl-C ends it", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  await using workspace = await openWorkspace({ folder: lake.folder });
  const onHop = (): void => controller.abort(reason);
  await expect(workspace.doctor("patient", { signal: controller.signal, onHop })).rejects.toBe(reason);
});
