import { inspect } from "node:util";
import { isAmlError, Secret, type AmlError } from "@aml/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { keyVault } from "../src/index.ts";
import { rejection } from "./vault.ts";

const CANARY = "value-canary-5d0e";
const TOKEN = "token-canary-71aa";

function answering(response: () => Response | Promise<Response>) {
  return keyVault({
    vaultUrl: "https://contoso.vault.azure.net",
    tokenProvider: { getToken: async () => ({ token: TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 }) },
    fetch: async (_url, init) =>
      new Headers(init?.headers).has("authorization")
        ? response()
        : new Response("{}", {
            status: 401,
            headers: {
              "www-authenticate":
                'Bearer authorization="https://login.windows.net/t", resource="https://vault.azure.net"',
            },
          }),
  });
}

function refusal(status: number, code: string, inner?: string, headers?: Record<string, string>): Response {
  const body = {
    error: { code, message: `The service says ${CANARY.length}.`, innererror: { code: inner } },
  };
  return Response.json(body, { status, ...(headers && { headers }) });
}

type Row = [
  verb: "get" | "set" | "delete",
  status: number,
  code: string,
  inner: string | undefined,
  expected: AmlError["code"],
  message: RegExp,
  hint: RegExp,
];

const rows: readonly Row[] = [
  ["get", 400, "BadParameter", undefined, "config_invalid", /does not take secret 'lake'/, /25 kB/],
  ["get", 401, "Unauthorized", undefined, "auth_failed", /'contoso' refused the access token/, /tenant/],
  [
    "get",
    403,
    "Forbidden",
    "ForbiddenByRbac",
    "permission_denied",
    /may not get secret 'lake'/,
    /"Key Vault Secrets User"/,
  ],
  [
    "set",
    403,
    "Forbidden",
    "ForbiddenByRbac",
    "permission_denied",
    /may not set/,
    /"Key Vault Secrets Officer"/,
  ],
  ["delete", 403, "Forbidden", "AccessDenied", "permission_denied", /may not delete/, /permission delete/],
  [
    "get",
    403,
    "Forbidden",
    undefined,
    "permission_denied",
    /may not get/,
    /^Grant "Key Vault Secrets User" on vault .contoso. to .*secret permission get/,
  ],
  [
    "get",
    403,
    "Forbidden",
    "SecretDisabled",
    "permission_denied",
    /'lake' .* is disabled/,
    /--enabled true$/,
  ],
  [
    "get",
    403,
    "Forbidden",
    "ForbiddenByFirewall",
    "permission_denied",
    /firewall of key vault/,
    /Networking/,
  ],
  [
    "get",
    403,
    "Forbidden",
    "ForbiddenByConnection",
    "permission_denied",
    /firewall of key vault/,
    /private endpoint/,
  ],
  [
    "get",
    404,
    "SecretNotFound",
    undefined,
    "not_found",
    /no secret 'lake' in key vault 'contoso'/,
    /az keyvault secret set/,
  ],
  [
    "set",
    409,
    "Conflict",
    "ObjectIsBeingDeleted",
    "unavailable",
    /being deleted or recovered/,
    /few seconds/,
  ],
  ["get", 500, "InternalServerError", undefined, "unavailable", /failed to answer/, /Try again/],
  ["get", 504, "GatewayTimeout", undefined, "timeout", /failed to answer/, /Try again/],
  ["get", 418, "Teapot", undefined, "internal", /To get a secret failed/, /undefined/],
];

// The client waits before it tries again.
beforeAll(() => {
  const { setTimeout } = globalThis;
  const sooner = (then: () => void, delay = 0) => setTimeout(then, delay / 50);
  vi.stubGlobal("setTimeout", sooner);
});
afterAll(() => vi.unstubAllGlobals());

describe.concurrent("errors", () => {
  test.each(rows)("%s: %i %s %s is %5$s", async (verb, status, code, inner, expected, message, hint) => {
    const vault = answering(() => refusal(status, code, inner));
    const error = await failureOf(
      verb === "set" ? vault.set("lake", new Secret(CANARY)) : vault[verb]("lake"),
    );
    expect(error.code).toBe(expected);
    expect(error.message).toMatch(message);
    expect(String(error.hint)).toMatch(hint);
    expect(error.context).toMatchObject({ secret: "lake", vault: "contoso", status });
    const shown = inspect(error, { depth: 10 }) + JSON.stringify(error);
    expect(shown).not.toContain(CANARY);
    expect(shown).not.toContain(TOKEN);
  });

  test("throttling tells how long to wait", async () => {
    const vault = answering(() => refusal(429, "Throttled", undefined, { "retry-after": "0" }));
    const error = await failureOf(vault.get("lake"));
    expect(error).toMatchObject({ code: "rate_limited", retryAfterMs: 0 });
  });

  test.each(["", "<html>Bad gateway</html>"])("an answer of a proxy: %j", async (body) => {
    const error = await failureOf(answering(() => new Response(body, { status: 502 })).get("lake"));
    expect(error).toMatchObject({ code: "unavailable", context: { status: 502 } });
  });

  test.each([
    ["ENOTFOUND", "unavailable", /There is no host contoso\.vault\.azure\.net/],
    ["SELF_SIGNED_CERT_IN_CHAIN", "unavailable", /No trusted TLS connection/],
    ["ECONNREFUSED", "unavailable", /Nothing listens/],
    ["ECONNRESET", "unavailable", /The connection to .* failed/],
  ])("%s", async (code, expected, message) => {
    const vault = answering(() => {
      throw new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
    });
    const error = await failureOf(vault.get("lake"));
    expect(error.code).toBe(expected);
    expect(error.message).toMatch(message);
  });

  test("a host that asks for another's token gets none", async () => {
    const vault = keyVault({
      vaultUrl: "https://contoso.example",
      tokenProvider: { getToken: () => Promise.reject(new Error("asked for a token")) },
      fetch: async () =>
        new Response("{}", {
          status: 401,
          headers: {
            "www-authenticate":
              'Bearer authorization="https://login.windows.net/t", resource="https://vault.azure.net"',
          },
        }),
    });
    expect(await failureOf(vault.get("lake"))).toMatchObject({
      code: "config_invalid",
      message: "contoso.example asks for a token that is not meant for it.",
    });
  });

  test.each([
    "http://contoso.vault.azure.net",
    "contoso",
    "https://contoso.vault.azure.net/secrets",
    "https://user:pw@contoso.vault.azure.net",
    "https://contoso.vault.azure.net?x=1",
  ])("%s is no vault", (vaultUrl) => {
    expect(() => keyVault({ vaultUrl })).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });
});

async function failureOf(promise: Promise<unknown>): Promise<AmlError> {
  const error = await rejection(promise);
  if (isAmlError(error)) return error;
  throw new Error("Not an AmlError.", { cause: error });
}
