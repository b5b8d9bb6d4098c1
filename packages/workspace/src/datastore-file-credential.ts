import { Secret, type CredentialInput, type CredentialKind } from "@aml/core";
import { SECRET_FIELDS } from "@aml/core/adapter";
import type { FileType } from "./datastore-file-types.ts";
import { checkKeys, fileError, requiredText, textOf, type FileSource, type MapNode } from "./file-node.ts";

/** Keys of `credentials` and the field that each becomes: those that must be there, and those that may. */
interface Keys {
  readonly required: Readonly<Record<string, string>>;
  readonly optional: Readonly<Record<string, string>>;
}

const RESOURCE = { resource_url: "resourceUrl" };
const PRINCIPAL = { tenant_id: "tenantId", client_id: "clientId" };
const AUTHORITY = { ...RESOURCE, authority_url: "authorityUrl" };
const KEYS: { readonly [K in CredentialKind]: Keys } = {
  anonymous: { required: {}, optional: {} },
  account_key: { required: { account_key: "accountKey" }, optional: {} },
  sas: { required: { sas_token: "sasToken" }, optional: {} },
  service_principal: {
    required: { ...PRINCIPAL, client_secret: "clientSecret" },
    optional: AUTHORITY,
  },
  service_principal_certificate: {
    required: { ...PRINCIPAL, certificate: "certificate" },
    optional: AUTHORITY,
  },
  identity: {
    required: {},
    optional: { source: "source", client_id: "clientId", tenant_id: "tenantId", ...RESOURCE },
  },
  access_token: { required: { token: "token" }, optional: {} },
  oauth_client: { required: { client_id: "clientId", client_secret: "clientSecret" }, optional: {} },
  password: { required: { username: "username", password: "password" }, optional: {} },
};

/**
 * The credential that the keys below `credentials` describe; exactly one secret tells its kind, and `kind` tells those
 * without one.
 *
 * @throws `config_invalid` at an unknown key, for several secrets, for a service principal that is not complete.
 */
export function fileCredential(
  map: MapNode | undefined,
  { credentialKinds }: FileType,
  source: FileSource,
): CredentialInput {
  if (map === undefined) return { kind: "identity" };
  const known = new Set(credentialKinds.flatMap((kind) => Object.keys(fieldsOf(kind))));
  checkKeys(map, ["kind", ...known], source);
  const kind = kindOf(map, credentialKinds, source);
  const secrets = SECRET_FIELDS[kind];
  const fields = Object.entries(fieldsOf(kind)).flatMap(([key, field]): [string, unknown][] => {
    const value = key in KEYS[kind].required ? requiredText(map, key, source) : textOf(map, key, source);
    if (value === undefined) return [];
    return [[field, secrets.includes(field) ? new Secret(plain(kind, value)) : value]];
  });
  return { kind, ...Object.fromEntries(fields) } as CredentialInput;
}

function fieldsOf(kind: CredentialKind): Readonly<Record<string, string>> {
  return { ...KEYS[kind].required, ...KEYS[kind].optional };
}

function kindOf(map: MapNode, kinds: readonly CredentialKind[], source: FileSource): CredentialKind {
  const given = map.entries.map(({ key }) => key).filter((key) => key !== "kind");
  const named = textOf(map, "kind", source);
  if (named !== undefined) {
    const kind = kinds.find((candidate) => candidate === named);
    if (kind === undefined) throw wrong(map, source, "this kind is not one that the type takes.", kinds);
    checkKeys(map, ["kind", ...Object.keys(fieldsOf(kind))], source);
    return kind;
  }
  const secret = (key: string): boolean =>
    kinds.some((kind) => SECRET_FIELDS[kind].includes(fieldsOf(kind)[key] ?? ""));
  const secrets = given.filter(secret);
  if (secrets.length > 1) {
    throw wrong(
      map,
      source,
      "'credentials' needs exactly one secret.",
      kinds,
      `Keep one of ${secrets.join(", ")}.`,
    );
  }
  const able = kinds.filter(
    (kind) => SECRET_FIELDS[kind].length > 0 && given.every((key) => key in fieldsOf(kind)),
  );
  const complete = able.find((kind) => Object.keys(KEYS[kind].required).every((key) => given.includes(key)));
  if (complete !== undefined) return complete;
  const nearest = given.length === 0 ? undefined : able[0];
  if (nearest === undefined) {
    const problem = given.length === 0 ? "'credentials' is empty." : "these keys are not of one credential.";
    throw wrong(map, source, problem, kinds);
  }
  const missing = Object.keys(KEYS[nearest].required).filter((key) => !given.includes(key));
  throw wrong(map, source, `'credentials' lacks ${missing.join(", ")}.`, kinds);
}

function wrong(
  map: MapNode,
  source: FileSource,
  problem: string,
  kinds: readonly CredentialKind[],
  hint: string = `Leave 'credentials' out for identity-based access, or give one of: ${kinds.map(formOf).join("; ")}.`,
): Error {
  return fileError(source, map.offset, problem, hint, { key: "credentials" });
}

function formOf(kind: CredentialKind): string {
  const keys = Object.keys(KEYS[kind].required);
  return keys.length === 0 ? `kind: ${kind}` : keys.join(" + ");
}

/** A SAS is often copied with the `?` of its URL. */
function plain(kind: CredentialKind, value: string): string {
  return kind === "sas" ? value.replace(/^\?/, "") : value;
}
