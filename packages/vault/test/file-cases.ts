import assert from "node:assert/strict";
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Secret, isAmlError } from "@aml/core";
import { size } from "@aml/kit/runs";
import { openVault } from "@aml/vault";
import { fails, rejection } from "./fails.ts";
import { KEY_FILE, inFolder } from "./in-folder.ts";
import type { Runner } from "./suite.ts";

export function fileCases(test: Runner["test"]): void {
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
      for (let at = 0; at < sound.length; at += size(1, 5)) {
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
