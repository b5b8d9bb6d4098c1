import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { AmlError } from "@aml/core";

/** Where the key of a vault comes from, as its file tells. */
export type KeyOrigin =
  | { readonly kind: "keychain" }
  | { readonly kind: "file" }
  | { readonly kind: "passphrase"; readonly salt: string };

export interface VaultHeader {
  readonly format: typeof FORMAT;
  /** Random; names the entry in the keychain. */
  readonly id: string;
  readonly key: KeyOrigin;
}

/** The file: one line of JSON, fields in this order, binary in base64url. */
export interface SealedVault extends VaultHeader {
  /** Tells a wrong key from damaged data. */
  readonly check: string;
  /** 12 random bytes, new with every write. */
  readonly nonce: string;
  /** AES-256-GCM of all entries, then the 16 byte tag. */
  readonly data: string;
}

const FORMAT = "aml.vault/1";
const TAG_BYTES = 16;

export function newHeader(kind: KeyOrigin["kind"]): VaultHeader {
  const key: KeyOrigin = kind === "passphrase" ? { kind, salt: encode(randomBytes(16)) } : { kind };
  return { format: FORMAT, id: encode(randomBytes(16)), key };
}

/** Encrypts all entries at once, so none can be removed, exchanged or mixed with those of another write. */
export function seal(header: VaultHeader, key: Uint8Array, entries: ReadonlyMap<string, string>): string {
  const { format, id, key: origin } = header;
  const check = encode(derive(header, key, "check"));
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", derive(header, key, "data"), nonce, {
    authTagLength: TAG_BYTES,
  });
  cipher.setAAD(Buffer.from(JSON.stringify([format, id, origin, check])));
  const data = [cipher.update(JSON.stringify([...entries]), "utf8"), cipher.final(), cipher.getAuthTag()];
  const sealed: SealedVault = {
    format,
    id,
    key: origin,
    check,
    nonce: encode(nonce),
    data: encode(Buffer.concat(data)),
  };
  return print(sealed);
}

/**
 * Decrypts all entries, or none.
 *
 * @throws `auth_failed` for another key; `parse_failed` for data that was changed.
 */
export function unseal(sealed: SealedVault, key: Uint8Array, file: string): Map<string, string> {
  const { format, id, key: origin, check } = sealed;
  const expected = derive(sealed, key, "check");
  const found = decode(check);
  if (found.length !== expected.length || !timingSafeEqual(found, expected))
    throw new AmlError("auth_failed", `The key does not open the vault ${file}.`, {
      hint:
        origin.kind === "passphrase"
          ? "Check the passphrase."
          : "Restore the key that it was made with, or delete the vault and set its secrets again.",
      context: { file, key: origin.kind },
    });
  const data = decode(sealed.data);
  if (data.length < TAG_BYTES) throw damaged(file);
  const nonce = decode(sealed.nonce);
  const cipher = createDecipheriv("aes-256-gcm", derive(sealed, key, "data"), nonce, {
    authTagLength: TAG_BYTES,
  });
  cipher.setAAD(Buffer.from(JSON.stringify([format, id, origin, check])));
  cipher.setAuthTag(data.subarray(-TAG_BYTES));
  let text: string;
  try {
    text = Buffer.concat([cipher.update(data.subarray(0, -TAG_BYTES)), cipher.final()]).toString("utf8");
  } catch {
    throw damaged(file);
  }
  return new Map(JSON.parse(text) as [string, string][]);
}

/**
 * Reads the file's text. Just what `seal` prints is read: a text that means the same but differs was changed.
 *
 * @throws `parse_failed` for anything but a vault; `unsupported` for one of a newer release.
 */
export function parseSealed(text: string, file: string): SealedVault {
  let value: Partial<SealedVault> | null;
  try {
    value = JSON.parse(text) as Partial<SealedVault> | null;
  } catch {
    throw damaged(file);
  }
  const format: unknown = value?.format;
  if (format !== FORMAT && typeof format === "string" && /^aml\.vault\/\d+$/.test(format))
    throw new AmlError(
      "unsupported",
      `The vault ${file} has format ${format}; this release knows ${FORMAT}.`,
      {
        hint: "Upgrade @aml/vault to the release that wrote it, or a newer one.",
        context: { file, format },
      },
    );
  const origin = value?.key;
  const sealed = {
    format,
    id: value?.id,
    key: origin?.kind === "passphrase" ? { kind: origin.kind, salt: origin.salt } : { kind: origin?.kind },
    check: value?.check,
    nonce: value?.nonce,
    data: value?.data,
  } as SealedVault;
  const texts = [sealed.id, sealed.check, sealed.nonce, sealed.data];
  if (origin?.kind === "passphrase") texts.push(origin.salt);
  const kinds: readonly unknown[] = ["keychain", "file", "passphrase"];
  const sound =
    format === FORMAT &&
    kinds.includes(origin?.kind) &&
    texts.every((item) => typeof item === "string" && encode(decode(item)) === item) &&
    decode(sealed.nonce).length === 12 &&
    print(sealed) === text;
  if (!sound) throw damaged(file);
  return sealed;
}

function print(sealed: SealedVault): string {
  return `${JSON.stringify(sealed)}\n`;
}

/** One key for each use, and for each vault although two may share a key file. */
function derive(header: VaultHeader, key: Uint8Array, use: "check" | "data"): Buffer {
  return Buffer.from(hkdfSync("sha256", key, decode(header.id), `${FORMAT} ${use}`, 32));
}

// Neither the cause nor any text of the file goes into the error.
function damaged(file: string): AmlError {
  return new AmlError("parse_failed", `${file} is not a vault, or was damaged or tampered with.`, {
    hint: "Restore the file from a backup, or delete it and set its secrets again.",
    context: { file },
  });
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64url");
}

function decode(text: string): Buffer {
  return Buffer.from(text, "base64url");
}
