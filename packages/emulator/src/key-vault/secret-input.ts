import type { SecretVersion } from "./secret-record.ts";
import { badParameter } from "./vault-error.ts";

/** What a request may say about a version. */
export type SecretInput = Partial<
  Pick<SecretVersion, "value" | "contentType" | "tags" | "enabled" | "nbf" | "exp">
>;

const MAX_VALUE = 25_600;

/** Reads the body of a request that sets or updates a secret. @throws {VaultError} 400. */
export function parseSecretInput(text: string): SecretInput {
  const body = fields(parseJson(text), "body");
  const attributes = body["attributes"] === undefined ? {} : fields(body["attributes"], "attributes");
  return {
    ...(has(body, "value") && { value: valueText(body["value"]) }),
    ...(has(body, "contentType") && { contentType: text255(body["contentType"], "contentType") }),
    ...(has(body, "tags") && { tags: tagTexts(body["tags"]) }),
    ...(has(attributes, "enabled") && { enabled: attributes["enabled"] === true }),
    ...(has(attributes, "nbf") && { nbf: seconds(attributes["nbf"], "nbf") }),
    ...(has(attributes, "exp") && { exp: seconds(attributes["exp"], "exp") }),
  };
}

const has = (body: Readonly<Record<string, unknown>>, key: string): boolean =>
  body[key] !== undefined && body[key] !== null;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badParameter("The request body is not valid JSON.");
  }
}

function fields(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw badParameter(`Property ${name} has invalid value.`);
}

function valueText(value: unknown): string {
  if (typeof value !== "string") throw badParameter("Property value has invalid value.");
  if (Buffer.byteLength(value) <= MAX_VALUE) return value;
  throw badParameter(`The length of the secret value exceeds the maximum of ${MAX_VALUE} bytes.`);
}

function text255(value: unknown, name: string): string {
  if (typeof value === "string" && value.length <= 255) return value;
  throw badParameter(`Property ${name} has invalid value.`);
}

function tagTexts(value: unknown): Readonly<Record<string, string>> {
  const tags = Object.entries(fields(value, "tags"));
  if (tags.length <= 15) {
    return Object.fromEntries(tags.map(([key, tag]) => [key, text255(tag, "tags")]));
  }
  throw badParameter("Property tags has more than 15 tags.");
}

function seconds(value: unknown, name: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw badParameter(`Property ${name} has invalid value.`);
}
