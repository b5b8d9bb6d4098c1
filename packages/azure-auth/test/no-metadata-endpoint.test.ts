import { afterEach, expect, test, vi } from "vitest";
import { createTokenCache, tokenCredential } from "../src/index.ts";

// In a file of its own: the SDK settles on one kind of managed identity per process.
afterEach(() => vi.unstubAllEnvs());

test("a machine without a metadata endpoint", async () => {
  vi.stubEnv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1");
  const credential = tokenCredential({ kind: "identity", source: "managed" }, { cache: createTokenCache() });
  await expect(credential.getToken("https://storage.azure.com/.default")).rejects.toMatchObject({
    code: "auth_failed",
    message: "Signing in as the managed identity failed: this machine has no managed identity endpoint.",
    hint: expect.stringContaining("cli, workload, environment"),
  });
});
