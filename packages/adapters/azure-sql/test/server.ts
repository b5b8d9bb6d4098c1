import { startAzureSql, type AzureSql } from "@aml/emulator";
import net from "node:net";
import pg from "pg";

/** A server of this process's own. */
export interface Server {
  readonly tds: AzureSql;
  /** The PostgreSQL behind it, in the database of the tests. */
  readonly admin: pg.Pool;
}

let running: Promise<Server> | undefined;
let plain: Promise<AzureSql> | undefined;

/** Takes the token of the day. */
export const tokens = { day: 1, current: (): string => `token-of-day-${tokens.day}` };

/** The server of this process. It ends with it. */
export function sharedServer(password: string): Promise<Server> {
  running ??= start(password);
  return running;
}

/** One that knows no TLS, over the same PostgreSQL. */
export async function plainServer(password: string): Promise<AzureSql> {
  const { tds } = await sharedServer(password);
  plain ??= startAzureSql({
    logins: { ada: password },
    databases: ["shop"],
    encryption: "none",
    postgresUrl: tds.postgresUrl,
  });
  return plain;
}

const TABLES = `
  CREATE TABLE dbo.ledger (id int PRIMARY KEY, note text);
  INSERT INTO dbo.ledger VALUES (1, 'one'), (2, 'two');
  CREATE SEQUENCE dbo.numbers;
`;

async function start(password: string): Promise<Server> {
  const tds = await startAzureSql({
    logins: { ada: password },
    databases: ["shop"],
    encryption: "required",
    verifyToken: async (token) => (token === tokens.current() ? { name: "ada@contoso" } : undefined),
  });
  const url = new URL(tds.postgresUrl);
  url.pathname = "/shop";
  const admin = new pg.Pool({
    connectionString: url.href,
    max: 2,
    application_name: "test",
    allowExitOnIdle: true,
  });
  admin.on("error", () => undefined);
  await admin.query(`CREATE SCHEMA IF NOT EXISTS dbo; ${TABLES}`);
  return { tds, admin };
}

/** A way to the server that counts what comes back, and can be cut. */
export interface Meter {
  readonly port: number;
  received(): number;
  cut(): void;
  close(): void;
}

export async function startMeter(to: number): Promise<Meter> {
  let bytes = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect({ host: "127.0.0.1", port: to });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.unref();
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.on("data", (chunk) => (bytes += chunk.length));
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, "127.0.0.1").unref();
  await new Promise((resolve) => server.once("listening", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as net.AddressInfo).port,
    received: () => bytes,
    cut,
    close() {
      server.close();
      cut();
    },
  };
}
