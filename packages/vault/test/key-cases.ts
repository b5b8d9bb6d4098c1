import assert from "node:assert/strict";
import { chmod, copyFile, readFile, readdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Secret, isAmlError } from "@aml/core";
import { openVault } from "@aml/vault";
import type { Keychain, VaultKey } from "@aml/vault";
import { startChild } from "./child.ts";
import { fails } from "./fails.ts";
import { KEY_FILE, inFolder } from "./in-folder.ts";
import type { Runner } from "./suite.ts";

export function keyCases(test: Runner["test"]): void {
  const passphrase = (text: string): VaultKey => ({ kind: "passphrase", passphrase: new Secret(text) });

  test("a wrong passphrase is auth_failed and changes nothing; Unicode forms are one", () =>
    inFolder(async (file) => {
      await openVault({ file, key: passphrase("correct é horse") }).set("a", new Secret("1"));
      const before = await readFile(file, "utf8");
      const wrong = openVault({ file, key: passphrase("correct e horse") });
      assert.equal((await fails(wrong.get("a"), "auth_failed")).hint, "Check the passphrase.");
      await fails(wrong.set("a", new Secret("2")), "auth_failed");
      assert.equal(await readFile(file, "utf8"), before);
      const typed = openVault({ file, key: passphrase("correct e\u0301 horse") });
      assert.equal((await typed.get("a")).reveal(), "1");
      assert.throws(
        () => openVault({ file, key: passphrase("") }),
        (error) => isAmlError(error, "config_invalid"),
      );
    }));

  test("a key file is made once, private, and may serve several vaults", () =>
    inFolder(async (file, folder) => {
      const key: VaultKey = { kind: "file", keyFile: join(folder, "keys", "shared.key") };
      const [one, two] = [openVault({ file, key }), openVault({ file: `${file}2`, key })];
      await Promise.all([one.set("a", new Secret("1")), two.set("a", new Secret("2"))]);
      assert.deepEqual([(await one.get("a")).reveal(), (await two.get("a")).reveal()], ["1", "2"]);
      assert.deepEqual(await readdir(join(folder, "keys")), ["shared.key"]);
      if (process.platform !== "win32")
        assert.equal((await stat(join(folder, "keys", "shared.key"))).mode & 0o777, 0o600);
    }));

  test("a key file that others can read is refused, with the remedy", () =>
    inFolder(async (file) => {
      const vault = openVault({ file, key: KEY_FILE });
      await vault.set("a", new Secret("1"));
      if (process.platform === "win32") return;
      for (const mode of [0o640, 0o604, 0o620]) {
        await chmod(`${file}.key`, mode);
        const error = await fails(openVault({ file, key: KEY_FILE }).get("a"), "auth_failed");
        assert.equal(error.hint, `Run: chmod 600 "${file}.key"`);
      }
      await chmod(`${file}.key`, 0o600);
      assert.equal((await openVault({ file, key: KEY_FILE }).get("a")).reveal(), "1");
    }));

  test("a key file that is lost, foreign or broken never leads to a new key", () =>
    inFolder(async (file) => {
      await openVault({ file, key: KEY_FILE }).set("a", new Secret("1"));
      await openVault({ file: `${file}2`, key: KEY_FILE }).set("a", new Secret("2"));
      await rename(`${file}.key`, `${file}.key.kept`);
      for (const key of [KEY_FILE, { kind: "auto" } as const]) {
        await fails(openVault({ file, key }).get("a"), "auth_failed");
        await fails(openVault({ file, key }).set("b", new Secret("2")), "auth_failed");
      }
      await copyFile(`${file}2.key`, `${file}.key`);
      await fails(openVault({ file, key: KEY_FILE }).get("a"), "auth_failed");
      await writeFile(`${file}.key`, "aml.vault-key/1 AAAA\n");
      await fails(openVault({ file, key: KEY_FILE }).get("a"), "parse_failed");
      await rename(`${file}.key.kept`, `${file}.key`);
      assert.equal((await openVault({ file, key: KEY_FILE }).get("a")).reveal(), "1");
    }));

  test("a keychain is used where there is one; the vault remembers it", () =>
    inFolder(async (file, folder) => {
      const keychain = mapKeychain();
      await openVault({ file, key: { kind: "auto", keychain } }).set("a", new Secret("1"));
      assert.deepEqual((await readdir(folder)).toSorted(), ["vault", "vault.lock"]);
      assert.equal((await openVault({ file, key: { kind: "keychain", keychain } }).get("a")).reveal(), "1");
      const other: VaultKey = { kind: "auto", keychain: mapKeychain() };
      await fails(openVault({ file, key: other }).get("a"), "auth_failed");
      await fails(openVault({ file, key: other }).set("a", new Secret("2")), "auth_failed");
      for (const key of [KEY_FILE, passphrase("x")])
        assert.match(
          (await fails(openVault({ file, key }).get("a"), "auth_failed")).hint ?? "",
          /"keychain"/,
        );
    }));

  test("a keychain that refuses: `auto` takes a key file, `keychain` fails", () =>
    inFolder(async (file) => {
      const keychain: Keychain = {
        get: () => Promise.reject(new Error("locked")),
        set: () => Promise.reject(new Error("locked")),
      };
      await fails(
        openVault({ file, key: { kind: "keychain", keychain } }).set("a", new Secret("1")),
        "auth_failed",
      );
      await openVault({ file, key: { kind: "auto", keychain } }).set("a", new Secret("1"));
      assert.equal((await openVault({ file, key: KEY_FILE }).get("a")).reveal(), "1");
    }));

  test("without a Secret Service `auto` takes a key file", () =>
    inFolder(async (file) => {
      // Elsewhere this would write into the keychain of whoever runs the tests.
      if (process.platform !== "linux") return;
      const nowhere = { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nonexistent" };
      const child = startChild("writer.ts", [file, "1", "1", "auto"], nowhere);
      assert.deepEqual(await child.closed, [0, null]);
      assert.match((await openVault({ file, key: KEY_FILE }).get("writers/1/0")).reveal(), /^value of/);
    }));
}

function mapKeychain(): Keychain {
  const entries = new Map<string, string>();
  return {
    get: async (account) => entries.get(account),
    set: async (account, value) => {
      entries.set(account, value);
    },
  };
}
