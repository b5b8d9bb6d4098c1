import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { openWorkspace } from "@aml/workspace";
import { afterAll, expect, test } from "vitest";
import { openLake } from "./lake.ts";

const KIB = 1024;
const lake = await openLake();
const meter = await openMeter(new URL(lake.azurite.endpoint));
afterAll(async () => {
  await meter.close();
  await lake[Symbol.asyncDispose]();
});

interface Meter {
  readonly endpoint: string;
  /** Bytes that the server sent since the last call, headers and all. */
  received(): number;
  close(): Promise<void>;
}

/** A way to a server that counts what comes back on it. */
async function openMeter(server: URL): Promise<Meter> {
  let bytes = 0;
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const there = connect(Number(server.port), server.hostname);
    for (const socket of [client, there]) {
      open.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket));
    }
    there.on("data", (chunk) => (bytes += chunk.length));
    client.pipe(there).pipe(client);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${server.pathname}`,
    received() {
      const now = bytes;
      bytes = 0;
      return now;
    },
    async close() {
      for (const socket of open) socket.destroy();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

const row = (at: number): string => `${at},"name, ${at}",${at / 8},2025-01-31T10:00:00Z\n`;
const text = `id,name,part,at\n${Array.from({ length: 400_000 }, (_, at) => row(at)).join("")}`;
await lake.put("big/a.csv", text);
await lake.put("big/b.csv", text);
await lake.put("small/a.csv", "id\n1\n2\n");
await lake.put("small/b.csv", "id\n3\n");
const create = ["datastore", "create", "lake", ...lake.flags.slice(0, -1), meter.endpoint];
const stdin = lake.azurite.accountKey;
const created = await lake.aml([...create, "--account-key-stdin"], { stdin });
if (created.code !== 0) throw new Error(created.stderr);

const big = "azureml://datastores/lake/paths/big/*.csv";
const small = "azureml://datastores/lake/paths/small/*.csv";
const kept = (): Promise<string[]> => readdir(join(lake.folder, ".aml/cache/objects")).catch(() => []);

test("the first rows and the schema of large files: their beginning, once", async () => {
  meter.received();
  const shown = await lake.aml(["table", "show", big, "--limit", "100", "--json"]);
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect((JSON.parse(shown.stdout) as { rows: unknown[] }).rows).toHaveLength(100);
  const first = meter.received();
  expect(first).toBeGreaterThan(256 * KIB);
  expect(first).toBeLessThan(300 * KIB);
  const schema = await lake.aml(["table", "schema", big, "--json"]);
  expect(schema.stdout).toContain("timestamp");
  const again = await lake.aml(["table", "show", big, "--keep", "part", "--limit", "3", "--json"]);
  expect((JSON.parse(again.stdout) as { rows: unknown[] }).rows).toEqual([
    { part: 0 },
    { part: 0.125 },
    { part: 0.25 },
  ]);
  // Listings.
  expect(meter.received()).toBeLessThan(16 * KIB);
});

test("--no-cache keeps nothing, and uses nothing that is kept", async () => {
  const before = await kept();
  meter.received();
  const shown = await lake.aml(["table", "show", small, "--no-cache", "--json"]);
  expect((JSON.parse(shown.stdout) as { rows: unknown[] }).rows).toHaveLength(3);
  await lake.aml(["table", "show", big, "--no-cache", "--limit", "1"]);
  expect(meter.received()).toBeGreaterThan(256 * KIB);
  expect(await kept()).toEqual(before);
  expect(await readdir(join(lake.folder, ".aml/cache/sessions"))).toEqual([]);
});

test("--offline reads the files that a version pins from the cache, and sends nothing", async () => {
  for (const [name, source] of [
    ["small", small],
    ["big", big],
  ] as const) {
    expect(await lake.aml(["dataset", "register", name, source])).toMatchObject({ code: 0 });
  }
  const online = await lake.aml(["table", "export", "azureml:small:1", "--format", "csv"]);
  meter.received();
  const args = ["table", "export", "azureml:small:1", "--format", "csv", "--offline"];
  expect(await lake.aml(args)).toEqual(online);
  const head = await lake.aml(["table", "show", "azureml:big:1", "--limit", "1", "--json", "--offline"]);
  expect((JSON.parse(head.stdout) as { rows: unknown[] }).rows).toHaveLength(1);
  const whole = await lake.aml([
    "table",
    "export",
    "azureml:big:1",
    "--format",
    "csv",
    "--offline",
    "--json",
  ]);
  expect(whole.code).not.toBe(0);
  expect(JSON.parse(whole.stderr)).toMatchObject({
    error: { code: "unavailable", message: expect.stringContaining("big/a.csv") },
  });
  const listed = await lake.aml(["table", "show", small, "--offline", "--json"]);
  expect(JSON.parse(listed.stderr)).toMatchObject({ error: { code: "unavailable" } });
  const doctor = await lake.aml(["doctor", "lake", "--offline", "--json"]);
  expect(JSON.parse(doctor.stderr)).toMatchObject({ error: { code: "unavailable" } });
  expect(meter.received()).toBe(0);
});

test("openWorkspace takes a folder, a bound, or none", async () => {
  const { folder } = lake;
  await using bounded = await openWorkspace({ folder, cache: { folder: ".aml/little", maxBytes: 1000 } });
  const first = await bounded.openSource(small);
  if (first.kind !== "tabular") throw new Error("no table");
  expect((await first.schema()).columns).toHaveLength(1);
  expect(await readdir(join(folder, ".aml/little/objects"))).toHaveLength(2);
  const large = await bounded.openSource(big);
  if (large.kind !== "tabular") throw new Error("no table");
  await expect(large.open()).rejects.toMatchObject({ code: "resource_exhausted" });
  await using none = await openWorkspace({ folder, cache: "none" });
  const second = await none.openSource(small);
  if (second.kind !== "tabular") throw new Error("no table");
  const rows = [];
  for await (const one of second.rows()) rows.push(one);
  expect(rows).toEqual([{ id: 1n }, { id: 2n }, { id: 3n }]);
});
