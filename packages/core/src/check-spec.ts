import { AmlError } from "./aml-error.ts";
import { SECRET_FIELDS } from "./credential.ts";
import type { CredentialKind } from "./credential.ts";
import type { DatasetSpec, DatastoreSpec } from "./registry.ts";

/**
 * Checks a datastore before a registry stores it; gives a plain JSON copy whose name is in lower case.
 *
 * @throws `config_invalid` for a name other than 1–255 letters, digits and `_`; for values that JSON does not keep;
 * for a credential that holds a secret itself instead of a secret's name; for a signed URL.
 */
export function checkDatastoreSpec(spec: DatastoreSpec): DatastoreSpec {
  if (!isText(spec.name, /^\w{1,255}$/))
    throw new AmlError("config_invalid", `${quote(spec.name)} is not a datastore name`, {
      hint: "Use 1 to 255 letters, digits and underscores.",
    });
  const what = `datastore "${spec.name}"`;
  if (!isText(spec.type, /^[\w.-]{1,255}$/))
    throw new AmlError("config_invalid", `The type of ${what} is missing or malformed`, {
      hint: "Use the type of an adapter, e.g. `azure_blob`.",
    });
  if (!isRecord(spec.options)) throw notPlain(what, "options");
  checkCredential(spec.credential, what);
  return { ...plain(spec, what), name: spec.name.toLowerCase() };
}

/**
 * Checks a dataset before a registry stores it, and gives a plain JSON copy.
 *
 * @throws `config_invalid` for a name other than 1–255 letters, digits, `-`, `_` and `.`; for an unknown kind; for
 * values that JSON does not keep; for a signed URL.
 */
export function checkDatasetSpec<S extends DatasetSpec & { readonly hash: string }>(spec: S): S {
  if (!isText(spec.name, /^[\w.-]{1,255}$/))
    throw new AmlError("config_invalid", `${quote(spec.name)} is not a dataset name`, {
      hint: "Use 1 to 255 letters, digits, `-`, `_` and `.`.",
    });
  const what = `dataset "${spec.name}"`;
  if (spec.kind !== "file" && spec.kind !== "tabular") throw notPlain(what, "kind");
  if (!isText(spec.hash, /^[\x21-\x7e]{1,255}$/)) throw notPlain(what, "hash");
  if (!isRecord(spec.plan)) throw notPlain(what, "plan");
  return plain(spec, what);
}

/** The fields of a credential that are strings and no secret. */
const OPEN_FIELDS: ReadonlySet<string> = new Set([
  "kind",
  "tenantId",
  "clientId",
  "authorityUrl",
  "source",
  "username",
]);

function checkCredential(credential: unknown, what: string): void {
  const kind = isRecord(credential) ? credential["kind"] : undefined;
  if (!isRecord(credential) || typeof kind !== "string" || !Object.hasOwn(SECRET_FIELDS, kind))
    throw new AmlError("config_invalid", `The credential of ${what} is of no known kind`, {
      hint: `Kinds are: ${Object.keys(SECRET_FIELDS).join(", ")}.`,
    });
  const secrets = SECRET_FIELDS[kind as CredentialKind];
  for (const field of new Set([...Object.keys(credential), ...secrets])) {
    const value = credential[field];
    const fits = secrets.includes(field)
      ? isSecretRef(value)
      : value === undefined || (OPEN_FIELDS.has(field) && typeof value === "string");
    if (!fits)
      throw new AmlError(
        "config_invalid",
        `"${field}" in the credential of ${what} is not what a registry keeps`,
        {
          hint: 'Put the value into a secret store and name it here: { secret: "name" }.',
          context: { field, kind },
        },
      );
  }
}

function isSecretRef(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).join() === "secret" && isText(value["secret"], /./s);
}

/** Refuses whatever JSON would drop, change or mask without a word. */
function plain<T>(value: T, what: string): T {
  let text: string;
  try {
    text = JSON.stringify(value, function (this: Record<string, unknown>, key: string, item: unknown) {
      if (!isPlain(this[key], Array.isArray(this))) throw notPlain(what, key);
      return item;
    });
  } catch (cause) {
    throw cause instanceof AmlError ? cause : notPlain(what, "value", cause);
  }
  if (/[?&]sig=[^&"\s]/i.test(text))
    throw new AmlError("config_invalid", `A signed URL is part of ${what}`, {
      hint: "Register a datastore with a `sas` credential and use its URIs instead.",
    });
  return JSON.parse(text) as T;
}

function isPlain(value: unknown, inArray: boolean): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (value === undefined) return !inArray;
  return value === null || typeof value === "string" || typeof value === "boolean" || isRecord(value, true);
}

function isRecord(value: unknown, orArray = false): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return orArray;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

function notPlain(what: string, key: string, cause?: unknown): AmlError {
  return new AmlError("config_invalid", `"${key}" of ${what} is missing or not plain JSON`, {
    hint: "Use objects, arrays, strings, finite numbers, booleans and null.",
    cause,
  });
}

function quote(name: unknown): string {
  return typeof name === "string" ? JSON.stringify(name.slice(0, 300)) : `A ${typeof name}`;
}
