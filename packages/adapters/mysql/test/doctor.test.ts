import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mysql } from "@aml/mysql";
import { openWorkspace, type DoctorReport, type FolderWorkspace } from "@aml/workspace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking, type MariaDb } from "./mariadb.ts";
import { sharedMariaDb, sharedPlainMariaDb } from "./suite.ts";

const PASSWORD = "pw-canary-5d1f0c77";

let folder: string;
let workspace: FolderWorkspace;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-doctor-mysql-"));
  await mkdir(join(folder, ".aml"), { recursive: true });
  await writeFile(join(folder, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
  workspace = await openWorkspace({ folder, adapters: [mysql] });
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
const WELL =
  "record ok, secret ok, name skipped, tcp ok, tls skipped, clock skipped, credential ok, firewall ok, sign_in ok, " +
  "store ok, rights skipped, list skipped, read skipped, write skipped";
const statuses = ({ hops }: DoctorReport): string =>
  hops.map(({ name, status }) => `${name} ${status}`).join(", ");

const reason = lacking === undefined ? "" : ` (${lacking})`;
describe.skipIf(lacking !== undefined)(`the doctor, at a MariaDB${reason}`, () => {
  let server: MariaDb;
  let plain: MariaDb;
  beforeAll(async () => {
    server = await sharedMariaDb();
    plain = await sharedPlainMariaDb();
    for (const { admin } of [server, plain]) {
      await admin(
        `CREATE OR REPLACE DATABASE shop; CREATE OR REPLACE USER ada@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';` +
          "GRANT ALL ON shop.* TO ada@'127.0.0.1'; GRANT SELECT ON *.* TO ada@'127.0.0.1'",
      );
    }
  });
  async function examine(options: object = {}, password = PASSWORD): Promise<DoctorReport> {
    const { port, certificatePem: ca } = server;
    await workspace.datastores.register(
      {
        name: "shop",
        type: "mysql",
        options: { server: "127.0.0.1", port, database: "shop", ca, ...options },
        credential: { kind: "password", username: "ada", password },
      },
      { overwrite: true, skipValidation: true },
    );
    const report = await workspace.doctor("shop", { timeoutMs: 5000 });
    expect(JSON.stringify(report)).not.toContain(password);
    return report;
  }

  test("a database that is well", async () => {
    const report = await examine();
    expect(statuses(report)).toBe(WELL);
    expect(report.ok).toBe(true);
  });

  test("broken at each hop", async () => {
    expect(broken(await examine({ port: await freePort() }))).toMatchObject({
      name: "tcp",
      code: "unavailable",
    });
    expect(broken(await examine({}, "wrong-canary-90210"))).toMatchObject({
      name: "sign_in",
      code: "auth_failed",
    });
    expect(broken(await examine({ database: "nothing" }))).toMatchObject({
      name: "store",
      code: "not_found",
      message: expect.stringContaining("nothing"),
    });
    expect(broken(await examine({ port: plain.port }))).toMatchObject({
      name: "sign_in",
      message: expect.stringContaining("offers no TLS"),
    });
  });
});
