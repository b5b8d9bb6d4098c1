import { createHash } from "node:crypto";
import {
  AuthorizationCodeCredential,
  ClientSecretCredential,
  DeviceCodeCredential,
  type DeviceCodeInfo,
} from "@azure/identity";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEntra, trustCertificate, type Entra, type EntraDirectory } from "../src/index.ts";

const STORAGE = "https://storage.azure.com";
const SCOPE = `${STORAGE}/.default`;
const TRAINER = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const WEB = "0c2a5a0f-2f0c-4b39-9f5e-7d1b0c6b2f11";
const REDIRECT = "https://web.contoso.com/back";

let entra: Entra;
let distrust: () => void;
let clock = 0;

beforeAll(async () => {
  entra = await startEntra({
    apps: [
      { clientId: TRAINER, secrets: ["good"] },
      { clientId: WEB, secrets: ["web"], redirectUris: [REDIRECT] },
    ],
    users: [{ username: "ada@contoso.com" }, { username: "bob@contoso.com" }],
    deviceCodeInterval: 0.02,
    now: () => Date.now() + clock,
  });
  distrust = trustCertificate(entra.certificatePem);
});
afterAll(async () => {
  distrust();
  await entra.close();
});
beforeEach(() => {
  clock = 0;
  entra.tokenLifetime = 3600;
  entra.requests.length = 0;
});

const authority = (): { authorityHost: string; disableInstanceDiscovery: true } => ({
  authorityHost: entra.authorityUrl,
  disableInstanceDiscovery: true,
});

function claims(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
}

describe("device code", () => {
  const credential = (prompt: (info: DeviceCodeInfo) => void): DeviceCodeCredential =>
    new DeviceCodeCredential({ tenantId: entra.tenantId, userPromptCallback: prompt, ...authority() });

  test("the user's answer ends the wait; later tokens need no answer", async () => {
    const prompts: DeviceCodeInfo[] = [];
    const device = credential((info) => {
      prompts.push(info);
      expect(entra.answerDevice(info.userCode.toLowerCase(), { username: "bob@contoso.com" })).toBe(true);
    });
    const { token } = await device.getToken(SCOPE);
    expect(claims(token)).toMatchObject({
      aud: STORAGE,
      upn: "bob@contoso.com",
      tid: entra.tenantId,
      idtyp: "user",
    });
    expect(prompts[0]?.message).toContain(`${entra.authorityUrl}/common/oauth2/deviceauth`);
    const vault = await device.getToken("https://vault.azure.net/.default");
    expect(claims(vault.token)).toMatchObject({ aud: "https://vault.azure.net", upn: "bob@contoso.com" });
    expect(prompts).toHaveLength(1);
    expect(entra.requests.at(-1)?.grant).toBe("refresh_token");
  });

  test("on the page", async () => {
    const device = credential(({ verificationUri, userCode }) => {
      void (async () => {
        const page = await fetch(verificationUri);
        expect(await page.text()).toContain("<option>ada@contoso.com</option>");
        const body = new URLSearchParams({ code: userCode, username: "ada@contoso.com" });
        expect(await (await fetch(verificationUri, { method: "POST", body })).text()).toContain("signed in");
      })();
    });
    expect(claims((await device.getToken(SCOPE)).token)).toMatchObject({ upn: "ada@contoso.com" });
  });

  test("declined", async () => {
    const device = credential(({ userCode }) => void entra.answerDevice(userCode, "declined"));
    await expect(device.getToken(SCOPE)).rejects.toThrow("authorization_declined");
  });

  test("nobody answers until it expires", async () => {
    const device = credential(() => (clock = 901_000));
    await expect(device.getToken(SCOPE)).rejects.toThrow(/AADSTS70020|expired/);
  });

  test("a code that no device waits for", () => {
    expect(entra.answerDevice("BCDFGHJKL", { username: "ada@contoso.com" })).toBe(false);
  });
});

describe("authorization code", () => {
  async function authorize(query: Record<string, string>): Promise<Response> {
    const defaults = {
      client_id: WEB,
      response_type: "code",
      redirect_uri: REDIRECT,
      scope: SCOPE,
      state: "s1",
    };
    const url = new URL(`${entra.authorityUrl}/${entra.tenantId}/oauth2/v2.0/authorize`);
    url.search = new URLSearchParams({ ...defaults, ...query }).toString();
    return fetch(url, { redirect: "manual" });
  }
  async function sentBack(query: Record<string, string> = {}): Promise<URLSearchParams> {
    const response = await authorize(query);
    expect(response.status).toBe(302);
    return new URL(response.headers.get("location") ?? "").searchParams;
  }
  async function redeem(fields: Record<string, string>): Promise<Record<string, unknown>> {
    const response = await fetch(`${entra.authorityUrl}/${entra.tenantId}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "authorization_code", ...fields }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  }

  test("a web app", async () => {
    const back = await sentBack({ login_hint: "bob@contoso.com" });
    expect(back.get("state")).toBe("s1");
    const code = back.get("code") ?? "";
    const credential = new AuthorizationCodeCredential(
      entra.tenantId,
      WEB,
      "web",
      code,
      REDIRECT,
      authority(),
    );
    expect(claims((await credential.getToken(SCOPE)).token)).toMatchObject({
      upn: "bob@contoso.com",
      appid: WEB,
    });
    const again = new AuthorizationCodeCredential(entra.tenantId, WEB, "web", code, REDIRECT, authority());
    await expect(again.getToken(SCOPE)).rejects.toThrow("AADSTS54005");
  });

  test("a program on this machine, with PKCE", async () => {
    const verifier = "v".repeat(43);
    const app = { client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46", redirect_uri: "http://localhost:8400" };
    const asked = {
      ...app,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      nonce: "n1",
    };
    const wrong = { ...app, code: (await sentBack(asked)).get("code") ?? "", code_verifier: "w".repeat(43) };
    expect(await redeem(wrong)).toMatchObject({ status: 400, error: "invalid_grant", error_codes: [501481] });
    const right = { ...app, code: (await sentBack(asked)).get("code") ?? "", code_verifier: verifier };
    const reply = await redeem(right);
    expect(reply).toMatchObject({ status: 200, token_type: "Bearer" });
    expect(claims(String(reply["id_token"]))).toMatchObject({ aud: app.client_id, nonce: "n1" });
  });

  test("as a form, or in the fragment", async () => {
    const form = await (await authorize({ response_mode: "form_post", state: '"<' })).text();
    expect(form).toContain('name="state" value="&#34;&#60;"');
    const fragment = await authorize({ response_mode: "fragment" });
    expect(fragment.headers.get("location")).toMatch(/#code=/);
  });

  test("a stranger's address, an unknown app or user", async () => {
    const stranger = await authorize({ redirect_uri: "https://evil.example/back" });
    expect([stranger.status, await stranger.text()]).toEqual([400, expect.stringContaining("AADSTS50011")]);
    expect((await authorize({ client_id: "nobody" })).status).toBe(400);
    expect((await sentBack({ login_hint: "eve@contoso.com" })).get("error")).toBe("login_required");
    expect((await sentBack({ code_challenge: "x", code_challenge_method: "plain" })).get("error")).toBe(
      "invalid_request",
    );
  });

  test("with a wrong secret, or elsewhere than it was sent", async () => {
    const code = async (): Promise<string> => (await sentBack()).get("code") ?? "";
    const app = { client_id: WEB, redirect_uri: REDIRECT };
    expect(await redeem({ ...app, code: await code(), client_secret: "guess" })).toMatchObject({
      error: "invalid_client",
      error_codes: [7000215],
    });
    expect(await redeem({ ...app, code: await code() })).toMatchObject({ error_codes: [7000218] });
    const moved = { ...app, redirect_uri: "https://web.contoso.com/other" };
    expect(await redeem({ ...moved, code: await code(), client_secret: "web" })).toMatchObject({
      error_codes: [500112],
    });
  });
});

describe("apps", () => {
  const getToken = (clientId: string, secret: string, scope = SCOPE) =>
    new ClientSecretCredential(entra.tenantId, clientId, secret, authority()).getToken(scope);

  test("can be registered, and their secrets rotated, while it runs", async () => {
    const clientId = "11111111-2222-4333-8444-555555555555";
    await expect(getToken(clientId, "one")).rejects.toThrow("AADSTS700016");
    entra.register({ clientId, secrets: ["one"] });
    expect(claims((await getToken(clientId, "one")).token)).toMatchObject({ appid: clientId, idtyp: "app" });
    entra.register({ clientId, secrets: ["two"], expiredSecrets: ["one"] });
    await expect(getToken(clientId, "one")).rejects.toThrow("AADSTS7000222");
    await getToken(clientId, "two");
  });

  test("a scope that is none of an app's", async () => {
    await expect(getToken(TRAINER, "good", `${STORAGE}/user_impersonation`)).rejects.toThrow("AADSTS1002012");
  });

  test("an app has the same object ID every time; each its own", async () => {
    const oid = async (clientId: string, secret: string): Promise<unknown> =>
      claims((await getToken(clientId, secret)).token)["oid"];
    const first = await oid(TRAINER, "good");
    expect(await oid(TRAINER, "good")).toBe(first);
    expect(await oid(WEB, "web")).not.toBe(first);
  });
});

describe("verify", () => {
  const other: { entra?: EntraDirectory } = {};
  afterAll(() => (other.entra as Entra | undefined)?.close());

  test("its own token for the right audience, with or without a slash", async () => {
    const token = await entra.accessToken(`${STORAGE}/`, TRAINER);
    expect(await entra.verify(token, STORAGE)).toMatchObject({ ok: true, claims: { appid: TRAINER } });
    expect(await entra.verify(token, ["https://vault.azure.net", STORAGE])).toMatchObject({ ok: true });
  });

  test("not another's, nor a forged, old, or foreign one", async () => {
    const reason = async (token: string, audience = STORAGE): Promise<unknown> =>
      entra.verify(token, audience);
    const good = await entra.accessToken(STORAGE, TRAINER);
    expect(await reason(good, "https://vault.azure.net")).toEqual({ ok: false, reason: "audience" });
    expect(await reason("not.a.token")).toEqual({ ok: false, reason: "malformed" });
    const [head, body = "", signature] = good.split(".");
    const admin = Buffer.from(JSON.stringify({ ...claims(good), oid: "admin" })).toString("base64url");
    expect(await reason([head, admin, signature].join("."))).toEqual({ ok: false, reason: "signature" });
    const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    expect(await reason(`${none}.${body}.`)).toMatchObject({ ok: false });
    clock = 3600_000 + 301_000;
    expect(await reason(good)).toEqual({ ok: false, reason: "lifetime" });
    expect(await entra.verifyToken(good)).toMatchObject({ appid: TRAINER, tid: entra.tenantId });
    expect(await entra.verifyToken([head, admin, signature].join("."))).toBeUndefined();
    expect(await entra.verifyToken(await entra.federatedToken("x"))).toBeUndefined();
    clock = 0;
    other.entra = await startEntra({ tenantId: entra.tenantId });
    expect(await reason(await other.entra.accessToken(STORAGE, TRAINER))).toEqual({
      ok: false,
      reason: "signature",
    });
    expect(await reason(await entra.federatedToken("x"), "api://AzureADTokenExchange")).toEqual({
      ok: false,
      reason: "issuer",
    });
  });
});

test("metadata and keys, as OpenID Connect has them", async () => {
  const base = `${entra.authorityUrl}/${entra.tenantId}/v2.0`;
  const metadata = (await (await fetch(`${base}/.well-known/openid-configuration`)).json()) as Record<
    string,
    string
  >;
  expect(metadata["issuer"]).toBe(base);
  const { keys } = (await (await fetch(metadata["jwks_uri"] ?? "")).json()) as { keys: unknown[] };
  expect(keys).toMatchObject([{ kty: "RSA", use: "sig", alg: "RS256", kid: expect.any(String) }]);
  expect(JSON.stringify(keys)).not.toContain('"d"');
  expect((await fetch(`${entra.authorityUrl}/${entra.tenantId}/oauth2/other`)).status).toBe(404);
});

test("a machine's identity", async () => {
  const url = `${entra.imdsUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${STORAGE}`;
  expect((await fetch(url)).status).toBe(400);
  const reply = (await (await fetch(url, { headers: { metadata: "true" } })).json()) as Record<
    string,
    string
  >;
  expect(await entra.verify(reply["access_token"] ?? "", STORAGE)).toMatchObject({ ok: true });
  expect(reply["expires_in"]).toBe("3600");
});
