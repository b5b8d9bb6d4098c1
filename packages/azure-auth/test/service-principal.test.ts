import { inspect } from "node:util";
import { Secret } from "@aml/core/adapter";
import { createCertificate, trustCertificate } from "@aml/emulator";
import { startEntra, type Entra } from "@aml/emulator";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTokenCache, tokenCredential, type TokenCache, type TokenSource } from "../src/index.ts";

const SCOPE = "https://storage.azure.com/.default";
const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const GOOD = "good-secret-7d1f";
const EXPIRED = "expired-secret-91ab";

let entra: Entra;
let distrust: () => void;
let pem: string;
let cache: TokenCache;

beforeAll(async () => {
  const { certificate, privateKey } = await createCertificate("app");
  pem = `${privateKey}\n${certificate}`;
  entra = await startEntra([{ clientId: CLIENT, secrets: [GOOD], expiredSecrets: [EXPIRED], certificate }]);
  distrust = trustCertificate(entra.certificatePem);
});
afterAll(async () => {
  distrust();
  await entra.close();
});
beforeEach(() => {
  cache = createTokenCache();
  entra.requests.length = 0;
  entra.tokenLifetime = 3600;
  entra.failWith = undefined;
});

function withSecret(
  secret: string,
  more: { clientId?: string; tenantId?: string; authorityUrl?: string } = {},
): TokenSource {
  return {
    kind: "service_principal",
    tenantId: entra.tenantId,
    clientId: CLIENT,
    authorityUrl: entra.authorityUrl,
    clientSecret: new Secret(secret),
    ...more,
  };
}

function withCertificate(text: string): TokenSource {
  return {
    kind: "service_principal_certificate",
    tenantId: entra.tenantId,
    clientId: CLIENT,
    authorityUrl: `${entra.authorityUrl}/`,
    certificate: new Secret(text),
  };
}

function claims(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
}

describe("service_principal", () => {
  test("gets a token for the scope", async () => {
    const { token, expiresOnTimestamp } = await tokenCredential(withSecret(GOOD), { cache }).getToken(SCOPE);
    expect(claims(token)).toMatchObject({
      aud: "https://storage.azure.com",
      tid: entra.tenantId,
      appid: CLIENT,
    });
    expect(expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_500_000);
    expect(entra.requests).toEqual([
      { grant: "client_secret", clientId: CLIENT, scope: expect.stringContaining(SCOPE) },
    ]);
  });

  test("100 callers, and stores that share the identity, make one request", async () => {
    const one = tokenCredential(withSecret(GOOD));
    const two = tokenCredential(withSecret(GOOD));
    const tokens = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 ? one : two).getToken(SCOPE)),
    );
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(1);
    expect(entra.requests).toHaveLength(1);
  });

  test("another scope or another secret is another token", async () => {
    await tokenCredential(withSecret(GOOD), { cache }).getToken(SCOPE);
    await tokenCredential(withSecret(GOOD), { cache }).getToken("https://vault.azure.net/.default");
    expect(entra.requests).toHaveLength(2);
    const wrong = tokenCredential(withSecret("guess"), { cache });
    await expect(wrong.getToken(SCOPE)).rejects.toMatchObject({ code: "auth_failed" });
  });

  test("an expired token is replaced; before it expires it is renewed", async () => {
    let offset = 0;
    const shifted = createTokenCache({ now: () => Date.now() + offset });
    const credential = tokenCredential(withSecret(GOOD), { cache: shifted });
    const first = await credential.getToken(SCOPE);
    offset = 3_595_000;
    const second = await credential.getToken(SCOPE);
    expect(entra.requests).toHaveLength(2);
    offset = 8_000_000;
    await credential.getToken(SCOPE);
    expect(entra.requests).toHaveLength(3);
    expect(second.expiresOnTimestamp).toBeGreaterThanOrEqual(first.expiresOnTimestamp);
  });

  test("a token that is born expired is asked for again", async () => {
    entra.tokenLifetime = -10;
    const credential = tokenCredential(withSecret(GOOD), { cache });
    await credential.getToken(SCOPE);
    await credential.getToken(SCOPE);
    expect(entra.requests).toHaveLength(2);
  });

  test("a resource of the credential's own takes the place of the store's", async () => {
    for (const resourceUrl of ["https://storage.azure.example/", "https://storage.azure.example"]) {
      const source = { ...withSecret(GOOD), resourceUrl };
      const { token } = await tokenCredential(source, { cache }).getToken(SCOPE);
      expect(claims(token)["aud"]).toBe("https://storage.azure.example");
    }
    expect(entra.requests).toHaveLength(1);
  });

  test("a challenge with claims asks again", async () => {
    const credential = tokenCredential(withSecret(GOOD), { cache });
    await credential.getToken(SCOPE);
    await credential.getToken(SCOPE, { claims: '{"access_token":{"nbf":{"essential":true,"value":"1"}}}' });
    expect(entra.requests).toHaveLength(2);
  });
});

describe("service_principal_certificate", () => {
  test("signs in with PEM text", async () => {
    const { token } = await tokenCredential(withCertificate(pem), { cache }).getToken(SCOPE);
    expect(claims(token)["appid"]).toBe(CLIENT);
    expect(entra.requests[0]?.grant).toBe("client_assertion");
  });

  test("another certificate is refused", async () => {
    const { certificate, privateKey } = await createCertificate("stranger");
    const other = tokenCredential(withCertificate(privateKey + certificate), { cache });
    await expect(other.getToken(SCOPE)).rejects.toMatchObject({
      code: "auth_failed",
      hint: expect.stringContaining("Upload the certificate"),
    });
  });

  test.each(["no pem at all", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])(
    "what is no certificate with its key is refused: %s",
    async (text) => {
      await expect(tokenCredential(withCertificate(text), { cache }).getToken(SCOPE)).rejects.toMatchObject({
        code: "auth_failed",
        hint: expect.stringContaining("PEM"),
      });
      expect(entra.requests).toHaveLength(0);
    },
  );
});

describe("refusals", () => {
  const rows: readonly [string, () => TokenSource, string, RegExp, RegExp][] = [
    ["wrong secret", () => withSecret("wrong"), "auth_failed", /client secret is wrong/, /secret's value/],
    ["expired secret", () => withSecret(EXPIRED), "auth_failed", /has expired/, /Create a new secret/],
    [
      "unknown application",
      () => withSecret(GOOD, { clientId: "00000000-0000-0000-0000-000000000001" }),
      "auth_failed",
      /no application of this client ID/,
      /Check clientId/,
    ],
    [
      "unknown tenant",
      () => withSecret(GOOD, { tenantId: "00000000-0000-0000-0000-000000000002" }),
      "auth_failed",
      /no such tenant/,
      /Check tenantId/,
    ],
    [
      "tenant that is none",
      () => withSecret(GOOD, { tenantId: "not a tenant" }),
      "auth_failed",
      /tenant ID is not valid/,
      /GUID or a domain/,
    ],
    [
      "nothing listens",
      () => withSecret(GOOD, { authorityUrl: "https://localhost:1" }),
      "unavailable",
      /localhost:1 cannot be reached \(ECONNREFUSED\)/,
      /authorityUrl/,
    ],
    [
      "no such host",
      () => withSecret(GOOD, { authorityUrl: "https://login.invalid" }),
      "unavailable",
      /login.invalid cannot be reached/,
      /authorityUrl/,
    ],
  ];
  test.each(rows)("%s", async (_name, source, code, message, hint) => {
    const error = await tokenCredential(source(), { cache })
      .getToken(SCOPE)
      .then(
        () => undefined,
        (thrown: unknown) => thrown as Error & { hint: string },
      );
    expect(error).toMatchObject({ name: "AmlError", code });
    expect(error?.message).toMatch(message);
    expect(error?.hint).toMatch(hint);
    expect(error?.message).toMatch(/application [\w-]+ of tenant/);
    for (const secret of [GOOD, EXPIRED]) {
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
      expect(JSON.stringify(error)).not.toContain(secret);
    }
  });

  test.each([
    [429, "rate_limited"],
    [503, "unavailable"],
    [500, "unavailable"],
  ])("status %i is %s", async (status, code) => {
    entra.failWith = status;
    await expect(tokenCredential(withSecret(GOOD), { cache }).getToken(SCOPE)).rejects.toMatchObject({
      code,
      retryable: true,
    });
    expect(entra.requests).toHaveLength(1);
  });

  test("a token server that cannot prove itself", async () => {
    distrust();
    try {
      // Under its other name, so that no connection is left over from before.
      const authorityUrl = entra.authorityUrl.replace("localhost", "127.0.0.1");
      const source = withSecret(GOOD, { authorityUrl });
      await expect(tokenCredential(source, { cache }).getToken(SCOPE)).rejects.toMatchObject({
        code: "unavailable",
        hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
      });
    } finally {
      distrust = trustCertificate(entra.certificatePem);
    }
  });
});

describe("tokenProvider", () => {
  test("signs in instead", async () => {
    let count = 0;
    const tokenProvider = {
      getToken: () => {
        count++;
        return Promise.resolve({ token: "given", expiresOnTimestamp: Date.now() + 3_600_000 });
      },
    };
    const credential = tokenCredential(withSecret(GOOD), { tokenProvider });
    expect((await credential.getToken(SCOPE)).token).toBe("given");
    await credential.getToken(SCOPE);
    expect(count).toBe(1);
    expect(entra.requests).toHaveLength(0);
  });

  test("none from it is auth_failed", async () => {
    const credential = tokenCredential(
      { kind: "identity" },
      { tokenProvider: { getToken: async () => null } },
    );
    await expect(credential.getToken(SCOPE)).rejects.toMatchObject({ code: "auth_failed" });
  });
});
