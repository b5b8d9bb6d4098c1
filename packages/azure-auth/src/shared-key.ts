import { createSecretKey } from "node:crypto";
import type { Secret } from "@aml/core/adapter";

/**
 * The credential of a storage SDK for an account key, with the key in a form that Node made ready once. As the bytes
 * that the SDKs keep, it is made ready for each signature, which takes several times as long, and `inspect()` shows it.
 */
export function sharedKeyCredential<C extends object>(
  StorageSharedKeyCredential: new (accountName: string, accountKey: string) => C,
  accountName: string,
  accountKey: Secret,
): C {
  const credential = new StorageSharedKeyCredential(accountName, accountKey.reveal().trim());
  // Not declared: where an SDK keeps it elsewhere, it signs as slowly as before.
  const { accountKey: bytes } = credential as { accountKey?: unknown };
  if (!(bytes instanceof Uint8Array)) return credential;
  return Object.assign(credential, { accountKey: createSecretKey(bytes) });
}
