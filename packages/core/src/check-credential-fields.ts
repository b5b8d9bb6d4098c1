import { AmlError } from "./aml-error.ts";
import { IDENTITY_SOURCES, SECRET_FIELDS, type CredentialKind } from "./credential.ts";

interface Fields {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

const PRINCIPAL: Fields = { required: ["tenantId", "clientId"], optional: ["authorityUrl", "resourceUrl"] };
const NONE: Fields = { required: [], optional: [] };

/** The fields of each kind that hold no secret. */
const FIELDS: { readonly [K in CredentialKind]: Fields } = {
  anonymous: NONE,
  account_key: NONE,
  sas: NONE,
  service_principal: PRINCIPAL,
  service_principal_certificate: PRINCIPAL,
  identity: { required: [], optional: ["clientId", "tenantId", "source", "resourceUrl"] },
  access_token: NONE,
  oauth_client: { required: ["clientId"], optional: [] },
  password: { required: ["username"], optional: [] },
};

/** As Azure ML's records have it where no tenant or client was given. */
const ZERO = /^[0-]+$/;

/**
 * Checks the fields of a credential that hold no secret; secrets are checked by whoever wraps them.
 *
 * @throws `config_invalid` for one that is missing, empty, all zeros where it names a tenant or client, no https URL
 * where it is one, or that this kind has not got: two kinds at once.
 */
export function checkCredentialFields(
  fields: Readonly<Record<string, unknown>> & { kind: CredentialKind },
): void {
  const { kind } = fields;
  const { required, optional } = FIELDS[kind];
  const known = ["kind", ...required, ...optional, ...SECRET_FIELDS[kind]];
  const stranger = Object.keys(fields).find((name) => fields[name] !== undefined && !known.includes(name));
  if (stranger !== undefined) throw notOf(kind, stranger, known);
  for (const name of [...required, ...optional]) {
    const value = fields[name];
    if (value === undefined && optional.includes(name)) continue;
    if (
      typeof value !== "string" ||
      value === "" ||
      (/^(?:tenant|client)Id$/.test(name) && ZERO.test(value))
    ) {
      throw missingField(kind, name);
    }
    if (name.endsWith("Url")) checkUrl(name, value);
    if (name === "source" && !(IDENTITY_SOURCES as readonly string[]).includes(value)) {
      throw new AmlError("config_invalid", "The source of an identity is not one that there is.", {
        hint: `Sources are: ${IDENTITY_SOURCES.join(", ")}.`,
      });
    }
  }
}

export function missingField(kind: CredentialKind, field: string): AmlError {
  const secret = SECRET_FIELDS[kind].includes(field);
  return new AmlError("config_invalid", `A credential of kind '${kind}' needs '${field}'.`, {
    hint: `Give '${field}' as a non-empty string${secret ? ", or the name of a stored secret" : ""}.`,
  });
}

function notOf(kind: CredentialKind, field: string, known: readonly string[]): AmlError {
  // What is not a word may be a secret that slipped in.
  const shown = /^[A-Za-z]{1,32}$/.test(field) ? ` '${field}'` : " such a field";
  return new AmlError("config_invalid", `A credential of kind '${kind}' has no${shown}.`, {
    hint: `It has: ${known.join(", ")}. A datastore has one credential, of one kind.`,
  });
}

/** The value is not repeated: it may be a signed URL. */
function checkUrl(name: string, value: string): void {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === "https:" && !url.search && !url.username && !url.password) return;
  throw new AmlError("config_invalid", `'${name}' of the credential is not a plain https URL.`, {
    hint:
      name === "authorityUrl" ? "E.g. https://login.microsoftonline.com" : "E.g. https://storage.azure.com/",
  });
}
