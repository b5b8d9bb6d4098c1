import net, { type AddressInfo, type Socket } from "node:net";
import tls from "node:tls";
import type { ClientConfig } from "pg";
import { createCertificate, type LocalCertificate } from "../certificate.ts";
import type { PgServer } from "./connect-pg.ts";
import { startPostgres } from "./start-postgres.ts";
import { serveConnection, type FrontOptions, type Interrupts } from "./serve-connection.ts";
import type { VerifyToken } from "./sign-in.ts";
import { createTdsFaults, type TdsFault } from "./tds-faults.ts";
import { createTransport } from "./transport.ts";

export interface AzureSqlOptions {
  /** A free one unless given. */
  readonly port?: number | undefined;
  /** Passwords by login name; `{ sa: "Passw0rd!" }` unless given. */
  readonly logins?: Readonly<Record<string, string>> | undefined;
  /** Databases to create; `["app"]` unless given. `master` is always there. */
  readonly databases?: readonly string[] | undefined;
  /** Judges tokens of Entra ID (audience `https://database.windows.net/`); they are refused unless given. */
  readonly verifyToken?: VerifyToken | undefined;
  /** Told to clients that ask where to sign in. */
  readonly authorityUrl?: string | undefined;
  /** `required`: clients that do not encrypt are refused, as Azure does; `none`: the server knows no TLS. */
  readonly encryption?: "optional" | "required" | "none" | undefined;
  readonly certificate?: LocalCertificate | undefined;
  /** Keeps the databases in this folder, from one start to the next; in a temporary one unless given. */
  readonly folder?: string | undefined;
  /** A PostgreSQL to use, as superuser, instead of a fresh one: the schemas `dbo` and `sys` are made in its databases. */
  readonly postgresUrl?: string | undefined;
  readonly faults?: readonly TdsFault[] | undefined;
}

export interface AzureSql extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What a client must trust; see `trustCertificate`. */
  readonly certificatePem: string;
  /** Of the PostgreSQL behind it, as superuser: the back door of tests. Its password is made up. */
  readonly postgresUrl: string;
  /** Connections that clients hold now. */
  readonly connections: number;
  /** Replaces the fault script. */
  setFaults(script: readonly TdsFault[]): void;
  /** Breaks all connections, as a server does that dies. */
  disconnectAll(): void;
  close(): Promise<void>;
}

/**
 * Starts a TDS server with a small dialect of T-SQL over PostgreSQL, on the loopback interface: for clients of Azure
 * SQL and SQL Server. TDS 7.3 and 7.4, plain or with TLS inside; TDS 8.0 (`encrypt: "strict"`).
 *
 * It is no SQL Server: `docs/azure-sql-emulator.md` has the dialect. The server does not keep its process alive.
 */
export async function startAzureSql(options: AzureSqlOptions = {}): Promise<AzureSql> {
  const certificate = options.certificate ?? (await createCertificate());
  const postgres =
    options.postgresUrl === undefined
      ? await startPostgres(options.folder)
      : { url: options.postgresUrl, stop: async () => undefined };
  try {
    const pgServer = await openPgServer(postgres.url, options.databases ?? ["app"]);
    const faults = createTdsFaults(options.faults);
    const front: FrontOptions = {
      pg: pgServer,
      faults,
      logins: options.logins ?? { sa: "Passw0rd!" },
      verifyToken: options.verifyToken,
      authorityUrl: options.authorityUrl,
      encryption: options.encryption ?? "optional",
    };
    const { server, sockets } = listenFor(front, certificate);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    server.unref();
    const disconnectAll = (): void => {
      for (const socket of sockets) socket.destroy();
    };
    const close = async (): Promise<void> => {
      const closed = new Promise((resolve) => server.close(resolve));
      disconnectAll();
      await closed;
      await endPgServer(pgServer);
      await postgres.stop();
    };
    return {
      host: "127.0.0.1",
      port: (server.address() as AddressInfo).port,
      certificatePem: certificate.certificate,
      postgresUrl: postgres.url,
      get connections() {
        return sockets.size;
      },
      setFaults: (script) => faults.set(script),
      disconnectAll,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** A TLS record of a handshake: TDS 8.0 begins with one. */
const TLS_HANDSHAKE = 0x16;

function listenFor(
  front: FrontOptions,
  certificate: LocalCertificate,
): { server: net.Server; sockets: Set<Socket> } {
  const secureContext = tls.createSecureContext({
    cert: certificate.certificate,
    key: certificate.privateKey,
  });
  const sockets = new Set<Socket>();
  const start = (socket: Socket, strict: boolean): void => {
    const interrupts: Interrupts = { onAttention: () => undefined, onClose: () => undefined };
    const transport = createTransport(socket, {
      secureContext,
      onAttention: () => interrupts.onAttention(),
      onClose: () => interrupts.onClose(),
    });
    void serveConnection(transport, strict, interrupts, front);
  };
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.unref();
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.once("readable", () => {
      const first = socket.read() as Buffer | null;
      if (!first) return void socket.destroy();
      socket.unshift(first);
      if (first[0] !== TLS_HANDSHAKE) return start(socket, false);
      const secure = new tls.TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ["tds/8.0"] });
      secure.on("error", () => socket.destroy());
      start(secure, true);
    });
  });
  return { server, sockets };
}

async function openPgServer(url: string, databases: readonly string[]): Promise<PgServer> {
  const { default: pg } = await import("pg");
  const config: ClientConfig = { connectionString: url };
  const defaultDatabase = decodeURIComponent(new URL(url).pathname.slice(1)) || "postgres";
  const admin = new pg.Pool({ ...config, max: 2, idleTimeoutMillis: 0, allowExitOnIdle: true });
  admin.on("error", () => undefined);
  const { rows } = await admin.query<{ name: string }>("select datname as name from pg_catalog.pg_database");
  const there = new Set(rows.map(({ name }) => name));
  for (const name of databases) {
    if (!there.has(name)) await admin.query(`create database "${name.replaceAll('"', '""')}"`);
  }
  return { config: withoutDatabase(url), defaultDatabase, admin, catalogs: new Map() };
}

/** pg lets a database in the URL win over the one beside it. */
function withoutDatabase(url: string): ClientConfig {
  const { hostname, port, username, password } = new URL(url);
  return {
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

async function endPgServer({ admin, catalogs }: PgServer): Promise<void> {
  for (const catalog of catalogs.values()) await (await catalog).pool.end();
  await admin.end();
}
