import { startEntra, type Entra } from "@aml/emulator";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { createTokenCache, tokenCredential } from "../src/index.ts";

// In a file of its own: the SDK settles on one kind of managed identity per process.
const SCOPE = "https://storage.azure.com/.default";
let entra: Entra;

beforeAll(async () => {
  entra = await startEntra([]);
});
afterAll(() => entra.close());
afterEach(() => {
  entra.failWith = undefined;
  vi.unstubAllEnvs();
});

function credential() {
  return tokenCredential({ kind: "identity", source: "managed" }, { cache: createTokenCache() });
}

test("an endpoint that is being set up, then works", async () => {
  vi.stubEnv("AZURE_POD_IDENTITY_AUTHORITY_HOST", entra.imdsUrl);
  // The SDK keeps a token for the process, so the failure comes first.
  entra.failWith = 410;
  await expect(credential().getToken(SCOPE)).rejects.toMatchObject({ code: "unavailable" });
  entra.failWith = undefined;
  expect((await credential().getToken(SCOPE)).token).toMatch(/^ey/);
  expect(entra.requests).toEqual([
    { grant: "imds", clientId: undefined, scope: "https://storage.azure.com" },
    { grant: "imds", clientId: undefined, scope: "https://storage.azure.com" },
  ]);
});
