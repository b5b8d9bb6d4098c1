import { AmlError, type CredentialInput, Secret, type SecretRef } from "@aml/core";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { askSecret, secretFromEnv, secretFromStdin } from "./read-secret.ts";
import type { GlobalFlags, Session } from "./session.ts";

/** What `aml datastore create` and `update` take. */
export interface DatastoreFlags extends GlobalFlags {
  readonly type?: string;
  readonly file?: string;
  readonly overwrite?: boolean;
  readonly skipValidation?: boolean;
  readonly accountName?: string;
  readonly containerName?: string;
  readonly endpoint?: string;
  readonly protocol?: string;
  readonly path?: string;
  readonly url?: string;
  readonly option?: readonly string[];
  readonly tag?: readonly string[];
  readonly description?: string;
  readonly credential?: string;
  readonly accountKey?: string;
  readonly accountKeyEnv?: string;
  readonly accountKeyStdin?: boolean;
  readonly sasToken?: string;
  readonly sasTokenEnv?: string;
  readonly sasTokenStdin?: boolean;
  readonly clientSecret?: string;
  readonly clientSecretEnv?: string;
  readonly clientSecretStdin?: boolean;
  readonly secretStdin?: boolean;
  readonly secretName?: string;
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly certificateFile?: string;
}

/** Options of the store, from the flags of known types and `--option key=value`. */
export function storeOptions(session: Session, flags: DatastoreFlags): Readonly<Record<string, string>> {
  const { accountName, containerName, endpoint, protocol, url: baseUrl } = flags;
  const path = flags.path === undefined ? undefined : resolve(session.terminal.cwd, flags.path);
  const known = Object.entries({ accountName, containerName, endpoint, protocol, path, baseUrl });
  return {
    ...Object.fromEntries(known.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    ...keyValues(flags.option, "--option"),
  };
}

/** Reads `key=value` flags. @throws `config_invalid` for one without `=`. */
export function keyValues(texts: readonly string[] = [], flag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new AmlError("config_invalid", `${flag} needs key=value.`, { hint: `Write ${flag} key=value.` });
    }),
  );
}

/** The kinds that have one secret: its field, what people call it, and the flags that give it. */
const SECRETS = {
  account_key: { field: "accountKey", what: "account key", flag: "account-key" },
  sas: { field: "sasToken", what: "SAS token", flag: "sas-token" },
  service_principal: { field: "clientSecret", what: "client secret", flag: "client-secret" },
} as const;

type SecretKind = keyof typeof SECRETS;

const KINDS = [...Object.keys(SECRETS), "service_principal_certificate", "identity", "anonymous"];

/**
 * The credential that the flags describe; asks for a missing secret on a terminal.
 *
 * @returns `undefined` when no flag is about credentials.
 * @throws `config_invalid` for flags of two kinds, an unknown kind or a missing secret.
 */
export async function credentialOf(
  session: Session,
  flags: DatastoreFlags,
): Promise<CredentialInput | undefined> {
  const kind = kindOf(flags);
  const { clientId, tenantId } = flags;
  switch (kind) {
    case undefined:
      return undefined;
    case "anonymous":
      return { kind };
    case "identity":
      return { kind, ...(clientId !== undefined && { clientId }) };
    case "account_key":
      return { kind, accountKey: await secretOf(session, flags, kind) };
    case "sas":
      return { kind, sasToken: await secretOf(session, flags, kind) };
    case "service_principal":
      return { kind, ...principal(tenantId, clientId), clientSecret: await secretOf(session, flags, kind) };
    case "service_principal_certificate":
      return { kind, ...principal(tenantId, clientId), certificate: await certificateOf(session, flags) };
    default:
      throw new AmlError("config_invalid", `There is no credential of kind '${kind}'.`, {
        hint: `Kinds are: ${KINDS.join(", ")}.`,
      });
  }
}

function kindOf(flags: DatastoreFlags): string | undefined {
  const given = new Set<string>();
  for (const [kind, { field }] of Object.entries(SECRETS)) {
    if (
      [field, `${field}Env`, `${field}Stdin`].some(
        (flag) => flags[flag as keyof DatastoreFlags] !== undefined,
      )
    ) {
      given.add(kind);
    }
  }
  if (flags.certificateFile !== undefined) given.add("service_principal_certificate");
  const named =
    flags.credential === "service_principal" && given.has("service_principal_certificate")
      ? "service_principal_certificate"
      : flags.credential;
  if (named !== undefined) given.add(named);
  if (given.size > 1) {
    throw new AmlError(
      "config_invalid",
      `These flags are of several credentials: ${[...given].join(", ")}.`,
      {
        hint: "Keep the flags of one.",
      },
    );
  }
  const [kind] = given;
  if (kind !== undefined) return kind;
  if (flags.tenantId !== undefined) return "service_principal";
  if (flags.secretStdin === true || flags.secretName !== undefined) {
    throw new AmlError("config_invalid", "It is not said what kind of secret this is.", {
      hint: `Add --credential with one of ${Object.keys(SECRETS).join(", ")}.`,
    });
  }
  return undefined;
}

function principal(
  tenantId: string | undefined,
  clientId: string | undefined,
): { tenantId: string; clientId: string } {
  if (tenantId !== undefined && clientId !== undefined) return { tenantId, clientId };
  throw new AmlError("config_invalid", "A service principal needs a tenant and a client.", {
    hint: "Add --tenant-id and --client-id.",
  });
}

async function secretOf(
  session: Session,
  flags: DatastoreFlags,
  kind: SecretKind,
): Promise<Secret | SecretRef> {
  const { field, what, flag } = SECRETS[kind];
  if (flags.secretName !== undefined) return { secret: flags.secretName };
  const value = flags[field];
  if (value !== undefined) {
    session.note(
      `warning: --${flag} leaves the ${what} in the history of the shell; prefer --${flag}-env or -stdin.`,
    );
    return plainSecret(kind, new Secret(value));
  }
  const variable = flags[`${field}Env`];
  if (variable !== undefined) return plainSecret(kind, secretFromEnv(session.terminal, variable));
  if (flags[`${field}Stdin`] === true || flags.secretStdin === true) {
    return plainSecret(kind, await secretFromStdin(session.terminal));
  }
  return plainSecret(
    kind,
    await askSecret(session.terminal, what, `Give it with --${flag}-env VARIABLE or --${flag}-stdin.`),
  );
}

/** A SAS is often copied with the `?` of its URL. */
function plainSecret(kind: SecretKind, secret: Secret): Secret {
  return kind === "sas" ? new Secret(secret.reveal().replace(/^\?/, "")) : secret;
}

async function certificateOf(
  { terminal }: Session,
  { certificateFile, secretName }: DatastoreFlags,
): Promise<Secret | SecretRef> {
  if (secretName !== undefined) return { secret: secretName };
  if (certificateFile === undefined) {
    throw new AmlError("config_invalid", "The certificate is missing.", {
      hint: "Add --certificate-file FILE.",
    });
  }
  return new Secret(await readTextFile(resolve(terminal.cwd, certificateFile)));
}

/** Reads a small text file. @throws `not_found`, `permission_denied`. */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const denied = ["EACCES", "EPERM"].includes((cause as NodeJS.ErrnoException).code ?? "");
    throw new AmlError(denied ? "permission_denied" : "not_found", `${path} cannot be read.`, {
      hint: "Check the path and its rights.",
      context: { path },
      cause,
    });
  }
}
