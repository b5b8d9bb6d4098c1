import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adlsGen1 } from "@aml/adls-gen1";
import { createAdlsGen1, serve, startEntra, trustCertificate, type Entra } from "@aml/emulator";
import { openWorkspace, type DoctorReport, type FolderWorkspace } from "@aml/workspace";
import { afterAll, beforeAll, expect, test } from "vitest";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const SECRET = "secret-canary-5d1f0c77";

let folder: string;
let workspace: FolderWorkspace;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-doctor-adls-gen1-"));
  await mkdir(join(folder, ".aml"), { recursive: true });
  await writeFile(join(folder, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
  workspace = await openWorkspace({ folder, adapters: [adlsGen1] });
});
afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const broken = ({ hops }: DoctorReport): unknown => hops.find(({ status }) => status === "failed");
const statuses = ({ hops }: DoctorReport): string =>
  hops.map(({ name, status }) => `${name} ${status}`).join(", ");

let entra: Entra;
let server: Awaited<ReturnType<typeof serve>>;
let mayAccess: (operation: string) => boolean = () => true;
const cleanUp: (() => unknown)[] = [];
beforeAll(async () => {
  entra = await startEntra([{ clientId: CLIENT, secrets: [SECRET] }]);
  const emulator = createAdlsGen1({
    verify: entra.verify,
    mayAccess: ({ operation }) => mayAccess(operation),
  });
  server = await serve(emulator.service);
  cleanUp.push(
    () => entra.close(),
    () => emulator.close(),
    () => server.close(),
    trustCertificate(entra.certificatePem),
  );
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

async function examine({
  endpoint = server.url,
  clientSecret = SECRET,
  ...more
} = {}): Promise<DoctorReport> {
  const { tenantId, authorityUrl } = entra;
  await workspace.datastores.register(
    {
      name: "old",
      type: "azure_data_lake_gen1",
      options: { storeName: "contoso", endpoint },
      credential: {
        kind: "service_principal",
        tenantId,
        authorityUrl,
        clientId: CLIENT,
        clientSecret,
        ...more,
      },
    },
    { overwrite: true, skipValidation: true },
  );
  const report = await workspace.doctor("old", { timeoutMs: 5000 });
  expect(JSON.stringify(report)).not.toContain(clientSecret);
  return report;
}

test("a store that is well", async () => {
  const report = await examine();
  expect(report.ok).toBe(true);
  expect(statuses(report)).toContain("credential ok, firewall ok, sign_in ok, store ok");
});

test("broken at each hop", async () => {
  expect(broken(await examine({ endpoint: `http://127.0.0.1:${await freePort()}` }))).toMatchObject({
    name: "tcp",
    code: "unavailable",
  });
  expect(broken(await examine({ clientSecret: "wrong-canary-90210" }))).toMatchObject({
    name: "credential",
    code: "auth_failed",
  });
  mayAccess = (operation) => operation !== "LISTSTATUS";
  expect(broken(await examine())).toMatchObject({
    code: "permission_denied",
    hint: expect.stringMatching(
      `to application ${CLIENT} of tenant ${entra.tenantId} \\(object [\\w-]+\\): r-x on /\\.$`,
    ),
  });
  mayAccess = () => true;
});
