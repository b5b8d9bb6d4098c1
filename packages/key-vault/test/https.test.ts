import { startEntra, startKeyVault, trustCertificate, type Entra, type KeyVaultAction } from "@aml/emulator";
import { Secret } from "@aml/core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { keyVault, type KeyVault } from "../src/index.ts";

const APP = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const READER = "0c2a5a0f-2f0c-4b39-9f5e-7d1b0c6b2f11";

let entra: Entra;
let url: string;
let close: () => Promise<void>;
const distrust: (() => void)[] = [];

beforeAll(async () => {
  entra = await startEntra([
    { clientId: APP, secrets: ["app"] },
    { clientId: READER, secrets: ["reader"] },
  ]);
  const reads: readonly KeyVaultAction[] = ["getSecret"];
  const server = await startKeyVault({
    entra,
    mayCall: ({ appid }, action) => appid === APP || reads.includes(action),
  });
  ({ url, close } = server);
  for (const pem of [entra.certificatePem, server.certificatePem ?? ""]) distrust.push(trustCertificate(pem));
});
afterAll(async () => {
  for (const take of distrust.toReversed()) take();
  await close();
  await entra.close();
});
afterEach(() => (entra.requests.length = 0));

function open(clientId: string, clientSecret: string): KeyVault {
  const { tenantId, authorityUrl } = entra;
  return keyVault({
    vaultUrl: url,
    credential: {
      kind: "service_principal",
      tenantId,
      clientId,
      authorityUrl,
      clientSecret: new Secret(clientSecret),
    },
  });
}

test("a service principal signs in once, for Key Vault", async () => {
  const vault = open(APP, "app");
  await vault.set("lake-key", new Secret("one"));
  expect((await vault.get("lake-key")).reveal()).toBe("one");
  expect(entra.requests).toEqual([
    {
      grant: "client_secret",
      clientId: APP,
      scope: expect.stringContaining("https://vault.azure.net/.default"),
    },
  ]);
});

test("who may only read: no writing, and no word of what was deleted", async () => {
  const reader = open(READER, "reader");
  await open(APP, "app").set("a", new Secret("one"));
  expect((await reader.get("a")).reveal()).toBe("one");
  await expect(reader.set("a", new Secret("two"))).rejects.toMatchObject({
    code: "permission_denied",
    message: expect.stringMatching(/^The credential of application .* \(object .*\) may not set secret 'a'/),
    hint: expect.stringMatching(
      /^Grant "Key Vault Secrets Officer" on vault 'localhost' to application \S+ of tenant \S+ \(object \S+\) \(or, /,
    ),
  });
  await open(APP, "app").delete("a");
  await expect(reader.get("a")).rejects.toMatchObject({
    code: "not_found",
    message: "There is no secret 'a' in key vault 'localhost'.",
  });
});

test("a wrong client secret is told by the sign-in", async () => {
  await expect(open(APP, "guess").get("a")).rejects.toMatchObject({
    code: "auth_failed",
    message: expect.stringContaining("the client secret is wrong"),
  });
});
