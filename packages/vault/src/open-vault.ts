import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { AmlError, Secret } from "@aml/core";
import type { OperationOptions, SecretStore } from "@aml/core";
import { fileError, isMissing } from "./file-errors.ts";
import { parseSealed, seal, unseal } from "./sealed-vault.ts";
import type { VaultHeader } from "./sealed-vault.ts";
import { createKey, findKey } from "./vault-key.ts";
import type { UnlockedKey, VaultKey } from "./vault-key.ts";
import { withFileLock } from "./with-file-lock.ts";
import { writeFileDurably } from "./write-file-durably.ts";

export interface VaultOptions {
  /** On a local disk. Created by the first `set`, with its folder and mode 0600. */
  readonly file: string;
  /** Default: `{ kind: "auto" }`. */
  readonly key?: VaultKey | undefined;
  /** How long to wait while another process writes. Default: 30,000. */
  readonly lockTimeoutMs?: number | undefined;
}

/**
 * Keeps secrets in one encrypted file that several processes may use at once. Nothing is read before the first call.
 *
 * Each call sees what other processes wrote before it. What `set` and `delete` have acknowledged is on the disk.
 *
 * @throws `config_invalid` for an empty passphrase. The verbs throw `not_found` for an unknown secret; `auth_failed`
 * when the key is wrong, missing, or readable for others; `parse_failed` for a file that was changed or is no vault;
 * `unsupported` for the format of a newer release; `config_invalid` for a name other than 1–255 printable
 * characters; `path_invalid`, `permission_denied`, `resource_exhausted`; `unavailable` when another process keeps
 * the vault locked for longer than `lockTimeoutMs`.
 */
export function openVault(options: VaultOptions): Required<SecretStore> {
  const file = resolve(options.file);
  const source = options.key ?? { kind: "auto" };
  if (source.kind === "passphrase" && source.passphrase.reveal() === "")
    throw new AmlError("config_invalid", `The passphrase of the vault ${file} is empty.`, {
      hint: "Use a long passphrase, or the key kind `file`.",
      context: { file },
    });
  const keyOf = keyCache(source, file);
  const change = (operation: OperationOptions | undefined, edit: Edit): Promise<void> =>
    withFileLock(
      `${file}.lock`,
      { timeoutMs: options.lockTimeoutMs ?? 30_000, signal: operation?.signal },
      async () => {
        const vault = await readVault(file, keyOf);
        const entries = new Map(vault?.entries);
        if (!edit(entries)) return;
        const { header, key } = vault ?? (await createKey(source, file));
        await writeVault(file, seal(header, key, entries));
      },
    );
  return {
    async get(name, operation) {
      operation?.signal?.throwIfAborted();
      const value = (await readVault(file, keyOf))?.entries.get(name);
      if (value !== undefined) return new Secret(value);
      throw new AmlError("not_found", `There is no secret "${name}" in the vault ${file}.`, {
        hint: "Store it first.",
        context: { secret: name, file },
      });
    },
    async set(name, value, operation) {
      operation?.signal?.throwIfAborted();
      checkName(name);
      await change(operation, (entries) => entries.set(name, value.reveal()) === entries);
    },
    async delete(name, operation) {
      operation?.signal?.throwIfAborted();
      if (existsSync(file)) await change(operation, (entries) => entries.delete(name));
    },
  };
}

/** Changes the entries; `false` when nothing changed. */
type Edit = (entries: Map<string, string>) => boolean;
type KeyOf = (header: VaultHeader) => Promise<Uint8Array>;

async function readVault(
  file: string,
  keyOf: KeyOf,
): Promise<(UnlockedKey & { readonly entries: ReadonlyMap<string, string> }) | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fileError(error, file);
  }
  const sealed = parseSealed(text, file);
  const key = await keyOf(sealed);
  return { header: sealed, key, entries: unseal(sealed, key, file) };
}

async function writeVault(file: string, text: string): Promise<void> {
  try {
    await writeFileDurably(file, text);
  } catch (error) {
    throw fileError(error, file);
  }
}

/** Asks a keychain or stretches a passphrase once, until another vault takes the file's place. */
function keyCache(source: VaultKey, file: string): KeyOf {
  let known: { readonly of: string; readonly key: Promise<Uint8Array> } | undefined;
  return async (header) => {
    const of = JSON.stringify([header.id, header.key]);
    if (known?.of !== of) known = { of, key: findKey(source, header, file) };
    const current = known;
    try {
      return await current.key;
    } catch (error) {
      if (known === current) known = undefined;
      throw error;
    }
  };
}

function checkName(name: string): void {
  if (typeof name === "string" && /^\P{C}{1,255}$/u.test(name)) return;
  throw new AmlError("config_invalid", "The name of a secret is empty, too long or not printable.", {
    hint: "Use 1 to 255 printable characters.",
  });
}
