import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ClientSecretCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { BlobServiceClient, StorageSharedKeyCredential, ContainerClient } from "@azure/storage-blob";
import { DataLakeServiceClient } from "@azure/storage-file-datalake";
import { ShareServiceClient } from "@azure/storage-file-share";
import mssql from "mssql";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  startEmulator,
  trustCertificate,
  type Emulator,
  type EmulatorOptions,
  type Fault,
  type RunningStorage,
} from "../src/index.ts";
import { run } from "../src/run.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

let folder: string;
let emulator: Emulator | undefined;
const distrust: (() => void)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-emulator-test-"));
});
afterEach(async () => {
  for (const take of distrust.splice(0)) take();
  await emulator?.close();
  emulator = undefined;
});
afterAll(() => rm(folder, { recursive: true }));

async function start(options: EmulatorOptions): Promise<Emulator> {
  emulator = await startEmulator(options);
  distrust.push(trustCertificate(emulator.certificatePem));
  return emulator;
}

function container({ url, accountName, accountKey, place }: RunningStorage): ContainerClient {
  const key = new StorageSharedKeyCredential(accountName, accountKey);
  return new BlobServiceClient(url, key, { retryOptions: { maxTries: 1 } }).getContainerClient(place);
}

async function readBlob(store: RunningStorage, name: string): Promise<string> {
  return (await container(store).getBlobClient(name).downloadToBuffer()).toString();
}

function identity({ entra }: Emulator): ClientSecretCredential {
  if (!entra) throw new Error("no entra");
  return new ClientSecretCredential(entra.tenantId, entra.clientId, entra.clientSecret, {
    authorityHost: entra.authorityUrl,
    disableInstanceDiscovery: true,
  });
}

describe("all services", () => {
  test("with https, take one identity's tokens, and keep what was written to a folder", async () => {
    // As root, PostgreSQL runs as a user of its own, who has to get in.
    await chmod(folder, 0o711);
    const options: EmulatorOptions = { https: true, data: join(folder, "kept") };
    const running = await start(options);
    const credential = identity(running);
    const { blob, dfs, files, sql, adls1, dbfs } = running;
    const secrets = new SecretClient(running["key-vault"]?.url ?? "", credential, {
      disableChallengeResourceVerification: true,
    });
    await secrets.setSecret("a", "b");

    const blobs = new BlobServiceClient(blob?.url ?? "", credential).getContainerClient("data");
    await blobs.getBlockBlobClient("a.txt").upload("blob", 4);
    expect((await blobs.getBlobClient("a.txt").downloadToBuffer()).toString()).toBe("blob");

    const lake = new DataLakeServiceClient(dfs?.url ?? "", credential).getFileSystemClient("data");
    await lake.getFileClient("folder/a.txt").upload(Buffer.from("lake"));
    expect((await lake.getFileClient("folder/a.txt").readToBuffer()).toString()).toBe("lake");

    const share = new ShareServiceClient(files?.url ?? "", credential, {
      fileRequestIntent: "backup",
    }).getShareClient("data");
    await share.rootDirectoryClient.getFileClient("a.txt").uploadData(Buffer.from("file"));
    expect((await share.rootDirectoryClient.getFileClient("a.txt").downloadToBuffer()).toString()).toBe(
      "file",
    );

    const { token } = await credential.getToken("https://datalake.azure.net//.default");
    const root = await fetch(`${adls1?.url}/webhdfs/v1/?op=LISTSTATUS`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await root.json()).toEqual({ FileStatuses: { FileStatus: [] } });

    const databricks = await credential.getToken("2ff814a6-3304-4ab8-85cd-cd0e6f879c1d/.default");
    for (const bearer of [databricks.token, dbfs?.token]) {
      const list = await fetch(`${dbfs?.url}/api/2.0/fs/directories${dbfs?.volume}`, {
        headers: { authorization: `Bearer ${bearer}` },
      });
      expect(list.status).toBe(200);
    }

    const access = await credential.getToken("https://database.windows.net//.default");
    const pool = await new mssql.ConnectionPool({
      server: sql?.host ?? "",
      port: sql?.port ?? 0,
      database: sql?.database ?? "",
      options: { encrypt: true, trustServerCertificate: true },
      authentication: { type: "azure-active-directory-access-token", options: { token: access.token } },
    }).connect();
    expect((await pool.query("select 1 as one")).recordset).toEqual([{ one: 1 }]);
    await pool.close();
    const ask = async ({ sql: there }: Emulator, statement: string): Promise<unknown> => {
      const own = await new mssql.ConnectionPool({
        server: "127.0.0.1",
        port: there?.port ?? 0,
        user: there?.username ?? "",
        password: there?.password ?? "",
        database: there?.database ?? "",
        options: { trustServerCertificate: true },
      }).connect();
      const { recordset } = await own.request().query<unknown>(statement);
      await own.close();
      return recordset;
    };
    await ask(running, "create table dbo.trips (id int, city nvarchar(20))");
    await ask(running, "insert into dbo.trips values (1, N'Århus')");
    await running.close();

    const again = await start(options);
    expect(again.certificatePem).toBe(running.certificatePem);
    expect(await readBlob(again.blob as RunningStorage, "a.txt")).toBe("blob");
    expect(await readBlob(again.dfs as RunningStorage, "folder/a.txt")).toBe("lake");
    const kept = ShareServiceClient.fromConnectionString(again.files?.connectionString ?? "")
      .getShareClient("data")
      .rootDirectoryClient.getFileClient("a.txt");
    expect((await kept.downloadToBuffer()).toString()).toBe("file");
    expect(await ask(again, "select id, city from dbo.trips")).toEqual([{ id: 1, city: "Århus" }]);
  });
});

describe("some services", () => {
  test("no others, but Entra for those that sign in", async () => {
    const files = await start({ services: ["files"] });
    expect(Object.keys(files).filter((key) => typeof files[key as keyof Emulator] === "object")).toEqual([
      "files",
    ]);
    await files.close();
    const vault = await start({ services: ["key-vault"] });
    expect(vault.entra?.tenantId).toMatch(/^[0-9a-f-]{36}$/);
    await vault.close();
    await vault.close();
  });

  test.runIf(process.getuid?.() === 0)("a folder that PostgreSQL's user may not enter", async () => {
    await chmod(folder, 0o700);
    const starting = startEmulator({ services: ["sql"], data: join(folder, "closed") });
    await expect(starting).rejects.toThrow(`may not enter ${folder}`);
  });

  test("a folder is for one emulator; one that died does not keep it", async () => {
    const data = join(folder, "shared");
    const first = await start({ services: ["dbfs"], data });
    await expect(startEmulator({ services: ["files"], data })).rejects.toThrow(
      `${data} is in use by another emulator, process ${process.pid}.`,
    );
    await first.close();
    await writeFile(join(data, "emulator.pid"), "999999999");
    await start({ services: ["files"], data });
  });

  test("faults are for the services that they name, Azurite too", async () => {
    const faults: readonly Fault[] = [
      { service: "blob", match: { method: "GET" }, call: 1, does: "status", status: 503 },
      { service: "entra", does: "status", status: 503 },
    ];
    const { blob, files, entra } = await start({ services: ["blob", "files", "entra"], faults });
    const one = container(blob as RunningStorage).getBlockBlobClient("ü/a b.txt");
    const bytes = Buffer.alloc(3_000_000, 7);
    await one.uploadData(bytes, { blobHTTPHeaders: { blobContentEncoding: "gzip" } });
    await expect(one.downloadToBuffer()).rejects.toMatchObject({ statusCode: 503, code: "ServerBusy" });
    expect((await one.downloadToBuffer()).equals(bytes)).toBe(true);
    expect((await one.getProperties()).contentLength).toBe(3_000_000);
    const metadata = await fetch(
      `${entra?.authorityUrl}/${entra?.tenantId}/v2.0/.well-known/openid-configuration`,
    );
    expect(metadata.status).toBe(503);
    const shares = ShareServiceClient.fromConnectionString(files?.connectionString ?? "");
    expect((await shares.getShareClient("data").getProperties()).quota).toBeGreaterThan(0);
  });

  test.each([
    [{ services: ["files", "tape" as never] }, 'There is no service "tape"; there are blob, dfs,'],
    [{ faults: [{ service: "filse", does: "reset" }] }, 'There is no service "filse"'],
    [{ faults: [{ service: "sql", does: "reset" }] }, "Faults of sql are no answers"],
    [{ faults: [{ does: "explode" as never }] }, '"does" must be one of'],
  ] satisfies [EmulatorOptions, string][])("%j is refused", async (options, message) => {
    await expect(startEmulator(options)).rejects.toThrow(message);
  });

  test("a port that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    // Files is the third.
    await expect(startEmulator({ services: ["files"], portBase: port - 2 })).rejects.toThrow(
      `Port ${port} is taken, which files needs: choose others with --port-base.`,
    );
    await expect(startEmulator({ services: ["blob"], portBase: port })).rejects.toThrow(
      `Port ${port} is taken`,
    );
    taken.close();
  });
});

describe("the command", () => {
  const running: ChildProcess[] = [];
  afterEach(() => {
    for (const child of running.splice(0)) child.kill("SIGKILL");
  });

  function command(...args: readonly string[]) {
    const child = spawn(process.execPath, ["--conditions=@aml/source", MAIN, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.push(child);
    let out = "";
    let err = "";
    child.stdout.on("data", (text) => (out += String(text)));
    child.stderr.on("data", (text) => (err += String(text)));
    const ended = once(child, "close").then(([code]) => ({ code: code as number, out, err }));
    const printed = async (end: string): Promise<string> => {
      await expect.poll(() => out, { timeout: 60_000 }).toContain(end);
      return out;
    };
    return { child, ended, printed };
  }

  /** In this process: the same code from the first argument on. */
  async function ran(...args: readonly string[]) {
    let out = "";
    let err = "";
    const output = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
    return { code: await run(args, output, new AbortController().signal), out, err };
  }

  test("starts, prints one line of JSON, and ends cleanly when it is interrupted", async () => {
    const { child, ended, printed } = command("--only", "key-vault,files", "--json", "--port-base", "23310");
    const report = JSON.parse(await printed("}\n")) as {
      files: RunningStorage;
      certificateFile: string;
      entra: { authorityUrl: string };
    };
    expect(report).toMatchObject({
      files: { url: "http://127.0.0.1:23312/devstoreaccount1", place: "data" },
      "key-vault": { url: "https://localhost:23315" },
      entra: { authorityUrl: "https://localhost:23316", imdsUrl: "http://127.0.0.1:23318" },
    });
    expect(await readFile(report.certificateFile, "utf8")).toContain("BEGIN CERTIFICATE");
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 0, err: "" });
    expect(existsSync(report.certificateFile)).toBe(false);
  });

  test("prints datastores to paste", async () => {
    const { child, ended, printed } = command("--only", "files,dbfs", "--port-base", "23330");
    const text = await printed("Ctrl-C ends it.");
    expect(text).toContain(`---
$schema: https://azuremlschemas.azureedge.net/latest/azureFile.schema.json
name: emulated_files
type: azure_file
account_name: devstoreaccount1
file_share_name: data
endpoint: http://127.0.0.1:23332/devstoreaccount1
credentials:
  account_key: "Eby8`);
    expect(text).toContain("token: dapi-emulator-token");
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  test("says what is wrong, in one line", async () => {
    const file = join(folder, "faults.json");
    await writeFile(file, '[{"does":"status"}]');
    expect(await command("--faults", file).ended).toEqual({
      code: 1,
      out: "",
      err: `error: ${file}, fault 1: "status" must be a whole number from 200 to 599.\n`,
    });
    expect(await ran("--faults", join(folder, "none"))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: .*none cannot be read: ENOENT.*\n$/),
    });
    expect(await ran("--only", "tape")).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no service "tape".'),
    });
    expect(await ran("--port-base", "70000")).toMatchObject({ code: 2 });
  });

  test("help and version", async () => {
    const { code, out } = await ran("--help");
    expect(code).toBe(0);
    expect(out).toContain("npx @aml/emulator --only blob,files --data ./emulated");
    expect((await command("--version").ended).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
