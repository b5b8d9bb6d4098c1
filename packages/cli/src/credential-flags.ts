import { AmlError, type CredentialInput, type CredentialKind, Secret, type SecretRef } from "@aml/core";
import { CREDENTIAL_KINDS, IDENTITY_SOURCES, STORE_CREDENTIALS } from "@aml/core/adapter";
import { resolve } from "node:path";
import { type DatastoreFlags, readTextFile } from "./datastore-flags.ts";
import { SECRET_FLAGS, type SecretFlag } from "./flag-tables.ts";
import { askSecret, secretFromEnv, secretFromStdin } from "./read-secret.ts";
import type { Session } from "./session.ts";

/** What is there already: a new secret alone keeps the rest of a credential of the same kind. */
export interface Known {
  readonly type?: string | undefined;
  readonly before?: CredentialInput | undefined;
}

/**
 * The credential that the flags describe; asks for a missing secret on a terminal.
 *
 * @returns `undefined` when no flag is about credentials.
 * @throws `config_invalid` for flags of two kinds, an unknown kind, one that the type does not take, a missing secret.
 */
export async function credentialOf(
  session: Session,
  flags: DatastoreFlags,
  known: Known = {},
): Promise<CredentialInput | undefined> {
  const kind = kindOf(flags, known);
  if (kind === undefined) return undefined;
  checkKind(kind, known.type);
  const kept = known.before?.kind === kind && kind !== "identity" ? known.before : {};
  const fields: Record<string, unknown> = { ...kept, kind, ...openFields(kind, flags) };
  const secret = SECRET_FLAGS.find(({ kinds }) => kinds.includes(kind));
  if (secret !== undefined) await addSecrets(session, flags, secret, fields);
  if (kind === "service_principal_certificate") fields["certificate"] = await certificateOf(session, flags);
  for (const [name, flag] of REQUIRED[kind] ?? []) {
    if (fields[name] === undefined) throw lacks(kind, flag);
  }
  return fields as unknown as CredentialInput;
}

const PRINCIPAL: readonly (readonly [string, string])[] = [
  ["tenantId", "--tenant-id"],
  ["clientId", "--client-id"],
];
const REQUIRED: Partial<Record<CredentialKind, readonly (readonly [field: string, flag: string])[]>> = {
  service_principal: PRINCIPAL,
  service_principal_certificate: PRINCIPAL,
  oauth_client: [["clientId", "--client-id"]],
  password: [["username", "--user"]],
};

function openFields(kind: CredentialKind, flags: DatastoreFlags): Readonly<Record<string, string>> {
  const { tenantId, clientId, authorityUrl, resourceUrl, user } = flags;
  const given = (fields: Readonly<Record<string, string | undefined>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  switch (kind) {
    case "service_principal":
    case "service_principal_certificate":
      return given({ tenantId, clientId, authorityUrl, resourceUrl });
    case "identity":
      return given({ clientId, tenantId, resourceUrl, source: sourceOf(flags.identity) });
    case "oauth_client":
      return given({ clientId });
    case "password":
      return given({ username: user });
    default:
      return {};
  }
}

function sourceOf(identity: string | true | undefined): string | undefined {
  if (identity === undefined || identity === true) return undefined;
  if ((IDENTITY_SOURCES as readonly string[]).includes(identity)) return identity;
  throw new AmlError("config_invalid", "--identity names no source of identities.", {
    hint: `Sources are: ${IDENTITY_SOURCES.join(", ")}.`,
  });
}

function kindOf(flags: DatastoreFlags, { type, before }: Known): CredentialKind | undefined {
  const given = new Set<CredentialKind>();
  for (const { field, kinds } of SECRET_FLAGS) {
    const used = [field, `${field}Env`, `${field}Stdin`].some(
      (name) => flags[name as keyof DatastoreFlags] !== undefined,
    );
    if (used) given.add(narrowed(kinds, flags, type, before));
  }
  if (flags.secondaryKeyEnv !== undefined) given.add("account_key");
  if (flags.certificateFile !== undefined) given.add("service_principal_certificate");
  if (flags.identity !== undefined) given.add("identity");
  const named = namedKind(flags, given);
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
    if (before !== undefined && SECRET_FLAGS.some(({ kinds }) => kinds.includes(before.kind)))
      return before.kind;
    throw new AmlError("config_invalid", "It is not said what kind of secret this is.", {
      hint: `Add --credential with one of ${SECRET_FLAGS.flatMap(({ kinds }) => kinds).join(", ")}.`,
    });
  }
  return undefined;
}

/** A client secret is of a service principal, or of a client that only the store knows. */
function narrowed(
  kinds: readonly CredentialKind[],
  { credential, tenantId }: DatastoreFlags,
  type: string | undefined,
  before: CredentialInput | undefined,
): CredentialKind {
  const [first] = kinds as readonly [CredentialKind];
  const named = kinds.find(
    (kind) => kind === credential || (credential === undefined && kind === before?.kind),
  );
  return named ?? (type === "dbfs" && tenantId === undefined ? (kinds.at(-1) ?? first) : first);
}

function namedKind(flags: DatastoreFlags, given: ReadonlySet<CredentialKind>): CredentialKind | undefined {
  const { credential } = flags;
  if (credential === undefined) return undefined;
  if (credential === "service_principal" && given.has("service_principal_certificate")) {
    return "service_principal_certificate";
  }
  const kind = CREDENTIAL_KINDS.find((candidate) => candidate === credential);
  if (kind !== undefined) return kind;
  throw new AmlError("config_invalid", `There is no credential of kind '${credential}'.`, {
    hint: `Kinds are: ${CREDENTIAL_KINDS.join(", ")}.`,
  });
}

function checkKind(kind: CredentialKind, type: string | undefined): void {
  if (type === undefined || !Object.hasOwn(STORE_CREDENTIALS, type)) return;
  const kinds: readonly CredentialKind[] = STORE_CREDENTIALS[type as keyof typeof STORE_CREDENTIALS];
  if (kinds.includes(kind)) return;
  throw new AmlError(
    "config_invalid",
    `A datastore of type ${type} does not take a credential of kind '${kind}'.`,
    {
      hint: `Kinds it takes: ${kinds.join(", ")}.`,
    },
  );
}

async function addSecrets(
  session: Session,
  flags: DatastoreFlags,
  secret: SecretFlag,
  fields: Record<string, unknown>,
): Promise<void> {
  const second = flags.secondaryKeyEnv;
  if (second !== undefined) fields["secondaryKey"] = secretFromEnv(session.terminal, second);
  const kept = fields[secret.field] !== undefined && second !== undefined;
  const { field } = secret;
  const given = [
    flags[field],
    flags[`${field}Env`],
    flags[`${field}Stdin`],
    flags.secretStdin,
    flags.secretName,
  ];
  // The second key alone is new: the first stays.
  if (kept && given.every((value) => value === undefined)) return;
  fields[field] = await secretOf(session, flags, secret);
}

async function secretOf(
  session: Session,
  flags: DatastoreFlags,
  { field, what, flag }: SecretFlag,
): Promise<Secret | SecretRef> {
  if (flags.secretName !== undefined) return { secret: flags.secretName };
  const plain = (secret: Secret): Secret =>
    // A SAS is often copied with the `?` of its URL.
    field === "sasToken" ? new Secret(secret.reveal().replace(/^\?/, "")) : secret;
  const value = flags[field];
  if (value !== undefined) {
    session.note(
      `warning: --${flag} leaves the ${what} in the history of the shell; prefer --${flag}-env or -stdin.`,
    );
    return plain(new Secret(value));
  }
  const variable = flags[`${field}Env`];
  if (variable !== undefined) return plain(secretFromEnv(session.terminal, variable));
  if (flags[`${field}Stdin`] === true || flags.secretStdin === true) {
    return plain(await secretFromStdin(session.terminal));
  }
  return plain(
    await askSecret(session.terminal, what, `Give it with --${flag}-env VARIABLE or --${flag}-stdin.`),
  );
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

function lacks(kind: CredentialKind, flag: string): AmlError {
  const what: Partial<Record<CredentialKind, string>> = {
    service_principal: "A service principal needs a tenant and a client.",
    service_principal_certificate: "A service principal needs a tenant and a client.",
    oauth_client: "A client needs its ID.",
    password: "A password needs a user.",
  };
  return new AmlError("config_invalid", what[kind] ?? `${flag} is missing.`, {
    hint: `Add ${REQUIRED[kind]?.map(([, name]) => name).join(" and ") ?? flag}.`,
  });
}
