import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { Secret } from "@aml/core";
import { size } from "@aml/kit/runs";
import { openVault } from "@aml/vault";
import { startChild } from "./child.ts";
import { fails } from "./fails.ts";
import { KEY_FILE, inFolder } from "./in-folder.ts";
import type { Runner } from "./suite.ts";

const PROCESSES = size(8, 4);

export function writerCases(test: Runner["test"]): void {
  test("a lock that is not given back is unavailable; the value stays", () =>
    inFolder(async (file) => {
      const vault = openVault({ file, key: KEY_FILE, lockTimeoutMs: 50 });
      await vault.set("a", new Secret("1"));
      const holder = new DatabaseSync(`${file}.lock`);
      holder.exec("begin exclusive");
      const error = await fails(vault.set("a", new Secret("2")), "unavailable");
      assert.equal(error.retryable, true);
      assert.equal((await vault.get("a")).reveal(), "1");
      holder.close();
      await vault.set("a", new Secret("2"));
    }));

  test("in one thread lose nothing", () =>
    inFolder(async (file) => {
      const names = Array.from({ length: 30 }, (_, i) => `n${i}`);
      await Promise.all(names.map((name) => openVault({ file, key: KEY_FILE }).set(name, new Secret(name))));
      const vault = openVault({ file, key: KEY_FILE });
      for (const name of names) assert.equal((await vault.get(name)).reveal(), name);
    }));

  test(`${PROCESSES} processes at once lose nothing, from an empty folder on`, () =>
    inFolder(async (file, folder) => {
      const children = Array.from({ length: PROCESSES }, (_, id) =>
        startChild("writer.ts", [file, `${id}`, "12"]),
      );
      const names = (await Promise.all(children.map((child) => collect(child.lines)))).flat();
      for (const child of children) assert.deepEqual(await child.closed, [0, null]);
      assert.equal(names.length, PROCESSES * 12);
      await checkValues(file, names);
      assert.deepEqual((await readdir(folder)).toSorted(), ["vault", "vault.key", "vault.lock"]);
    }));

  test("a process killed at any moment loses nothing that it acknowledged", () =>
    inFolder(async (file, folder) => {
      const rounds = Number(process.env["AML_KILL_ROUNDS"] ?? size(5, 2));
      const names: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const child = startChild("writer.ts", [file, `${round}`, "100000"]);
        const kill = (afterMs: number): void => {
          setTimeout(() => child.process.kill("SIGKILL"), Math.random() * afterMs);
        };
        // Some die at the start, where the key is made; the others between or during their writes.
        const killAt = Math.floor(Math.random() * 20);
        if (killAt === 0) kill(400);
        let seen = 0;
        for await (const name of child.lines) {
          names.push(name);
          if (++seen === killAt) kill(5);
        }
        await child.closed;
        await checkValues(file, names);
      }
      await openVault({ file, key: KEY_FILE }).set("after", new Secret("1"));
      // Who dies while making the key may leave its draft, a key that nothing was ever encrypted with.
      const left = (await readdir(folder)).filter((name) => !/^vault\.key\..+\.tmp$/.test(name));
      assert.deepEqual(left.toSorted(), ["vault", "vault.key", "vault.lock"]);
    }));
}

async function checkValues(file: string, names: readonly string[]): Promise<void> {
  const vault = openVault({ file, key: KEY_FILE });
  for (const name of names)
    assert.equal((await vault.get(name)).reveal(), `value of ${name}`.padEnd(500, "x"));
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}
