import assert from "node:assert/strict";
import { chmod, copyFile, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inspect } from "node:util";
import { Secret, isAmlError } from "@aml/core";
import { openVault } from "@aml/vault";
import type { Keychain, VaultKey } from "@aml/vault";
import { startChild } from "./child.ts";
import { fails, rejection } from "./fails.ts";
import type { Runner } from "./suite.ts";

type Test = Runner["test"];
const KEY_FILE: VaultKey = { kind: "file" };

export function verbCases(test: Test): void {
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

  test("a vault that is not there has no secrets, and reading does not make it", () =>
    inFolder(async (file, folder) => {
      const vault = openVault({ file, key: KEY_FILE });
      assert.match((await fails(vault.get("a"), "not_found")).message, /"a"/);
      await vault.delete("a");
      assert.deepEqual(await readdir(folder), ["vault.lock"]);
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

export function keyCases(test: Test): void {
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
        assert.equal(error.hint, `Run: chmod 600 ${file}.key`);
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

export function fileCases(test: Test): void {
  test("is private to its user", () =>
    inFolder(async (_, folder) => {
      const file = join(folder, "new", "vault");
      await openVault({ file, key: KEY_FILE }).set("a", new Secret("1"));
      assert.deepEqual((await readdir(join(folder, "new"))).toSorted(), ["vault", "vault.key", "vault.lock"]);
      if (process.platform === "win32") return;
      assert.equal((await stat(join(folder, "new"))).mode & 0o777, 0o700);
      for (const name of ["vault", "vault.key", "vault.lock"])
        assert.equal((await stat(join(folder, "new", name))).mode & 0o777, 0o600);
    }));

  test("gives an error after any change of any byte, and after any cut", () =>
    inFolder(async (file) => {
      const vault = openVault({ file, key: KEY_FILE });
      await vault.set("a", new Secret("1"));
      const sound = await readFile(file);
      for (let at = 0; at < sound.length; at++) {
        for (const bit of [1, 0x20]) {
          const changed = Buffer.from(sound);
          changed[at] = (changed[at] ?? 0) ^ bit;
          await refused(file, vault, changed);
        }
        await refused(file, vault, sound.subarray(0, at));
      }
      await refused(file, vault, Buffer.concat([sound, sound]));
      await refused(file, vault, Buffer.concat([sound, Buffer.from("\n")]));
      await refused(file, vault, Buffer.from("my notes"));
      await writeFile(file, sound);
      assert.equal((await vault.get("a")).reveal(), "1");
    }));

  test("cannot be put together from two writes, or from two vaults", () =>
    inFolder(async (file) => {
      const vault = openVault({ file, key: KEY_FILE });
      await vault.set("a", new Secret("1"));
      const first = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
      await vault.set("a", new Secret("2"));
      const second = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
      assert.notEqual(first["nonce"], second["nonce"]);
      for (const field of ["nonce", "data"])
        await refused(file, vault, Buffer.from(`${JSON.stringify({ ...second, [field]: first[field] })}\n`));
      const passphrase = { kind: "passphrase", salt: "AAAAAAAAAAAAAAAAAAAAAA" };
      for (const change of [
        { id: "AAAAAAAAAAAAAAAAAAAAAA" },
        { key: passphrase },
        { key: { kind: "keychain" } },
      ])
        await refused(file, vault, Buffer.from(`${JSON.stringify({ ...second, ...change })}\n`));
    }));

  test("of a newer release is unsupported, and stays as it is", () =>
    inFolder(async (file) => {
      const text = '{"format":"aml.vault/2","new":"fields"}\n';
      await writeFile(file, text);
      const vault = openVault({ file, key: KEY_FILE });
      assert.match((await fails(vault.get("a"), "unsupported")).hint ?? "", /Upgrade/);
      await fails(vault.set("a", new Secret("1")), "unsupported");
      assert.equal(await readFile(file, "utf8"), text);
    }));

  test("in an impossible place is path_invalid", () =>
    inFolder(async (_, folder) => {
      await writeFile(join(folder, "plain"), "");
      for (const file of [folder, join(folder, "plain", "vault"), `${folder}/\0`])
        await fails(openVault({ file, key: KEY_FILE }).get("a"), "path_invalid");
      const below = openVault({ file: join(folder, "plain", "vault"), key: KEY_FILE });
      await fails(below.set("a", new Secret("1")), "path_invalid");
    }));
}

export function writerCases(test: Test): void {
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

  test("8 processes at once lose nothing, from an empty folder on", () =>
    inFolder(async (file, folder) => {
      const children = Array.from({ length: 8 }, (_, id) => startChild("writer.ts", [file, `${id}`, "12"]));
      const names = (await Promise.all(children.map((child) => collect(child.lines)))).flat();
      for (const child of children) assert.deepEqual(await child.closed, [0, null]);
      assert.equal(names.length, 96);
      await checkValues(file, names);
      assert.deepEqual((await readdir(folder)).toSorted(), ["vault", "vault.key", "vault.lock"]);
    }));

  test("a process killed at any moment loses nothing that it acknowledged", () =>
    inFolder(async (file, folder) => {
      const rounds = Number(process.env["AML_KILL_ROUNDS"] ?? 8);
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
      assert.deepEqual((await readdir(folder)).toSorted(), ["vault", "vault.key", "vault.lock"]);
    }));
}

/** No reading and no writing: neither through a vault that knows the key, nor through a fresh one. */
async function refused(file: string, vault: ReturnType<typeof openVault>, bytes: Uint8Array): Promise<void> {
  await writeFile(file, bytes);
  for (const reader of [vault, openVault({ file, key: KEY_FILE })]) {
    const error = await rejection(reader.get("a"));
    const known = ["parse_failed", "auth_failed", "unsupported"] as const;
    assert.ok(
      known.some((code) => isAmlError(error, code)),
      String(error),
    );
  }
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

function mapKeychain(): Keychain {
  const entries = new Map<string, string>();
  return {
    get: async (account) => entries.get(account),
    set: async (account, value) => {
      entries.set(account, value);
    },
  };
}

async function inFolder(use: (file: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "aml-vault-"));
  try {
    await use(join(folder, "vault"), folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
