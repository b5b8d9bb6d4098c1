import { AmlError } from "./aml-error.ts";
import { checkCredentialFields, missingField } from "./check-credential-fields.ts";
import { OPTIONAL_SECRET_FIELDS, SECRET_FIELDS, type Credential, type CredentialKind } from "./credential.ts";
import { sasExpiry } from "./credential-expiry.ts";
import { Secret, type SecretRef, type SecretStore } from "./secret.ts";
import type { OperationOptions } from "./storage.ts";
import type { CredentialInput } from "./workspace.ts";

type Fields = Record<string, unknown> & { kind: CredentialKind };

/**
 * Checks a credential against the kinds that a store takes, and wraps plain secret values.
 *
 * @throws `config_invalid` naming the kind or field.
 */
export function parseCredential(
  input: CredentialInput | undefined,
  kinds: readonly CredentialKind[],
  type: string,
): Credential<Secret | SecretRef> {
  const kind = input?.kind ?? (["identity", "anonymous"] as const).find((free) => kinds.includes(free));
  if (kind === undefined || !kinds.includes(kind)) {
    throw new AmlError(
      "config_invalid",
      kind === undefined
        ? `A datastore of type ${type} needs a credential.`
        : `A datastore of type ${type} does not take a credential of kind '${kind}'.`,
      {
        hint: `Kinds it takes: ${kinds.join(", ")}.`,
      },
    );
  }
  const fields: Fields = { ...input, kind };
  delete fields["expiresAt"];
  checkCredentialFields(fields);
  for (const name of SECRET_FIELDS[kind]) {
    const value = fields[name];
    if (value === undefined && OPTIONAL_SECRET_FIELDS.includes(name)) continue;
    if (typeof value === "string" && value !== "") fields[name] = new Secret(value);
    else if (!(value instanceof Secret) && !isSecretRef(value)) throw missingField(kind, name);
  }
  return fields as unknown as Credential<Secret | SecretRef>;
}

/** Replaces names of secrets by their values. @throws `not_found` when the secret store lacks one. */
export async function revealCredential(
  credential: Credential<Secret | SecretRef>,
  secrets: SecretStore,
  options?: OperationOptions,
): Promise<Credential<Secret>> {
  const fields = { ...credential } as Fields;
  for (const name of SECRET_FIELDS[credential.kind]) {
    const value = fields[name];
    if (isSecretRef(value)) fields[name] = await secrets.get(value.secret, options);
  }
  return fields as unknown as Credential<Secret>;
}

/** A credential whose secrets are stored, with the names that were made for it. */
export interface StoredCredential {
  readonly credential: Credential;
  readonly created: readonly string[];
}

/**
 * Puts secret values into the secret store under fresh names below `prefix`, so that what used the old names is
 * undisturbed until the record changes.
 *
 * @throws `unsupported` when the secret store is read-only.
 */
export async function storeCredential(
  credential: Credential<Secret | SecretRef>,
  prefix: string,
  secrets: SecretStore,
  options?: OperationOptions,
): Promise<StoredCredential> {
  const fields = { ...credential } as Fields;
  const created: string[] = [];
  for (const field of SECRET_FIELDS[credential.kind]) {
    const value = fields[field];
    if (!(value instanceof Secret)) continue;
    if (secrets.set === undefined) {
      throw new AmlError("unsupported", "The secret store is read-only, so it cannot keep a new secret.", {
        hint: `Put the secret there yourself and give its name: { ${field}: { secret: "NAME" } }.`,
      });
    }
    const name = `${prefix}/${field}/${crypto.randomUUID().slice(0, 8)}`;
    await secrets.set(name, value, options);
    created.push(name);
    fields[field] = { secret: name };
  }
  const { sasToken } = credential as { readonly sasToken?: unknown };
  const expiresAt = sasToken instanceof Secret ? sasExpiry(sasToken) : undefined;
  if (expiresAt !== undefined) fields["expiresAt"] = expiresAt.toISOString();
  return { credential: fields as unknown as Credential, created };
}

/** The names of the secrets that a stored credential uses. */
export function secretNames(credential: Credential): readonly string[] {
  const fields = credential as Fields;
  return SECRET_FIELDS[credential.kind].flatMap((field) => {
    const value = fields[field];
    return isSecretRef(value) ? [value.secret] : [];
  });
}

function isSecretRef(value: unknown): value is SecretRef {
  return typeof value === "object" && value !== null && "secret" in value && typeof value.secret === "string";
}
