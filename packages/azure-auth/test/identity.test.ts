import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { trustCertificate } from "@aml/emulator";
import { startEntra, type Entra } from "@aml/emulator";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTokenCache, tokenCredential, type TokenCache, type TokenSource } from "../src/index.ts";

const SCOPE = "https://storage.azure.com/.default";
const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const SUBJECT = "system:serviceaccount:default:trainer";

let entra: Entra;
let folder: string;
let distrust: () => void;
let cache: TokenCache;

beforeAll(async () => {
  entra = await startEntra([{ clientId: CLIENT, secrets: ["s3cret-71"], federatedSubject: SUBJECT }]);
  distrust = trustCertificate(entra.certificatePem);
  folder = await mkdtemp(join(tmpdir(), "aml-identity-"));
});
afterAll(async () => {
  distrust();
  await entra.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  cache = createTokenCache();
  entra.requests.length = 0;
});
afterEach(() => {
  entra.failWith = undefined;
  vi.unstubAllEnvs();
});

function getToken(source: Omit<Extract<TokenSource, { kind: "identity" }>, "kind">) {
  return tokenCredential({ kind: "identity", ...source }, { cache }).getToken(SCOPE);
}

async function mount(subject: string): Promise<void> {
  const file = join(folder, "token");
  await writeFile(file, await entra.federatedToken(subject));
  vi.stubEnv("AZURE_TENANT_ID", entra.tenantId);
  vi.stubEnv("AZURE_FEDERATED_TOKEN_FILE", file);
  vi.stubEnv("AZURE_AUTHORITY_HOST", entra.authorityUrl);
}

/** Puts an `az` of ours first on PATH. */
async function stubCli(script: string): Promise<void> {
  const file = join(folder, "az");
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env["PATH"]}`);
}

describe("workload", () => {
  test("exchanges the mounted token", async () => {
    await mount(SUBJECT);
    await getToken({ source: "workload", clientId: CLIENT });
    expect(entra.requests).toMatchObject([{ grant: "client_assertion", clientId: CLIENT }]);
  });

  test("another service account is refused", async () => {
    await mount("system:serviceaccount:default:other");
    await expect(getToken({ source: "workload", clientId: CLIENT })).rejects.toMatchObject({
      code: "auth_failed",
      hint: expect.stringContaining("federated credential"),
    });
  });

  test("elsewhere there is none", async () => {
    await expect(getToken({ source: "workload" })).rejects.toMatchObject({
      code: "auth_failed",
      hint: expect.stringContaining("AZURE_FEDERATED_TOKEN_FILE"),
    });
  });
});

describe("environment", () => {
  test("takes the usual variables", async () => {
    vi.stubEnv("AZURE_TENANT_ID", entra.tenantId);
    vi.stubEnv("AZURE_CLIENT_ID", CLIENT);
    vi.stubEnv("AZURE_CLIENT_SECRET", "s3cret-71");
    vi.stubEnv("AZURE_AUTHORITY_HOST", entra.authorityUrl);
    await getToken({ source: "environment" });
    await getToken({ source: "default" });
    expect(entra.requests).toMatchObject([{ grant: "client_secret" }, { grant: "client_secret" }]);
  });

  test("without them says which are missing", async () => {
    await expect(getToken({ source: "environment" })).rejects.toMatchObject({
      code: "auth_failed",
      hint: expect.stringContaining("AZURE_CLIENT_SECRET"),
    });
  });
});

describe("cli", () => {
  test("asks the CLI once", async () => {
    await stubCli(
      `echo x >> ${folder}/calls; echo '{"accessToken":"from-cli","expires_on":4070908800,"expiresOn":"2099-01-01 00:00:00.000000","tokenType":"Bearer"}'`,
    );
    const tokens = await Promise.all([1, 2, 3].map(() => getToken({ source: "cli" })));
    expect(tokens.map(({ token }) => token)).toEqual(["from-cli", "from-cli", "from-cli"]);
    expect(tokens[0]?.expiresOnTimestamp).toBe(4_070_908_800_000);
  });

  test("signed out: run az login", async () => {
    await stubCli(`echo "Please run 'az login' to setup account." >&2; exit 1`);
    await expect(getToken({ source: "cli" })).rejects.toMatchObject({
      code: "auth_failed",
      hint: "Run: az login",
    });
  });

  test("not installed", async () => {
    vi.stubEnv("PATH", folder + "/none");
    await expect(getToken({ source: "cli" })).rejects.toMatchObject({
      code: "auth_failed",
      hint: expect.stringContaining("aka.ms/azure-cli"),
    });
  });
});

describe("managed, on App Service", () => {
  beforeEach(() => {
    vi.stubEnv("IDENTITY_ENDPOINT", entra.appService.endpoint);
    vi.stubEnv("IDENTITY_HEADER", entra.appService.header);
  });

  test("an unknown identity", async () => {
    await expect(getToken({ source: "managed", clientId: "nobody" })).rejects.toMatchObject({
      code: "auth_failed",
      hint: expect.stringContaining("Assign the user-assigned identity"),
    });
  });

  test("an endpoint that is busy, then broken", async () => {
    entra.failWith = 429;
    await expect(getToken({ source: "managed" })).rejects.toMatchObject({ code: "rate_limited" });
    entra.failWith = 500;
    await expect(getToken({ source: "managed" })).rejects.toMatchObject({ code: "unavailable" });
  });

  test("asks for the resource, with the client ID of a user-assigned identity", async () => {
    await getToken({ source: "managed" });
    await getToken({ source: "managed", clientId: CLIENT });
    expect(entra.requests).toEqual([
      { grant: "app_service", clientId: undefined, scope: "https://storage.azure.com" },
      { grant: "app_service", clientId: CLIENT, scope: "https://storage.azure.com" },
    ]);
  });
});
