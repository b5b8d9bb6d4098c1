import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { adlsGen2 } from "@aml/adls-gen2";
import { azureBlob } from "@aml/azure-blob";
import { azureFileShare } from "@aml/azure-file-share";
import type { DatastoreInput, KeptWrite, StorageAdapter } from "@aml/core";
import { parseStorePath } from "@aml/core/adapter";
import { createAzureFiles, serve, startAdlsGen2, startAzurite } from "@aml/emulator";
import { http } from "@aml/http";
import { sample } from "@aml/kit/runs";
import { local } from "@aml/local";
import { openWorkspace } from "@aml/workspace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aml, ENVIRONMENT, FROM_SOURCE } from "./aml.ts";

const MiB = 1024 * 1024;
const SIZE = 66 * MiB;
/** From here on the source gives nothing before it is let go on. */
const HELD = 65 * MiB;

/** What a copy goes on from. */
const STEP = 64 * MiB;

const data = pattern(SIZE);
const digest = createHash("md5").update(data).digest("base64");
const STORES = sample(["disk", "blob", "gen2", "files"], 4);

let inputs: readonly DatastoreInput[] = [];
const cleanUp: (() => unknown)[] = [];

/** A file behind a counter and a gate. */
interface Source {
  readonly url: string;
  served: number;
  held: boolean;
  etag: string;
  /** When the gate has stopped a reader. */
  stopped: Promise<void>;
  close(): void;
}

function pattern(size: number): Buffer {
  const words = new Uint32Array(size / 4);
  for (let index = 0, x = 1; index < words.length; index += 1) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = x;
  }
  return Buffer.from(words.buffer);
}

async function startSource(): Promise<Source> {
  let stop = (): void => undefined;
  const server = createServer((request, response) => {
    const [, from = "0", to = ""] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
    const end = Math.min(SIZE, to === "" ? SIZE : Number(to) + 1);
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      "accept-ranges": "bytes",
      etag: state.etag,
      "content-length": end - Number(from),
      ...(request.headers.range !== undefined && { "content-range": `bytes ${from}-${end - 1}/${SIZE}` }),
    });
    if (request.method === "HEAD") return response.end();
    let at = Number(from);
    const send = (): void => {
      while (at < end) {
        if (state.held && at >= HELD) return stop();
        const next = Math.min(end, at + MiB, state.held ? HELD : end);
        state.served += next - at;
        const more = response.write(data.subarray(at, next));
        at = next;
        if (!more) return void response.once("drain", send);
      }
      response.end();
    };
    send();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const state = {
    close: () => {
      server.closeAllConnections();
      server.close();
    },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    served: 0,
    etag: '"one"',
    stopped: Promise.resolve(),
    get held() {
      return held;
    },
    set held(value: boolean) {
      held = value;
      state.stopped = new Promise<void>((resolve) => (stop = resolve));
    },
  };
  let held = false;
  return state;
}

beforeAll(async () => {
  if (STORES.every((store) => store === "disk")) return;
  const azurite = await startAzurite();
  const gen2 = await startAdlsGen2();
  const gen2Server = await serve(gen2.service);
  const files = createAzureFiles();
  const filesServer = await serve(files.service);
  cleanUp.push(
    () => azurite.close(),
    () => gen2.close(),
    () => gen2Server.close(),
    () => filesServer.close(),
  );
  const key = (accountKey: string) => ({ kind: "account_key", accountKey }) as const;
  const gen2Endpoint = `${gen2Server.url}/${gen2.accountName}`;
  const filesEndpoint = `${filesServer.url}/${files.accountName}`;
  inputs = [
    {
      name: "blob",
      type: "azure_blob",
      options: { accountName: azurite.accountName, containerName: "trips", endpoint: azurite.endpoint },
      credential: key(azurite.accountKey),
    },
    {
      name: "gen2",
      type: "azure_data_lake_gen2",
      options: { accountName: gen2.accountName, filesystem: "lake", endpoint: gen2Endpoint },
      credential: key(gen2.accountKey),
    },
    {
      name: "files",
      type: "azure_file",
      options: { accountName: files.accountName, fileShareName: "share", endpoint: filesEndpoint },
      credential: key(files.accountKey),
    },
  ];
  const { BlobServiceClient } = await import("@azure/storage-blob");
  await BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient("trips").create();
  const gen2Sdk = await import("@azure/storage-file-datalake");
  const gen2Key = new gen2Sdk.StorageSharedKeyCredential(gen2.accountName, gen2.accountKey);
  await new gen2Sdk.DataLakeServiceClient(gen2Endpoint, gen2Key).getFileSystemClient("lake").create();
  const filesSdk = await import("@azure/storage-file-share");
  const filesKey = new filesSdk.StorageSharedKeyCredential(files.accountName, files.accountKey);
  await new filesSdk.ShareServiceClient(filesEndpoint, filesKey).getShareClient("share").create();
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

function uriOf(store: string, path: string): string {
  return `azureml://datastores/${store}/paths/${path}`;
}

/** What a copy that runs could go on with. */
async function bytesKept(storage: StorageAdapter, path: string, copies: string): Promise<number> {
  const [name] = (await readdir(copies)).filter((file) => file.endsWith(".json"));
  if (name === undefined) return 0;
  const note = JSON.parse(await readFile(join(copies, name), "utf8")) as KeptWrite & {
    readonly steps: readonly { readonly bytes: number }[];
  };
  const kept = (await storage.keptBytes?.(parseStorePath(path), note)) ?? 0;
  return note.steps.findLast(({ bytes }) => bytes <= kept)?.bytes ?? 0;
}

interface Run {
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<unknown>;
}

/** A workspace of its own over the servers that all share, and a source of its own. */
async function createPlace() {
  const folder = await mkdtemp(join(tmpdir(), "aml-resume-"));
  const source = await startSource();
  const adapters = [adlsGen2, azureBlob, azureFileShare, http, local];
  await writeFile(join(folder, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
  await mkdir(join(folder, ".aml"));
  const disk: DatastoreInput = { name: "disk", type: "local", options: { path: join(folder, "disk") } };
  {
    await using workspace = await openWorkspace({ folder, adapters });
    for (const input of [...inputs, disk])
      await workspace.datastores.register(input, { skipValidation: true });
  }

  const args = (target: string): string[] => ["cp", `${source.url}/big.bin`, target, "--json"];
  const start = (target: string): Run => {
    const child = spawn(process.execPath, [...FROM_SOURCE, ...args(target)], {
      cwd: folder,
      env: ENVIRONMENT,
      stdio: ["ignore", "ignore", "inherit"],
    });
    return { kill: (signal) => child.kill(signal), ended: once(child, "close") };
  };

  return {
    folder,
    source,
    async cp(target: string) {
      const { code, stdout } = await aml(args(target), { cwd: folder });
      const events = stdout
        .split("\n")
        .filter((line) => line.endsWith("}"))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      return { code, events };
    },
    /**
     * Lets a copy come as far as the gate, and ends it there when the store has kept the step in front of it.
     *
     * @returns the bytes that it has read.
     */
    async breakOff(store: string, path: string, signal: NodeJS.Signals): Promise<number> {
      source.held = true;
      source.served = 0;
      const run = start(uriOf(store, path));
      await source.stopped;
      {
        await using workspace = await openWorkspace({ folder, adapters });
        const storage = await workspace.datastores.open(store);
        while ((await bytesKept(storage, path, join(folder, ".aml/copies"))) < STEP) await wait(50);
      }
      run.kill(signal);
      await run.ended;
      const { served } = source;
      source.held = false;
      source.served = 0;
      return served;
    },
    async digestOf(uri: string): Promise<string> {
      await using workspace = await openWorkspace({ folder, adapters });
      const hash = createHash("md5");
      for await (const file of workspace.files(uri).files()) {
        for await (const chunk of (await file.storage.read(file.stat.path)).body) hash.update(chunk);
      }
      return hash.digest("base64");
    },
    notes: async (): Promise<string[]> => readdir(join(folder, ".aml/copies")),
    async [Symbol.asyncDispose]() {
      source.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// At once: most of each is waiting.
describe.concurrent.each(STORES)("a copy to %s", (store) => {
  test("begins again when its source has changed, goes on when it was killed, and is whole", async () => {
    await using place = await createPlace();
    await place.breakOff(store, "big.bin", "SIGINT");
    place.source.etag = '"two"';
    // All of it is read again, not what is behind the step.
    expect(await place.breakOff(store, "big.bin", "SIGKILL")).toBe(HELD);
    const { code, events } = await place.cp(uriOf(store, "big.bin"));
    expect(code).toBe(0);
    const copied = events.find(({ event }) => event === "copied");
    // The whole step of 64 MiB of the 65 that were read; the source was not asked for it again.
    expect(copied).toMatchObject({ via: "stream", bytes: SIZE, md5: digest, resumedFrom: STEP });
    expect(place.source.served).toBe(SIZE - STEP);
    expect(await place.digestOf(uriOf(store, "big.bin"))).toBe(digest);
    expect(await place.notes()).toEqual([]);
    if (store === "disk") {
      // Nothing is left of the first copy either.
      expect(await readdir(join(place.folder, "disk"))).toEqual(["big.bin"]);
      expect((await stat(join(place.folder, "disk/big.bin"))).size).toBe(SIZE);
    }
  });
});
