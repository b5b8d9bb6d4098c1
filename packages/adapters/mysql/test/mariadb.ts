import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createCertificate } from "@aml/emulator";
import { program } from "@aml/kit/needs";
import mysql, { type Connection } from "mysql2";

const server = program("mariadbd");
const installer = program("mariadb-install-db");

/** Why no MariaDB can run here. */
export const lacking: string | undefined =
  server !== undefined && installer !== undefined
    ? undefined
    : "needs mariadbd (apt-get install mariadb-server-core)";

export interface MariaDb {
  readonly port: number;
  /** What a client must trust. */
  readonly certificatePem: string;
  /** Of the account `root`, by the server's socket. */
  readonly admin: Admin;
  /** What is connected as a user. */
  sessions(account: string): Promise<readonly { readonly id: number; readonly command: string }[]>;
  close(): Promise<void>;
}

export type Admin = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** Starts a MariaDB under a temporary folder, with a binary log unless told otherwise; it ends with this process. */
export async function startMariaDb({
  tls = true,
  binaryLog = true,
}: { readonly tls?: boolean; readonly binaryLog?: boolean } = {}): Promise<MariaDb> {
  const folder = await mkdtemp(join(tmpdir(), "aml-mariadb-"));
  const data = join(folder, "data");
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  // A server that starts removes the temporary tables of those that run beside it, if they share a folder for them: the
  // others fail, or die.
  const temporary = join(folder, "tmp");
  await mkdir(temporary);
  const env = { ...process.env, TMPDIR: temporary };
  const install = spawnSync(
    installer ?? "",
    [
      "--no-defaults",
      `--datadir=${data}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
      ...user,
    ],
    { encoding: "utf8", env },
  );
  if (install.status !== 0) throw new Error(`mariadb-install-db failed: ${install.stdout}${install.stderr}`);
  const { certificate, privateKey } = await createCertificate();
  await writeFile(join(folder, "cert.pem"), certificate);
  await writeFile(join(folder, "key.pem"), privateKey, { mode: 0o600 });
  const port = await freePort();
  const socket = join(folder, "s.sock");
  const errorLog = join(folder, "error.log");
  const child = spawn(
    "sh",
    [
      "-c",
      // It ends with us, and so does its folder, however we end: the pipe to the shell's stdin closes.
      'folder=$1; shift; "$@" </dev/null & read -r _; kill -KILL $!; wait; rm -rf "$folder"',
      "sh",
      folder,
      server ?? "",
      "--no-defaults",
      `--datadir=${data}`,
      `--tmpdir=${temporary}`,
      `--socket=${socket}`,
      `--pid-file=${join(folder, "pid")}`,
      `--log-error=${errorLog}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
      ...(binaryLog
        ? [`--log-bin=${join(folder, "log")}`, "--log-bin-trust-function-creators=1"]
        : ["--skip-log-bin"]),
      "--sql-mode=",
      "--max-connections=200",
      "--innodb-flush-log-at-trx-commit=0",
      "--innodb-buffer-pool-size=64M",
      "--innodb-log-file-size=16M",
      `--secure-file-priv=${folder}`,
      ...(tls
        ? [`--ssl-cert=${join(folder, "cert.pem")}`, `--ssl-key=${join(folder, "key.pem")}`]
        : ["--skip-ssl"]),
      ...user,
    ],
    { stdio: ["pipe", "ignore", "ignore"] },
  );
  child.unref();
  (child.stdin as unknown as { unref?(): void }).unref?.();
  const connection = await connected(socket, child);
  // Whoever forgets to close it need not wait for it.
  (connection as unknown as { stream: { unref(): void } }).stream.unref();
  const admin: Admin = (sql) =>
    new Promise((resolve, reject) => {
      connection.query(sql, (error, rows) => {
        if (error) void explained(error, errorLog).then(reject);
        else resolve(Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []);
      });
    });
  return {
    port,
    certificatePem: certificate,
    admin,
    async sessions(account) {
      // Over information_schema.processlist MariaDB 10.11 has died now and then, of what others were doing.
      const all = await admin("SHOW FULL PROCESSLIST");
      return all
        .filter(({ User }) => User === account)
        .map(({ Id, Command }) => ({ id: Number(Id), command: String(Command) }));
    },
    async close() {
      connection.destroy();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

/** An error that ended the connection, with what the server wrote down last: it may have died. */
async function explained(error: mysql.QueryError, errorLog: string): Promise<Error> {
  const closed = error.fatal || error.message.includes("closed state");
  if (!closed) return error;
  const lines = (await readFile(errorLog, "utf8").catch(() => "")).trimEnd().split("\n");
  const died = lines.findLastIndex((line) => line.includes("got signal"));
  const last = died < 0 ? lines.slice(-20) : lines.slice(died, died + 60);
  return new Error(`${error.message} The server's log ends with:\n${last.join("\n")}`, {
    cause: error,
  });
}

async function connected(socketPath: string, child: ChildProcess): Promise<Connection> {
  for (let tries = 0; tries < 4000 && child.exitCode === null; tries += 1) {
    const connection = mysql.createConnection({ socketPath, user: "root", multipleStatements: true });
    const error = await new Promise((resolve) => connection.connect(resolve));
    if (!error) return connection;
    connection.destroy();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`mariadbd did not come up (exit code ${child.exitCode}).`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
