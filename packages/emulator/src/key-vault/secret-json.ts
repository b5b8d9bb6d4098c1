import { currentVersion, type SecretRecord, type SecretVersion } from "./secret-record.ts";

const RECOVERABLE_DAYS = 90;
/** In seconds. */
export const RETENTION: number = RECOVERABLE_DAYS * 86_400;

type Json = Readonly<Record<string, unknown>>;

/** A version as lists have it: everything but the value. */
export function itemJson(
  vault: string,
  { name }: SecretRecord,
  one: SecretVersion,
  withVersion: boolean,
): Json {
  const { contentType, tags, enabled, nbf, exp, created, updated } = one;
  return {
    ...(contentType !== undefined && { contentType }),
    id: `${vault}/secrets/${name}${withVersion ? `/${one.version}` : ""}`,
    attributes: {
      enabled,
      ...(nbf !== undefined && { nbf }),
      ...(exp !== undefined && { exp }),
      created,
      updated,
      recoveryLevel: "Recoverable+Purgeable",
      recoverableDays: RECOVERABLE_DAYS,
    },
    ...(tags !== undefined && { tags }),
  };
}

export function bundleJson(vault: string, record: SecretRecord, one: SecretVersion): Json {
  return { value: one.value, ...itemJson(vault, record, one, true) };
}

/** A deleted secret, without its value. */
export function deletedJson(vault: string, record: SecretRecord, withVersion: boolean): Json {
  return {
    recoveryId: `${vault}/deletedsecrets/${record.name}`,
    deletedDate: record.deleted?.at,
    scheduledPurgeDate: record.deleted?.purgeAt,
    ...itemJson(vault, record, currentVersion(record), withVersion),
  };
}
