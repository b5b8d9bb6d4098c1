import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { Secret } from "@aml/core";
import { openVault } from "@aml/vault";
import { fails, rejection } from "./fails.ts";
import { KEY_FILE, inFolder } from "./in-folder.ts";
import type { Runner } from "./suite.ts";

export function verbCases(test: Runner["test"]): void {
  test("round-trip values and names of every kind", () =>
    inFolder(async (file) => {
      const secrets = {
        "datastores/lake/account_key": "c2VjcmV0+/==",
        constructor: "toString",
        "ünï/😀": "line\r\n\u0000\ud800 😀 é e\u0301",
        empty: "",
        big: "é".repeat(32 * 1024),
        ["__proto__"]: "x",
      };
      const vault = openVault({ file, key: KEY_FILE });
      for (const [name, value] of Object.entries(secrets)) await vault.set(name, new Secret(value));
      const again = openVault({ file, key: KEY_FILE });
      for (const [name, value] of Object.entries(secrets))
        assert.equal((await again.get(name)).reveal(), value);
    }));

  test("replaces, deletes, and sees what another vault wrote", () =>
    inFolder(async (file) => {
      const [one, two] = [openVault({ file, key: KEY_FILE }), openVault({ file, key: KEY_FILE })];
      await one.set("a", new Secret("1"));
      assert.equal((await two.get("a")).reveal(), "1");
      await two.set("a", new Secret("2"));
      assert.equal((await one.get("a")).reveal(), "2");
      await one.delete("a");
      await one.delete("a");
      await fails(two.get("a"), "not_found");
    }));

  test("a vault that is not there has no secrets, and just setting one makes it", () =>
    inFolder(async (file, folder) => {
      const vault = openVault({ file, key: KEY_FILE });
      assert.match((await fails(vault.get("a"), "not_found")).message, /"a"/);
      await vault.delete("a");
      assert.deepEqual(await readdir(folder), []);
    }));

  test("refuses names that cannot be printed", () =>
    inFolder(async (file) => {
      const vault = openVault({ file, key: KEY_FILE });
      for (const name of ["", "a\nb", "a\u0000", "\ud800", "x".repeat(256)])
        await fails(vault.set(name, new Secret("v")), "config_invalid");
      for (const name of ["", "a\nb", "__proto__"]) await fails(vault.get(name), "not_found");
    }));

  test("prints no value: not the vault, not its file, not its errors", () =>
    inFolder(async (file, folder) => {
      const vault = openVault({
        file,
        key: { kind: "passphrase", passphrase: new Secret("canary-passphrase") },
      });
      await vault.set("name-of-a-secret", new Secret("canary-value"));
      const value = await vault.get("name-of-a-secret");
      const wrong = openVault({ file, key: { kind: "passphrase", passphrase: new Secret("canary-wrong") } });
      const errors = [await rejection(wrong.get("a")), await rejection(vault.get("b"))];
      const all = { vault, value, errors };
      const texts = [inspect(all, { showHidden: true, depth: 9 }), JSON.stringify(all), String(value)];
      for (const name of await readdir(folder)) texts.push(await readFile(join(folder, name), "latin1"));
      assert.ok(!texts.join("\n").includes("canary"));
      assert.ok(!(await readFile(file, "utf8")).includes("name-of-a-secret"));
    }));

  test("rejects with the reason of an abort and writes nothing", () =>
    inFolder(async (file, folder) => {
      const vault = openVault({ file, key: KEY_FILE });
      const reason = new Error("enough");
      const options = { signal: AbortSignal.abort(reason) };
      for (const call of [
        vault.get("a", options),
        vault.set("a", new Secret("b"), options),
        vault.delete("a", options),
      ])
        assert.equal(await rejection(call), reason);
      assert.deepEqual(await readdir(folder), []);
    }));
}
