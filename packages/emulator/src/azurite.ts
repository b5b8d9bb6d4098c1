import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { createCertificate, type LocalCertificate } from "./certificate.ts";
import { EmulatorError } from "./emulator-error.ts";

export interface AzuriteOptions {
  /** A free one unless given. */
  readonly port?: number | undefined;
  /** Serve https: `true` for a fresh self-signed certificate of `localhost` and `127.0.0.1`. */
  readonly https?: boolean | LocalCertificate | undefined;
  /** Accept Entra ID tokens too (their issuer, audience and lifetime are checked); implies `https`. */
  readonly oauth?: boolean;
  /** What the blobs may take, in MB (1024). Blobs in a folder are not limited. */
  readonly memoryLimit?: number;
  /** Keeps the blobs in this folder, from one start to the next. In memory unless given. */
  readonly folder?: string | undefined;
  /** The account's one or two keys, base64; the documented one unless given. */
  readonly accountKeys?: readonly string[] | undefined;
}

export interface Azurite extends AsyncDisposable {
  readonly accountName: string;
  readonly accountKey: string;
  /** `http(s)://127.0.0.1:PORT/devstoreaccount1` */
  readonly endpoint: string;
  readonly connectionString: string;
  /** What a client must trust, with `https`; see `trustCertificate`. */
  readonly certificatePem?: string;
  close(): Promise<void>;
}

/** Azure keeps idle connections for minutes. Azurite's own five seconds break requests on connections that just go. */
const KEPT_ALIVE_SECONDS = 600;

const ACCOUNT = "devstoreaccount1";
// The key that every copy of Azurite has, as its documentation prints it.
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

// The child ends with its parent, however that one dies: the pipe to its stdin closes.
const END_WITH_PARENT = `data:text/javascript,${encodeURIComponent(
  'process.stdin.resume().once("end",()=>process.exit()).once("error",()=>process.exit());' +
    // Azurite would wait for connections that are kept alive, and the process for this very pipe.
    'process.once("SIGTERM",()=>process.stdin.unref());' +
    'import{Server as A}from"node:http";import{Server as B}from"node:https";' +
    "for(const{prototype:p}of[A,B]){const{listen:l}=p;p.listen=function(...a){" +
    'process.once("SIGTERM",()=>this.closeAllConnections());return l.apply(this,a)}}',
)}`;

/**
 * Starts Azurite's blob service as a child process on a free port, everything in memory unless a folder is given. What
 * a folder holds is complete once `close` is done: Azurite writes its tables every few seconds, and when it ends.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  if (options.port !== undefined) await checkFree(options.port);
  const given = typeof options.https === "object" ? options.https : undefined;
  const certificate = given ?? (options.https || options.oauth ? await createCertificate() : undefined);
  const folder = certificate && (await writeCertificate(certificate));
  try {
    const child = spawnAzurite(options, folder);
    const origin = await listening(child);
    const endpoint = `${origin}/${ACCOUNT}`;
    const accountKey = options.accountKeys?.[0] ?? KEY;
    const close = (): Promise<void> => end(child, options.folder !== undefined);
    return {
      accountName: ACCOUNT,
      accountKey,
      endpoint,
      connectionString:
        `DefaultEndpointsProtocol=${endpoint.split(":")[0]};AccountName=${ACCOUNT};` +
        `AccountKey=${accountKey};BlobEndpoint=${endpoint};`,
      ...(certificate && { certificatePem: certificate.certificate }),
      close,
      [Symbol.asyncDispose]: close,
    };
  } finally {
    // Azurite has read both files by the time it listens.
    if (folder) await rm(folder, { recursive: true, force: true });
  }
}

async function writeCertificate({ certificate, privateKey }: LocalCertificate): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aml-azurite-"));
  await writeFile(join(folder, "cert.pem"), certificate);
  await writeFile(join(folder, "key.pem"), privateKey, { mode: 0o600 });
  return folder;
}

function spawnAzurite(options: AzuriteOptions, folder: string | undefined): ChildProcess {
  const home = findAzurite();
  // Azurite runs on Node, whatever runs us.
  const node = process.versions["bun"] || process.versions["deno"] ? "node" : process.execPath;
  return spawn(
    process.env["AML_NODE"] ?? node,
    [
      "--import",
      END_WITH_PARENT,
      join(home, "dist/src/blob/main.js"),
      "--silent",
      "--skipApiVersionCheck",
      "--disableTelemetry",
      ...(options.folder === undefined
        ? ["--inMemoryPersistence", `--extentMemoryLimit=${options.memoryLimit ?? 1024}`]
        : [`--location=${options.folder}`]),
      `--blobKeepAliveTimeout=${KEPT_ALIVE_SECONDS}`,
      "--blobHost=127.0.0.1",
      `--blobPort=${options.port ?? 0}`,
      ...(folder ? [`--cert=${join(folder, "cert.pem")}`, `--key=${join(folder, "key.pem")}`] : []),
      ...(options.oauth ? ["--oauth=basic"] : []),
    ],
    { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...accounts(options) } },
  );
}

function accounts({ accountKeys }: AzuriteOptions): Readonly<Record<string, string>> {
  return accountKeys === undefined ? {} : { AZURITE_ACCOUNTS: [ACCOUNT, ...accountKeys].join(":") };
}

/** Azurite's own words for a taken port are a stack on stderr. */
async function checkFree(port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(port, "127.0.0.1", resolve);
  });
  await new Promise((resolve) => probe.close(resolve));
}

function findAzurite(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve("azurite/package.json"));
  } catch (cause) {
    throw new EmulatorError("Blobs are kept by Azurite, which is not installed: npm install azurite@3.36.0", {
      cause,
    });
  }
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = "";
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`azurite ended with ${code}: ${seen}`)));
    child.stdout?.on("data", (data) => {
      seen = (seen + String(data)).slice(-10_000);
      const found = /successfully listens on (\S+)/.exec(seen);
      if (found?.[1]) {
        release(child);
        resolve(found[1]);
      }
    });
  });
}

/** Whoever forgets to close it need not wait for it: it ends with this process. */
function release(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) {
    // Both are sockets, which neither the types nor every runtime's classes tell.
    if (pipe && "unref" in pipe && typeof pipe.unref === "function") pipe.unref();
  }
}

/** How long Azurite may take to write what it holds. It waits for idle connections too, which nobody else does. */
const SAVE_MS = 5_000;

function end(child: ChildProcess, save: boolean): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  // Without it, nothing would keep this process alive until the exit is heard of.
  child.ref();
  const late = save ? setTimeout(() => child.kill("SIGKILL"), SAVE_MS) : undefined;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => {
      clearTimeout(late);
      resolve();
    });
  });
  child.kill(save ? "SIGTERM" : "SIGKILL");
  return ended;
}
