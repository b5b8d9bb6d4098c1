import { fork } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { azureBlob } from "@aml/azure-blob";
import { Secret, type FileRef, type StorageAdapter } from "@aml/core";
import { parseStorePath } from "@aml/core/adapter";
import { parseFilter } from "@aml/core/plan";
import { startAzurite, type Azurite } from "@aml/emulator";
import { createStager } from "@aml/staging";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allRows, createHarness, failureOf, listed } from "./harness.ts";
import { planOf } from "./workbench.ts";

const h = await createHarness();
const folder = await mkdtemp(join(tmpdir(), "aml-azurite-parquet-"));
const NAME = "lake/wide.parquet";
const GROUPS = 20;
const ROWS = 20_480;
let azurite: Azurite;
let proxy: Server;
let store: StorageAdapter;
let bytes: Buffer;
/** What went over the wire since it was last set to nothing. */
const wire = { requests: 0, bytes: 0 };

beforeAll(async () => {
  azurite = await startAzurite();
  const { port } = new URL(azurite.endpoint);
  proxy = createServer((asked, answer) => {
    const { method, url, headers } = asked;
    wire.requests += 1;
    const sent = request({ host: "127.0.0.1", port, method, path: url, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.on("data", (chunk: Buffer) => (wire.bytes += chunk.length));
      got.pipe(answer);
    });
    sent.once("error", () => answer.destroy());
    asked.pipe(sent);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/${azurite.accountName}`;
  store = open(endpoint);
  await createContainer();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const columns = Array.from({ length: 19 }, (_, at) => `(hash(range, ${at}) >> 1)::BIGINT AS c${at + 1}`);
  const path = join(folder, "wide.parquet");
  await connection.run(
    `COPY (SELECT range AS id, ${columns.join(", ")} FROM range(${GROUPS * ROWS})) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE ${ROWS})`,
  );
  connection.disconnectSync();
  instance.closeSync();
  bytes = await readFile(path);
  await upload(bytes);
});

afterAll(async () => {
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
  await azurite.close();
  await rm(folder, { recursive: true, force: true });
});

function open(endpoint: string): StorageAdapter {
  const options = azureBlob.parseOptions({
    accountName: azurite.accountName,
    endpoint,
    containerName: "sparse",
  });
  const credential = { kind: "account_key", accountKey: new Secret(azurite.accountKey) } as const;
  return azureBlob.open({ options, credential });
}

/** The adapter makes no containers. */
async function createContainer(): Promise<void> {
  const { BlobServiceClient } = await import("@azure/storage-blob");
  await BlobServiceClient.fromConnectionString(azurite.connectionString)
    .getContainerClient("sparse")
    .create();
}

async function upload(content: Uint8Array): Promise<void> {
  await store.write?.(parseStorePath(NAME), new Blob([new Uint8Array(content)]).stream());
}

async function file(): Promise<FileRef> {
  const stat = await store.stat(parseStorePath(NAME));
  return { uri: `${store.uri}/${NAME}`, relativePath: NAME, stat, storage: store };
}

const steps = [
  { op: "read_parquet" },
  { op: "filter", where: parseFilter(`col("id") >= ${5 * ROWS} and col("id") < ${6 * ROWS + 10}`) },
  { op: "keep_columns", columns: ["id", "c7", "c16"] },
];

test("a blob in part: its rows as of a local file, for the bytes that they take", async () => {
  const whole = await h.files({ "a.parquet": bytes });
  const listedFile = await file();
  Object.assign(wire, { requests: 0, bytes: 0 });
  const table = await h.open(steps, [listedFile]);
  expect(wire).toEqual({ requests: 1, bytes: 65_536 });
  const rows = await allRows(table);
  expect(rows).toHaveLength(ROWS + 10);
  expect(rows).toEqual(await h.rows(steps, whole));
  // Two row groups of three columns; the file has 20 of each.
  expect(wire.bytes - 65_536).toBeLessThan(bytes.length * (2 / 20) * (3 / 20) * 1.3);
  expect(wire.requests).toBeLessThanOrEqual(7);
});

test("a blob that is written again while its table is open is refused", async () => {
  const table = await h.open(
    [{ op: "read_parquet" }, { op: "keep_columns", columns: ["c3"] }],
    [await file()],
  );
  await upload(bytes);
  expect(await failureOf(allRows(table))).toMatchObject({ code: "precondition_failed" });
});

test("two processes with one cache fetch each part once, or twice where they ask for it at once", async () => {
  const listedFile = await file();
  const cache = join(folder, "cache");
  const task = {
    folder: cache,
    file: { ...listedFile, storage: undefined },
    steps,
    endpoint: endpointOf(),
    key: azurite.accountKey,
  };
  const first = await inChild(task);
  Object.assign(wire, { requests: 0, bytes: 0 });
  const second = await inChild(task);
  expect(second).toEqual(first);
  expect(wire).toEqual({ requests: 0, bytes: 0 });
  const more = {
    ...task,
    steps: [steps[0], steps[1], { op: "keep_columns", columns: ["id", "c7", "c16", "c9"] }],
  };
  const [a, b] = await Promise.all([inChild(more), inChild(more)]);
  expect(a).toEqual(b);
  expect(a.rows).toBe(ROWS + 10);
  // Of one column in two row groups, by both at most.
  expect(wire.bytes).toBeGreaterThan(0);
  expect(wire.bytes).toBeLessThan(bytes.length * (2 / 20) * (1 / 20) * 2 * 1.3);
  // What they left is right.
  await using stager = createStager({ folder: cache });
  const table = await h.engine({ stager }).open(planOf(more.steps), listed([listedFile]));
  const whole = await h.files({ "a.parquet": bytes });
  expect(await allRows(table)).toEqual(await h.rows(more.steps, whole));
});

function endpointOf(): string {
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/${azurite.accountName}`;
}

interface ChildResult {
  readonly rows: number;
  readonly sum: string;
}

function inChild(task: object): Promise<ChildResult> {
  const child = fork(join(import.meta.dirname, "azurite-parquet-child.ts"), [], {
    execArgv: ["--conditions=@aml/source"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  child.send(task);
  return new Promise((resolve, reject) => {
    child.once("message", (result) => resolve(result as ChildResult));
    child.once("exit", (code) => reject(new Error(`The child ended with ${code}.`)));
  });
}
