import { AmlError } from "@aml/core/adapter";

/** A secret as Key Vault knows it. */
export interface VaultSecretName {
  readonly name: string;
  /** Pinned; the current one unless given. */
  readonly version?: string | undefined;
}

const PREFIX = "aml--";
const LONGEST = 127;
/** What stands for itself in an encoded name. */
const PLAIN = /[a-z0-9]/;
const SIGNS: Readonly<Record<string, string>> = { "/": "--", "-": "-0", _: "-1", ".": "-2" };
const SIGNS_BACK = new Map(Object.entries(SIGNS).map(([sign, code]) => [code, sign]));

/**
 * Finds the name of a secret in Key Vault, whose names have 1 to 127 letters, digits and hyphens, in any case.
 *
 * - A name of lower-case letters, digits and hyphens is the same there.
 * - A secret identifier of this vault, `https://VAULT/secrets/NAME[/VERSION]`, names that secret, and pins the version.
 * - Any other name is written as `aml--…`: `/` as `--`, a capital as a hyphen and the small letter, `-` `_` `.` as
 *   `-0` `-1` `-2`, other characters as `-9` and the two hexadecimal digits of each byte. So no two names are one.
 *
 * @param vaultUrl - without a slash at its end.
 * @throws `config_invalid` for an empty or too long name, and for an identifier of another vault.
 */
export function toVaultName(name: string, vaultUrl: string): VaultSecretName {
  if (/^https?:\/\//i.test(name)) return fromIdentifier(name, vaultUrl);
  const encoded = encode(name);
  if (encoded !== undefined) return { name: encoded };
  throw new AmlError("config_invalid", `${JSON.stringify(name)} cannot name a secret in Key Vault.`, {
    hint: `A name there has 1 to ${LONGEST} characters; signs and capitals take more than one.`,
    context: { secret: name },
  });
}

/** The name that `toVaultName` makes this Key Vault name of; `undefined` when there is none. */
export function fromVaultName(vaultName: string): string | undefined {
  const lower = vaultName.toLowerCase();
  if (!lower.startsWith(PREFIX)) return encode(lower) === lower ? lower : undefined;
  const parts = lower.slice(PREFIX.length).match(/[a-z0-9]|-[a-z0-8-]|(?:-9[0-9a-f]{2})+|-/g) ?? [];
  const name = parts.map(decodePart).join("");
  return encode(name) === lower ? name : undefined;
}

/** `undefined` for what has no name in Key Vault. */
function encode(name: string): string | undefined {
  const own = /^[a-z0-9-]+$/.test(name) && !name.startsWith(PREFIX);
  const encoded = own ? name : PREFIX + [...name].map(encodeCharacter).join("");
  // Half a character has no bytes.
  return name === "" || encoded.length > LONGEST || /\p{Cs}/u.test(name) ? undefined : encoded;
}

function encodeCharacter(character: string): string {
  if (PLAIN.test(character) && character.length === 1) return character;
  if (/^[A-Z]$/.test(character)) return `-${character.toLowerCase()}`;
  const sign = SIGNS[character];
  if (sign !== undefined) return sign;
  return [...new TextEncoder().encode(character)]
    .map((byte) => `-9${byte.toString(16).padStart(2, "0")}`)
    .join("");
}

function decodePart(part: string): string {
  if (!part.startsWith("-")) return part;
  if (part.startsWith("-9")) {
    const bytes = part
      .slice(2)
      .split("-9")
      .map((hex) => Number.parseInt(hex, 16));
    return new TextDecoder().decode(new Uint8Array(bytes));
  }
  return SIGNS_BACK.get(part) ?? part.slice(1).toUpperCase();
}

function fromIdentifier(identifier: string, vaultUrl: string): VaultSecretName {
  const start = `${vaultUrl}/secrets/`;
  const rest = identifier.toLowerCase().startsWith(start.toLowerCase()) ? identifier.slice(start.length) : "";
  const [, name, version] = /^([0-9a-zA-Z-]{1,127})(?:\/([0-9a-fA-F]{32}))?\/?$/.exec(rest) ?? [];
  if (name !== undefined) return { name, version: version?.toLowerCase() };
  throw new AmlError("config_invalid", `${identifier} is not a secret identifier of ${vaultUrl}.`, {
    hint: `It must be ${start}NAME or ${start}NAME/VERSION: copy it from the secret's page in the portal.`,
    context: { secret: identifier },
  });
}
