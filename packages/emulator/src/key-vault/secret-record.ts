/** One version of a secret. Times are in seconds since 1970, as on the wire. */
export interface SecretVersion {
  readonly version: string;
  readonly value: string;
  readonly contentType?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly enabled: boolean;
  readonly nbf?: number | undefined;
  readonly exp?: number | undefined;
  readonly created: number;
  readonly updated: number;
}

/** A secret by name, with all its versions; the last one is the current. */
export interface SecretRecord {
  readonly name: string;
  readonly versions: readonly SecretVersion[];
  /** When it was deleted, and when it will be gone. */
  readonly deleted?: { readonly at: number; readonly purgeAt: number } | undefined;
}

export function currentVersion(record: SecretRecord): SecretVersion {
  return record.versions[record.versions.length - 1] as SecretVersion;
}
