import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createInstancePool, type LockedInstance } from "../src/instance-pool.ts";
import { openScope, type Scope } from "../src/scope.ts";
import { createHarness, failureOf, textOf } from "./harness.ts";

const h = await createHarness();
afterEach(() => void vi.useRealTimers());

const gate = { run: <T>(task: () => Promise<T>): Promise<T> => task() };

async function locked(name: string): Promise<LockedInstance> {
  const folder = join(h.folder, name);
  await mkdir(folder, { recursive: true });
  return { folder, instance: await pool.take() };
}

let pool = createInstancePool({ memoryLimit: "200MB", threads: 1 });

test("an instance is taken over once, and only under its own key", async () => {
  const one = await locked("one");
  await pool.keep("a", one);
  expect(pool.takeLocked("b")).toBeUndefined();
  expect(pool.takeLocked("a")?.instance).toBe(one.instance);
  expect(pool.takeLocked("a")).toBeUndefined();
  one.instance.closeSync();
});

test("two at most are kept, the oldest goes first, and closing the pool ends them and their folders", async () => {
  for (const key of ["a", "b", "c"]) await pool.keep(key, await locked(key));
  expect(existsSync(join(h.folder, "a"))).toBe(false);
  expect(existsSync(join(h.folder, "b"))).toBe(true);
  await pool.close();
  expect(existsSync(join(h.folder, "b"))).toBe(false);
  expect(existsSync(join(h.folder, "c"))).toBe(false);
  pool = createInstancePool({ memoryLimit: "200MB", threads: 1 });
});

test("what nobody takes is ended after ten seconds", async () => {
  const one = await locked("idle");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await pool.keep("a", one);
  vi.advanceTimersByTime(9_999);
  expect(existsSync(one.folder)).toBe(true);
  vi.advanceTimersByTime(1);
  vi.useRealTimers();
  await vi.waitFor(() => expect(existsSync(one.folder)).toBe(false), { timeout: 60_000 });
  expect(pool.takeLocked("a")).toBeUndefined();
});

test("a table over other files never gets the instance of these", async () => {
  const [mine, other] = [join(h.folder, "mine.csv"), join(h.folder, "other.csv")];
  for (const path of [mine, other]) await writeFile(path, "a\n1\n");
  const open = async (path: string): Promise<Scope> => {
    const scope = await openScope({ parentFolder: h.folder, instances: pool, gate });
    await scope.lock(new Map([[path, path]]));
    return scope;
  };
  const read = (scope: Scope, path: string) => scope.run(`SELECT * FROM read_csv('${path}')`);
  const first = await open(mine);
  await read(first, mine);
  const { folder } = first;
  await first.close();
  const second = await open(other);
  expect(second.folder).not.toBe(folder);
  expect(await failureOf(read(second, mine))).toMatchObject({ code: "permission_denied" });
  await second.close();
  const again = await open(mine);
  expect(again.folder).toBe(folder);
  await read(again, mine);
  expect(await failureOf(read(again, other))).toMatchObject({ code: "permission_denied" });
  await again.close();
});

test("a file that was rewritten is read as it is now", async () => {
  const parquetOf = async (text: string): Promise<Uint8Array> => {
    const table = await h.open([{ op: "read_json_lines" }], await h.files({ "a.jsonl": text }));
    return new Uint8Array(await new Response(table.encode("parquet")).arrayBuffer());
  };
  const [one, two] = [await parquetOf('{"a":1}\n'), await parquetOf('{"a":2}\n')];
  const before = await h.files({ "x.parquet": one });
  const engine = h.engine();
  const read = async (files: typeof before): Promise<string> => {
    const plan = {
      version: 1 as const,
      source: { from: "paths" as const, paths: [] },
      steps: [{ op: "read_parquet" as const }],
    };
    const table = await engine.open(
      plan,
      (async function* () {
        yield* files;
      })(),
    );
    const text = await textOf(table.encode("jsonl"));
    await table[Symbol.asyncDispose]();
    return text;
  };
  expect(await read(before)).toBe('{"a":1}\n');
  const path = new URL(before[0]?.uri ?? "").pathname;
  await writeFile(path, two);
  const [file] = before;
  if (file === undefined) throw new Error("There is no file.");
  const stat = await file.storage.stat(file.stat.path);
  expect(await read([{ ...file, stat }])).toBe('{"a":2}\n');
});
