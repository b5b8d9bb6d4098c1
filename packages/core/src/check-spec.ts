import { AmlError } from "./aml-error.ts";
import { OPTIONAL_SECRET_FIELDS, SECRET_FIELDS } from "./credential.ts";
import type { CredentialKind } from "./credential.ts";
import type { DatasetSpec, DatastoreSpec } from "./registry.ts";

/**
 * Checks a datastore before a registry stores it; gives a plain JSON copy of its fields, with the name in lower case.
 *
 * @throws `config_invalid` for a name other than 1–255 letters, digits and `_`; for values that JSON does not keep;
 * for a credential that holds a secret itself instead of a secret's name; for a signed URL.
 */
export function checkDatastoreSpec(spec: DatastoreSpec): DatastoreSpec {
  const { name, type, options, credential, description, tags } = spec;
  if (!isText(name, /^\w{1,255}$/))
    throw invalid(`${quote(name)} is not a datastore name`, "Use 1 to 255 letters, digits and underscores.");
  const what = `datastore "${name}"`;
  if (!isText(type, /^[\w.-]{1,255}$/))
    throw invalid(
      `The type of ${what} is missing or malformed`,
      "Use the type of an adapter, e.g. `azure_blob`.",
    );
  if (!isRecord(options)) throw notPlain(what, "options");
  checkCredential(credential, what);
  checkLabels(spec, what);
  return plain({ name: name.toLowerCase(), type, options, credential, description, tags }, what);
}

/**
 * Checks a dataset before a registry stores it; gives a plain JSON copy of its fields.
 *
 * @throws `config_invalid` for a name other than 1–255 letters, digits, `-`, `_` and `.`; for an unknown kind; for
 * values that JSON does not keep; for a signed URL.
 */
export function checkDatasetSpec(
  spec: DatasetSpec & { readonly hash: string },
): DatasetSpec & { readonly hash: string } {
  const { name, kind, hash, plan, description, tags } = spec;
  if (!isText(name, /^[\w.-]{1,255}$/))
    throw invalid(`${quote(name)} is not a dataset name`, "Use 1 to 255 letters, digits, `-`, `_` and `.`.");
  const what = `dataset "${name}"`;
  if (kind !== "file" && kind !== "tabular")
    throw invalid(`The kind of ${what} is unknown`, "Use `file` or `tabular`.");
  if (!isText(hash, /^[\x21-\x7e]{1,255}$/))
    throw invalid(`The hash of ${what} is missing or malformed`, "Use what `planHash` gives for the plan.");
  if (!isRecord(plan)) throw notPlain(what, "plan");
  checkLabels(spec, what);
  return plain({ name, kind, hash, plan, description, tags }, what);
}

function checkLabels({ description, tags }: DatastoreSpec | DatasetSpec, what: string): void {
  if (description !== undefined && typeof description !== "string") throw notPlain(what, "description");
  if (tags !== undefined && !(isRecord(tags) && Object.values(tags).every((tag) => typeof tag === "string")))
    throw invalid(`The tags of ${what} are not an object of strings`, 'Use e.g. { team: "taxi" }.');
}

/** The fields of a credential that are strings and no secret. */
const OPEN_FIELDS: ReadonlySet<string> = new Set([
  "kind",
  "tenantId",
  "clientId",
  "authorityUrl",
  "resourceUrl",
  "expiresAt",
  "source",
  "username",
]);

function checkCredential(credential: unknown, what: string): void {
  const kind = isRecord(credential) ? credential["kind"] : undefined;
  if (!isRecord(credential) || typeof kind !== "string" || !Object.hasOwn(SECRET_FIELDS, kind))
    throw invalid(
      `The credential of ${what} is of no known kind`,
      `Kinds are: ${Object.keys(SECRET_FIELDS).join(", ")}.`,
    );
  const secrets = SECRET_FIELDS[kind as CredentialKind];
  for (const field of new Set([...Object.keys(credential), ...secrets])) {
    const value = credential[field];
    const fits = secrets.includes(field)
      ? isSecretRef(value) || (value === undefined && OPTIONAL_SECRET_FIELDS.includes(field))
      : value === undefined || (OPEN_FIELDS.has(field) && typeof value === "string");
    if (!fits)
      throw invalid(
        `"${field}" in the credential of ${what} is not what a registry keeps`,
        'Put the value into a secret store and name it here: { secret: "name" }.',
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
    throw invalid(
      `A signed URL is part of ${what}`,
      "Register a datastore with a `sas` credential and use its URIs instead.",
    );
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
  const hint = "Use objects, arrays, strings, finite numbers, booleans and null.";
  return invalid(`"${key}" of ${what} is missing or not plain JSON`, hint, cause);
}

function invalid(message: string, hint: string, cause?: unknown): AmlError {
  return new AmlError("config_invalid", message, { hint, cause });
}

function quote(name: unknown): string {
  return typeof name === "string" ? JSON.stringify(name.slice(0, 300)) : `A ${typeof name}`;
}

/** The record with the description and the tags that a spec gives, where it gives any. */
export function renewLabels<T extends Pick<DatasetSpec, "description" | "tags">>(
  record: T,
  { description, tags }: Pick<DatasetSpec, "description" | "tags">,
): T {
  return {
    ...record,
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags }),
  };
}
