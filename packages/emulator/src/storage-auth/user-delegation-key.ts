import { signText } from "./shared-key.ts";
import type { StorageAccount } from "./storage-account.ts";
import { escapeXml } from "./storage-error.ts";

/** What a user delegation key is for; every field is in each SAS that it signs. */
export interface UserDelegationKeyFields {
  readonly objectId: string;
  readonly tenantId: string;
  /** ISO 8601 in UTC, as asked for. */
  readonly startsOn: string;
  readonly expiresOn: string;
  readonly service: "b" | "f";
  readonly version: string;
  /** Of a key for the users of another tenant. */
  readonly delegatedTenantId?: string | undefined;
}

/** The key itself, in base64. It follows from its fields and the account's first key: nothing has to be kept. */
export function userDelegationKey(account: StorageAccount, fields: UserDelegationKeyFields): string {
  const { objectId, tenantId, startsOn, expiresOn, service, version, delegatedTenantId = "" } = fields;
  return signText(
    account.keys[0] ?? "",
    [
      "user-delegation-key",
      objectId,
      tenantId,
      startsOn,
      expiresOn,
      service,
      version,
      delegatedTenantId,
    ].join("\n"),
  );
}

/** The body that answers `POST /?restype=service&comp=userdelegationkey`. */
export function userDelegationKeyXml(account: StorageAccount, fields: UserDelegationKeyFields): string {
  const parts = {
    SignedOid: fields.objectId,
    SignedTid: fields.tenantId,
    SignedStart: fields.startsOn,
    SignedExpiry: fields.expiresOn,
    SignedService: fields.service,
    SignedVersion: fields.version,
    ...(fields.delegatedTenantId && { SignedDelegatedUserTid: fields.delegatedTenantId }),
    Value: userDelegationKey(account, fields),
  };
  const elements = Object.entries(parts).map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`);
  return `<?xml version="1.0" encoding="utf-8"?><UserDelegationKey>${elements.join("")}</UserDelegationKey>`;
}
