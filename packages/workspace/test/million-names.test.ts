import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memory, memoryRegistry, memorySecrets, memoryStorage } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { size } from "@aml/kit/runs";
import { expect, test } from "vitest";

test("a folder of a million names streams in bounded memory, a page at a time", async () => {
  const names = size(1_000_000, 200_000);
  let pages = 0;
  const big = memoryStorage({
    uri: "memory://big",
    pageSize: 5000,
    onPage: () => (pages += 1),
    *generate() {
      for (let index = 0; index < names; index++) yield `logs/${String(index).padStart(7, "0")}.json`;
    },
  });
  const workspace = createWorkspace({
    adapters: [memory(new Map([["big", big]]))],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
  });
  const files = workspace.files("memory://big/logs/*.json").files();
  const collect = collector();
  const held: number[] = [];
  let count = 0;
  let pagesAtFirst = 0;
  let last = "";
  for await (const { relativePath } of files) {
    if (count === 0) pagesAtFirst = pages;
    if (count % 100_000 === 50_000) {
      collect();
      held.push(process.memoryUsage().heapUsed);
    }
    if (relativePath <= last) throw new Error(`${relativePath} after ${last}`);
    last = relativePath;
    count++;
  }
  expect(count).toBe(names);
  expect(pagesAtFirst).toBe(1);
  expect(pages).toBeLessThanOrEqual(names / 5000 + 1);
  // A hundred thousand held entries take over 30 MB.
  const [first = 0, ...later] = held;
  expect(held.length).toBe(names / 100_000);
  expect(Math.max(...later) - first).toBeLessThan(5 * 2 ** 20);
});

test("a copy keeps no names in memory, and does not look each of them up", async () => {
  const names = size(1_000_000, 200_000);
  const from = memoryStorage({
    uri: "memory://from",
    pageSize: 5000,
    *generate() {
      for (let index = 0; index < names; index++) yield `logs/${String(index).padStart(7, "0")}.json`;
    },
  });
  let looks = 0;
  const target = memoryStorage({ uri: "memory://to" });
  const to = Object.freeze({
    ...target,
    capabilities: { ...target.capabilities, directories: true },
    stat: (...args: Parameters<typeof target.stat>) => ((looks += 1), target.stat(...args)),
  });
  const workspace = createWorkspace({
    adapters: [
      memory(
        new Map([
          ["from", from],
          ["to", to],
        ]),
      ),
    ],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
  });
  const collect = collector();
  const held: number[] = [];
  let count = 0;
  const report = await workspace.copy("memory://from", "memory://to", {
    recursive: true,
    dryRun: true,
    onEvent: () => {
      if (count++ % 100_000 !== 50_000) return;
      collect();
      held.push(process.memoryUsage().heapUsed);
    },
  });
  expect(report.files).toBe(names);
  expect(looks).toBeLessThan(10);
  // A hundred thousand held names take over 20 MB.
  const [first = 0, ...later] = held;
  expect(held.length).toBe(names / 100_000);
  expect(Math.max(...later) - first).toBeLessThan(5 * 2 ** 20);
});

/** Node's garbage collection, which a flag gives to new contexts. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
