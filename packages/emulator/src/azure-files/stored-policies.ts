import { escapeXml, type StoredAccessPolicy } from "../storage-auth/index.ts";
import { refusal } from "./file-refusal.ts";

const MOST = 5;

/** The stored access policies of a request's body, by name. @throws `InvalidXmlDocument`. */
export function readPolicies(xml: string): Record<string, StoredAccessPolicy> {
  const policies: Record<string, StoredAccessPolicy> = {};
  for (const [, entry = ""] of xml.matchAll(/<SignedIdentifier>([\s\S]*?)<\/SignedIdentifier>/g)) {
    const id = textOf(entry, "Id");
    if (id === undefined || id.length > 64) throw refusal("InvalidXmlDocument");
    policies[id] = {
      startsOn: textOf(entry, "Start"),
      expiresOn: textOf(entry, "Expiry"),
      permissions: textOf(entry, "Permission"),
    };
  }
  if (Object.keys(policies).length > MOST) throw refusal("InvalidXmlDocument");
  return policies;
}

function textOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text === undefined || text === "" ? undefined : unescapeXml(text);
}

function unescapeXml(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

export function writePolicies(policies: Readonly<Record<string, StoredAccessPolicy>>): string {
  const entries = Object.entries(policies).map(([id, { startsOn, expiresOn, permissions }]) => {
    const part = (name: string, text: string | undefined): string =>
      text === undefined ? "" : `<${name}>${escapeXml(text)}</${name}>`;
    const policy = part("Start", startsOn) + part("Expiry", expiresOn) + part("Permission", permissions);
    return `<SignedIdentifier>${part("Id", id)}<AccessPolicy>${policy}</AccessPolicy></SignedIdentifier>`;
  });
  return `<SignedIdentifiers>${entries.join("")}</SignedIdentifiers>`;
}
