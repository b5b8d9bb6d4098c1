import { isAmlError, Secret } from "@aml/core";
import { STORE_CREDENTIALS } from "@aml/core/adapter";
import { expect, test } from "vitest";
import { credentialExpiry } from "../src/credential-expiry.ts";
import { parseCredential } from "../src/credential-input.ts";

const ZERO = "00000000-0000-0000-0000-000000000000";
const principal = { kind: "service_principal", tenantId: "t", clientId: "c", clientSecret: "canary" };

test.each([
  [{ ...principal, tenantId: undefined }, "needs 'tenantId'"],
  [{ ...principal, clientId: "" }, "needs 'clientId'"],
  [{ ...principal, clientId: ZERO }, "needs 'clientId'"],
  [{ ...principal, tenantId: ZERO }, "needs 'tenantId'"],
  [{ ...principal, clientSecret: undefined }, "needs 'clientSecret'"],
  [{ ...principal, clientSecret: "" }, "needs 'clientSecret'"],
  [{ ...principal, username: "u", password: "canary" }, "has no 'username'"],
  [{ kind: "password", username: "u", password: "canary", clientId: "c" }, "has no 'clientId'"],
  [{ kind: "password", password: "canary" }, "needs 'username'"],
  [
    { ...principal, authorityUrl: "http://login.example" },
    "'authorityUrl' of the credential is not a plain https",
  ],
  [
    { ...principal, resourceUrl: "https://x/?sig=canary" },
    "'resourceUrl' of the credential is not a plain https",
  ],
  [{ kind: "identity", source: "nobody" }, "source of an identity"],
  [{ kind: "identity", clientSecret: "canary" }, "has no 'clientSecret'"],
  [{ kind: "account_key", accountKey: "canary" }, "does not take"],
])("%j is config_invalid: %s", (input, message) => {
  try {
    parseCredential(input as never, STORE_CREDENTIALS.azure_sql, "azure_sql");
  } catch (error) {
    if (!isAmlError(error, "config_invalid")) throw error;
    expect(error.message).toContain(message);
    expect(error.hint).toMatch(/\w/);
    expect(JSON.stringify(error)).not.toContain("canary");
    return;
  }
  throw new Error("accepted");
});

test("an account has one key or two", () => {
  const parse = (secondaryKey: unknown) =>
    parseCredential(
      { kind: "account_key", accountKey: "a", secondaryKey } as never,
      ["account_key"],
      "azure_blob",
    );
  expect(parse(undefined)).toEqual({ kind: "account_key", accountKey: new Secret("a") });
  expect(parse("b")).toMatchObject({ secondaryKey: new Secret("b") });
  expect(() => parse("")).toThrow("needs 'secondaryKey'");
});

test("SAS tokens and JWTs tell their end", () => {
  const ends = (token: string) =>
    credentialExpiry({ kind: "sas", sasToken: new Secret(token) })?.toISOString();
  expect(ends("?sv=1&se=2026-12-31T00%3A00%3A00Z&sig=x")).toBe("2026-12-31T00:00:00.000Z");
  expect(ends("sv=1&se=2026-12-31&sig=x")).toBe("2026-12-31T00:00:00.000Z");
  expect(ends("sv=1&si=policy&sig=x")).toBeUndefined();
  expect(ends("sv=1&se=never&sig=x")).toBeUndefined();
  const token = (text: string) => credentialExpiry({ kind: "access_token", token: new Secret(text) });
  expect(token(`h.${btoa('{"exp":1798675200}')}.s`)?.toISOString()).toBe("2026-12-31T00:00:00.000Z");
  for (const opaque of ["dapi", "a.b.c", "a.bnVsbA.c"]) expect(token(opaque)).toBeUndefined();
});
