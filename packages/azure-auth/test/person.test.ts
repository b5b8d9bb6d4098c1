import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SignInPrompt } from "@aml/core/adapter";
import { AZURE_CLI_CLIENT_ID, startEntra, trustCertificate, type Entra } from "@aml/emulator";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { signedIn, tokenCredential, type TokenSource } from "../src/index.ts";

const SCOPE = "https://storage.azure.com/.default";
const ADA = "ada@contoso.com";

let entra: Entra;
let folder: string;
let distrust: () => void;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-person-"));
});
afterAll(() => rm(folder, { recursive: true }));
// People are kept by authority, so each test has its own.
beforeEach(async () => {
  entra = await startEntra({ users: [{ username: ADA }], deviceCodeInterval: 0.02 });
  distrust = trustCertificate(entra.certificatePem);
  vi.stubEnv("AZURE_AUTHORITY_HOST", entra.authorityUrl);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  distrust();
  await entra.close();
});

const person = (source: "browser" | "device_code"): TokenSource => ({
  kind: "identity",
  source,
  tenantId: entra.tenantId,
});

test("a device code is shown once; after that tokens come without the person", async () => {
  const prompts: SignInPrompt[] = [];
  const onSignIn = (prompt: SignInPrompt): void => {
    prompts.push(prompt);
    entra.answerDevice(prompt.code, { username: ADA });
  };
  const found = await signedIn(person("device_code"), SCOPE, { onSignIn });
  expect(found?.scope).toBe(SCOPE);
  expect(prompts).toEqual([
    {
      source: "device_code",
      url: `${entra.authorityUrl}/common/oauth2/deviceauth`,
      code: expect.any(String),
    },
  ]);
  // An adapter knows of no prompt.
  const credential = tokenCredential(person("device_code"));
  await credential.getToken(SCOPE);
  await credential.getToken("https://vault.azure.net/.default");
  expect(prompts).toHaveLength(1);
  expect(entra.requests.map(({ grant }) => grant).filter((grant) => grant !== "device_code")).toEqual([
    "refresh_token",
  ]);
  expect(credential.who()).toMatch(
    /^ada@contoso\.com \(object [\w-]+\), signed in with the device_code identity$/,
  );
});

test.each([
  ["declined", /the person declined/],
  ["nobody", /nobody to show the code to/],
])("%s is auth_failed", async (what, message) => {
  const onSignIn =
    what === "nobody" ? undefined : ({ code }: SignInPrompt) => void entra.answerDevice(code, "declined");
  await expect(signedIn(person("device_code"), SCOPE, { onSignIn })).rejects.toMatchObject({
    code: "auth_failed",
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/\w/),
  });
});

test("an abort ends the wait for the person", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const onSignIn = (): void => controller.abort(reason);
  await expect(signedIn(person("device_code"), SCOPE, { onSignIn, signal: controller.signal })).rejects.toBe(
    reason,
  );
});

test.skipIf(process.platform !== "linux")(
  "the browser is opened and comes back (elsewhere than on Linux there is no way to put another in its place)",
  async () => {
    // What a desktop's xdg-open starts; ours sends the page's form back as a browser would.
    const browser = join(folder, "browser");
    const log = join(folder, "opened");
    await writeFile(
      browser,
      `#!${process.execPath}
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
require("node:fs").writeFileSync(${JSON.stringify(log)}, process.argv[2]);
(async () => {
  const page = await (await fetch(process.argv[2])).text();
  const fields = [...page.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map((found) => found.slice(1));
  await fetch(/action="([^"]+)"/.exec(page)[1], { method: "POST", body: new URLSearchParams(fields) });
})();
`,
    );
    await chmod(browser, 0o755);
    for (const desktop of ["XDG_CURRENT_DESKTOP", "DESKTOP_SESSION", "DISPLAY", "WAYLAND_DISPLAY"]) {
      vi.stubEnv(desktop, "");
    }
    vi.stubEnv("BROWSER", browser);
    const credential = tokenCredential(person("browser"));
    await credential.getToken(SCOPE);
    const opened = new URL(await readFile(log, "utf8"));
    expect(opened.searchParams.get("client_id")).toBe(AZURE_CLI_CLIENT_ID);
    expect(credential.who()).toMatch(
      /^ada@contoso\.com \(object [\w-]+\), signed in with the browser identity$/,
    );
    await credential.getToken("https://vault.azure.net/.default");
    expect(entra.requests.map(({ grant }) => grant)).toEqual(["authorization_code", "refresh_token"]);
  },
);

test("names an application with the object that grants are made to", async () => {
  const clientId = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
  const token = `h.${btoa(JSON.stringify({ oid: "o-1", appid: clientId }))}.s`;
  const tokenProvider = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 60_000 }) };
  const given = tokenCredential({ kind: "identity" }, { tokenProvider });
  expect(given.who()).toBe("the identity of the given token");
  await given.getToken(SCOPE);
  expect(given.who()).toBe(`application ${clientId} (object o-1)`);
  expect(tokenCredential({ kind: "identity", source: "managed", clientId }).who()).toBe(
    `the managed identity ${clientId}`,
  );
});
