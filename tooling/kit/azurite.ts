import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { createCertificate, type LocalCertificate } from "./certificate.ts";

export interface AzuriteOptions {
  /** Serve https with a self-signed certificate for `localhost` and `127.0.0.1`. */
  readonly https?: boolean;
  /** Accept Entra ID tokens too (their issuer, audience and lifetime are checked); implies `https`. */
  readonly oauth?: boolean;
  /** What the blobs may take, in MB (1024). */
  readonly memoryLimit?: number;
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

const ACCOUNT = "devstoreaccount1";
// The key that every copy of Azurite has, as its documentation prints it.
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

// The child ends with its parent, however that one dies: the pipe to its stdin closes.
const END_WITH_PARENT = `data:text/javascript,${encodeURIComponent(
  'process.stdin.resume().once("end",()=>process.exit()).once("error",()=>process.exit())',
)}`;

/** Starts Azurite's blob service as a child process on a free port, everything in memory. */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const certificate = options.https || options.oauth ? await createCertificate() : undefined;
  const folder = certificate && (await writeCertificate(certificate));
  try {
    const child = spawnAzurite(options, folder);
    const origin = await listening(child);
    const endpoint = `${origin}/${ACCOUNT}`;
    const close = (): Promise<void> => end(child);
    return {
      accountName: ACCOUNT,
      accountKey: KEY,
      endpoint,
      connectionString:
        `DefaultEndpointsProtocol=${endpoint.split(":")[0]};AccountName=${ACCOUNT};` +
        `AccountKey=${KEY};BlobEndpoint=${endpoint};`,
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
  const home = dirname(createRequire(import.meta.url).resolve("azurite/package.json"));
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
      "--inMemoryPersistence",
      `--extentMemoryLimit=${options.memoryLimit ?? 1024}`,
      "--blobHost=127.0.0.1",
      "--blobPort=0",
      ...(folder ? [`--cert=${join(folder, "cert.pem")}`, `--key=${join(folder, "key.pem")}`] : []),
      ...(options.oauth ? ["--oauth=basic"] : []),
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
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

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  // Without it, nothing would keep this process alive until the exit is heard of.
  child.ref();
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  // Not SIGTERM: Azurite would wait for idle connections to close.
  child.kill("SIGKILL");
  return ended;
}
