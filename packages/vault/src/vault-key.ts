import { randomBytes, scrypt } from "node:crypto";
import { open } from "node:fs/promises";
import { AmlError } from "@aml/core";
import type { Secret } from "@aml/core";
import { fileError, isMissing } from "./file-errors.ts";
import { systemKeychain } from "./keychain.ts";
import type { Keychain } from "./keychain.ts";
import { newHeader } from "./sealed-vault.ts";
import type { VaultHeader } from "./sealed-vault.ts";
import { writeFileDurably } from "./write-file-durably.ts";

/** Where the key that encrypts a vault is kept. A vault remembers the kind it was made with. */
export type VaultKey =
  /** The keychain of the operating system; where there is none, a key file. */
  | { readonly kind: "auto"; readonly keyFile?: string | undefined; readonly keychain?: Keychain | undefined }
  | { readonly kind: "keychain"; readonly keychain?: Keychain | undefined }
  /** A file with mode 0600, by default the vault's name and `.key`. */
  | { readonly kind: "file"; readonly keyFile?: string | undefined }
  /** Stretched by scrypt (N = 2¹⁷, r = 8, p = 1: about half a second and 128 MiB). */
  | { readonly kind: "passphrase"; readonly passphrase: Secret };

export interface UnlockedKey {
  readonly header: VaultHeader;
  readonly key: Uint8Array;
}

/** Makes the key of a new vault and keeps it, safely on the disk, before anything is encrypted with it. */
export async function createKey(source: VaultKey, file: string): Promise<UnlockedKey> {
  if (source.kind === "passphrase") {
    const header = newHeader("passphrase");
    return { header, key: await stretch(source.passphrase, header) };
  }
  if (source.kind !== "file") {
    const kept = await createInKeychain(source, file);
    if (kept) return kept;
  }
  const keyFile = keyFileOf(source, file);
  const header = newHeader("file");
  try {
    await writeFileDurably(keyFile, `${KEY_FORMAT} ${randomBytes(32).toString("base64url")}\n`, true);
  } catch (error) {
    throw fileError(error, keyFile);
  }
  return { header, key: await readKeyFile(keyFile, file) };
}

/**
 * Finds the key of a vault that exists. Never makes a new one.
 *
 * @throws `auth_failed` when there is no such key, or the source given is of another kind than the vault's.
 */
export async function findKey(source: VaultKey, header: VaultHeader, file: string): Promise<Uint8Array> {
  const { kind } = header.key;
  if (kind === "passphrase" && source.kind === "passphrase") return stretch(source.passphrase, header);
  if (kind === "file" && (source.kind === "file" || source.kind === "auto"))
    return readKeyFile(keyFileOf(source, file), file);
  if (kind === "keychain" && (source.kind === "keychain" || source.kind === "auto"))
    return readKeychain(source, header, file);
  throw locked(
    file,
    `was made with a key of kind "${kind}", not "${source.kind}"`,
    `Use the key kind "${kind}".`,
  );
}

const KEY_FORMAT = "aml.vault-key/1";

async function createInKeychain(
  source: Extract<VaultKey, { kind: "auto" | "keychain" }>,
  file: string,
): Promise<UnlockedKey | undefined> {
  const keychain = source.keychain ?? (await systemKeychain());
  let cause: unknown;
  if (keychain) {
    const header = newHeader("keychain");
    const key = randomBytes(32);
    const text = key.toString("base64url");
    try {
      await keychain.set(header.id, text);
      if ((await keychain.get(header.id)) === text) return { header, key };
    } catch (error) {
      cause = error;
    }
  }
  // Nothing is encrypted yet, so `auto` may still choose the key file.
  if (source.kind === "auto") return undefined;
  throw locked(file, "cannot keep its key in a keychain", KEYCHAIN_HINT, cause);
}

async function readKeychain(
  source: Extract<VaultKey, { kind: "auto" | "keychain" }>,
  header: VaultHeader,
  file: string,
): Promise<Uint8Array> {
  const keychain = source.keychain ?? (await systemKeychain());
  if (!keychain) throw locked(file, "has its key in a keychain, and there is none here", KEYCHAIN_HINT);
  let text: string | undefined;
  try {
    text = await keychain.get(header.id);
  } catch (cause) {
    throw locked(file, "has its key in the keychain, which did not give it", "Unlock the keychain.", cause);
  }
  const key = Buffer.from(text ?? "", "base64url");
  if (key.length !== 32)
    throw locked(file, "has its key in the keychain, where it is no longer", "Restore the keychain's entry.");
  return key;
}

const KEYCHAIN_HINT =
  "Sign in to a desktop session with @napi-rs/keyring installed, or use a key file or passphrase for a new vault.";

async function readKeyFile(keyFile: string, file: string): Promise<Uint8Array> {
  let text: string;
  try {
    const handle = await open(keyFile, "r");
    try {
      const { mode } = await handle.stat();
      if (process.platform !== "win32" && (mode & 0o077) !== 0)
        throw locked(
          file,
          `has a key file that other users can reach: ${keyFile}`,
          `Run: chmod 600 "${keyFile}"`,
        );
      text = await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!isMissing(error)) throw fileError(error, keyFile);
    throw locked(file, `has lost its key file ${keyFile}`, "Restore the key file, or name the right one.");
  }
  const [format, encoded = ""] = text.trimEnd().split(" ");
  const key = Buffer.from(encoded, "base64url");
  if (format !== KEY_FORMAT || key.length !== 32 || key.toString("base64url") !== encoded)
    throw new AmlError("parse_failed", `${keyFile} is not a vault's key file.`, {
      hint: "Restore the key file, or name the right one.",
      context: { file: keyFile },
    });
  return key;
}

function keyFileOf(source: VaultKey, file: string): string {
  return ("keyFile" in source ? source.keyFile : undefined) ?? `${file}.key`;
}

/** @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html – scrypt parameters */
function stretch(passphrase: Secret, { key: origin }: VaultHeader): Promise<Uint8Array> {
  if (origin.kind !== "passphrase")
    throw new AmlError("internal", "A vault without salt cannot have a passphrase.");
  const salt = Buffer.from(origin.salt, "base64url");
  const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 };
  return new Promise((done, fail) => {
    // The same text can be typed in several Unicode forms.
    scrypt(passphrase.reveal().normalize("NFKC"), salt, 32, cost, (error, key) =>
      error ? fail(error) : done(key),
    );
  });
}

function locked(file: string, what: string, hint: string, cause?: unknown): AmlError {
  return new AmlError("auth_failed", `The vault ${file} ${what}.`, { hint, context: { file }, cause });
}
