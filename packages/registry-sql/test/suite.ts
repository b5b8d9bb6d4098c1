import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isAmlError } from "@aml/core";
import type { AmlErrorCode, Registry } from "@aml/core";
import { size } from "@aml/kit/runs";
import { openSqliteRegistry } from "@aml/registry-sql";
import { Kysely } from "kysely";
import { all, dataset, datastore, registryCases } from "../../core/test/registry-cases.ts";
import { nodeSqliteDialect } from "../src/node-sqlite-dialect.ts";
import { sqlRegistry } from "../src/sql-registry.ts";
import type { Tables } from "../src/tables.ts";
import { startChild } from "./child.ts";

const PROCESSES = size(8, 4);

export interface Runner {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
}

export function suite({ describe, test }: Runner): void {
  describe("openSqliteRegistry: every registry", () => {
    for (const { id, run } of registryCases) test(id, () => inFolder((folder) => withRegistry(folder, run)));
  });
  describe("openSqliteRegistry: the file", () => fileCases(test));
  describe("openSqliteRegistry: several writers", () => writerCases(test));
}

function fileCases(test: Runner["test"]): void {
  test("is kept over a reopen", () =>
    inFolder(async (folder) => {
      const made = await withRegistry(folder, async (registry) => {
        await registry.setSetting("default_datastore", "lake");
        return [
          await registry.putDatastore(datastore("lake")),
          await registry.registerDataset(dataset("trips", "a")),
        ];
      });
      await withRegistry(folder, async (registry) => {
        assert.deepEqual([await registry.getDatastore("lake"), await registry.getDataset("trips")], made);
        assert.equal(await registry.getSetting("default_datastore"), "lake");
        assert.equal((await registry.registerDataset(dataset("trips", "b"))).version, 2);
      });
    }));

  test("is private to its user, with its folder and log", () =>
    inFolder(async (folder) => {
      const file = join(folder, "new", "folder", "registry.db");
      const registry = await openSqliteRegistry({ file });
      await registry.setSetting("a", "b");
      const modes = await Promise.all([file, `${file}-wal`, join(folder, "new")].map((path) => stat(path)));
      await registry.close();
      if (process.platform !== "win32")
        assert.deepEqual(
          modes.map(({ mode }) => (mode & 0o777).toString(8)),
          ["600", "600", "700"],
        );
    }));

  test("has a write-ahead log", () =>
    inFolder(async (folder) => {
      await withRegistry(folder, (registry) => registry.setSetting("a", "b"));
      const database = new DatabaseSync(join(folder, "registry.db"));
      assert.equal(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
      database.close();
    }));

  test("that is no database is refused and kept", () =>
    inFolder(async (folder) => {
      const file = join(folder, "registry.db");
      const text = "these are my notes, not a database\n".repeat(100);
      await writeFile(file, text);
      await fails(openSqliteRegistry({ file }), "parse_failed");
      assert.equal(await readFile(file, "utf8"), text);
    }));

  test("of something else is refused and kept", () =>
    inFolder(async (folder) => {
      const file = join(folder, "registry.db");
      const database = new DatabaseSync(file);
      database.exec("create table photos (id integer)");
      database.close();
      const before = await readFile(file);
      await fails(openSqliteRegistry({ file }), "config_invalid");
      assert.deepEqual(await readFile(file), before);
    }));

  test("that is damaged gives parse_failed", () =>
    inFolder(async (folder) => {
      await withRegistry(folder, async (registry) => {
        for (let i = 0; i < 20; i++)
          await registry.registerDataset(dataset("trips", `${i}`, { description: "x".repeat(4_000) }));
      });
      const file = join(folder, "registry.db");
      const bytes = await readFile(file);
      bytes.fill(0xff, 4096);
      await writeFile(file, bytes);
      const error = await fails(
        withRegistry(folder, (registry) => all(registry.listDatasets())),
        "parse_failed",
      );
      assert.ok(error.message.includes(file));
    }));

  test("of a newer release is unsupported", () =>
    inFolder(async (folder) => {
      await withRegistry(folder, (registry) => registry.setSetting("a", "b"));
      const database = new DatabaseSync(join(folder, "registry.db"));
      database.exec("update aml_schema set version = 99");
      database.close();
      const error = await fails(openSqliteRegistry({ file: join(folder, "registry.db") }), "unsupported");
      assert.match(error.hint ?? "", /Upgrade/);
    }));

  test("in an impossible place is path_invalid", () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, "plain"), "");
      await fails(openSqliteRegistry({ file: folder }), "path_invalid");
      await fails(openSqliteRegistry({ file: join(folder, "plain", "registry.db") }), "path_invalid");
      await fails(openSqliteRegistry({ file: `${folder}/\0` }), "path_invalid");
    }));

  test("that is closed gives config_invalid; closing twice is fine", () =>
    inFolder(async (folder) => {
      const registry = await openSqliteRegistry({ file: join(folder, "registry.db") });
      await Promise.all([registry.close(), registry.close()]);
      await fails(registry.getSetting("a"), "config_invalid");
      await fails(registry.putDatastore(datastore("a")), "config_invalid");
      await fails(all(registry.listDatasets()), "config_invalid");
    }));

  test("keeps the wider mode that its user gave it", () =>
    inFolder(async (folder) => {
      await withRegistry(folder, (registry) => registry.setSetting("a", "b"));
      await chmod(join(folder, "registry.db"), 0o660);
      await withRegistry(folder, (registry) => registry.setSetting("a", "c"));
      if (process.platform !== "win32")
        assert.equal((await stat(join(folder, "registry.db"))).mode & 0o777, 0o660);
    }));
}

function writerCases(test: Runner["test"]): void {
  test("a lock that is not given back is unavailable, and retryable", () =>
    inFolder(async (folder) => {
      const file = join(folder, "registry.db");
      const registry = await openSqliteRegistry({ file, busyTimeoutMs: 100 });
      const other = new DatabaseSync(file);
      other.exec("begin immediate");
      const error = await fails(registry.setSetting("a", "b"), "unavailable");
      assert.equal((error as { retryable?: boolean }).retryable, true);
      assert.equal(await registry.getSetting("a"), undefined);
      other.exec("rollback");
      await registry.setSetting("a", "b");
      other.close();
      await registry.close();
    }));

  test("a full disk is resource_exhausted; what was there stays, and writing goes on when there is room", () =>
    inFolder(async (folder) => {
      const file = join(folder, "registry.db");
      await withRegistry(folder, async (registry) => void (await registry.putDatastore(datastore("before"))));
      const database = new DatabaseSync(file);
      // Stands for the disk: SQLite reports both in the same way.
      database.exec("PRAGMA max_page_count = 12");
      const dialect = nodeSqliteDialect({ database, file, busyTimeoutMs: 0 });
      const registry = sqlRegistry(new Kysely<Tables>({ dialect }), file);
      const big = datastore("big", { description: "x".repeat(100_000) });
      for (let i = 0; i < 2; i++) await fails(registry.putDatastore(big), "resource_exhausted");
      assert.deepEqual(
        (await all(registry.listDatastores())).map(({ name }) => name),
        ["before"],
      );
      database.exec("PRAGMA max_page_count = 10000");
      await registry.putDatastore(big);
      await registry.close();
    }));

  test("in one thread do not block one another", () =>
    inFolder(async (folder) => {
      const file = join(folder, "registry.db");
      const registries = await Promise.all(
        Array.from({ length: 4 }, () => openSqliteRegistry({ file, busyTimeoutMs: 10_000 })),
      );
      const calls = registries.flatMap((registry, r) =>
        Array.from({ length: 10 }, (_, i) => registry.registerDataset(dataset("trips", `${r}-${i}`))),
      );
      const versions = (await Promise.all(calls)).map((record) => record.version);
      assert.deepEqual(
        versions.toSorted((a, b) => a - b),
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
      await Promise.all(registries.map((registry) => registry.close()));
    }));

  test(`${PROCESSES} processes at once lose nothing, from an empty folder on`, () =>
    inFolder(async (folder) => {
      const file = join(folder, "registry.db");
      const children = Array.from({ length: PROCESSES }, (_, id) =>
        startChild("writer.ts", file, `${id}`, "12"),
      );
      const lines = (await Promise.all(children.map((child) => all(child.lines)))).flat();
      for (const child of children) assert.deepEqual(await child.closed, [0, null]);
      assert.equal(lines.length, PROCESSES * 12 * 2);
      await withRegistry(folder, (registry) => checkAcknowledged(registry, lines, PROCESSES * 12));
    }));

  test("a process killed at any moment loses nothing that it acknowledged", () =>
    inFolder(async (folder) => {
      const file = join(folder, "registry.db");
      const rounds = Number(process.env["AML_KILL_ROUNDS"] ?? size(5, 2));
      const lines: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const child = startChild("writer.ts", file, `${round}`, "100000");
        const kill = (afterMs: number): void => {
          setTimeout(() => child.process.kill("SIGKILL"), Math.random() * afterMs);
        };
        // Some die at the start, where the tables are made; the others between or during their writes.
        const killAt = Math.floor(Math.random() * 40);
        if (killAt === 0) kill(400);
        let seen = 0;
        for await (const line of child.lines) {
          lines.push(line);
          // Later lines are read too: they were written before the process died.
          if (++seen === killAt) kill(3);
        }
        await child.closed;
        await withRegistry(folder, (registry) => checkAcknowledged(registry, lines));
      }
      const database = new DatabaseSync(file);
      assert.equal(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
      database.close();
    }));
}

/** Everything acknowledged is there; versions are 1…N without a gap. A write may be there that was not acknowledged. */
async function checkAcknowledged(
  registry: Registry,
  lines: readonly string[],
  exactly?: number,
): Promise<void> {
  const names = new Set((await all(registry.listDatastores())).map((record) => record.name));
  const records = await all(registry.listDatasets({ name: "shared" }));
  const hashes = new Map(records.map((record) => [record.version, record.hash]));
  assert.deepEqual(
    records.map((record) => record.version),
    Array.from({ length: records.length }, (_, i) => records.length - i),
  );
  assert.equal(new Set(hashes.values()).size, records.length);
  if (exactly !== undefined) assert.deepEqual([names.size, records.length], [exactly, exactly]);
  for (const line of lines) {
    const [kind, key = "", hash] = line.split(" ");
    if (kind === "datastore") assert.ok(names.has(key), line);
    else assert.equal(hashes.get(Number(key)), hash, line);
  }
}

async function withRegistry<T>(folder: string, use: (registry: Registry) => Promise<T>): Promise<T> {
  const registry = await openSqliteRegistry({ file: join(folder, "registry.db") });
  try {
    return await use(registry);
  } finally {
    await registry.close();
  }
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "aml-registry-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fails(
  call: Promise<unknown>,
  code: AmlErrorCode,
): Promise<{ message: string; hint?: string | undefined }> {
  const error = await call.then(
    () => new Error("The call succeeded"),
    (reason: unknown) => reason,
  );
  if (!isAmlError(error, code)) throw new Error(`Not ${code}: ${String(error)}`, { cause: error });
  return error;
}
