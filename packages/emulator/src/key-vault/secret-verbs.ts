import { randomUUID } from "node:crypto";
import { bundleJson, deletedJson, itemJson, RETENTION } from "./secret-json.ts";
import type { SecretInput } from "./secret-input.ts";
import { currentVersion, type SecretRecord, type SecretVersion } from "./secret-record.ts";
import type { SecretShelf } from "./secret-shelf.ts";
import { badParameter, deletedButRecoverable, notFound, VaultError } from "./vault-error.ts";

/** The secrets of one vault; `vault` is its URL, which ids start with. */
export interface SecretVerbs {
  set(vault: string, name: string, input: SecretInput): Promise<unknown>;
  get(vault: string, name: string, version: string): unknown;
  update(vault: string, name: string, version: string, input: SecretInput): Promise<unknown>;
  delete(vault: string, name: string): Promise<unknown>;
  getDeleted(vault: string, name: string): unknown;
  recover(vault: string, name: string): Promise<unknown>;
  purge(name: string): Promise<void>;
  list(vault: string): readonly unknown[];
  listVersions(vault: string, name: string): readonly unknown[];
  listDeleted(vault: string): readonly unknown[];
}

/** @param now - seconds since 1970. */
export function createSecretVerbs(shelf: SecretShelf, now: () => number): SecretVerbs {
  /** What was deleted long enough ago is gone. */
  const find = (name: string): SecretRecord | undefined => {
    const record = shelf.get(name);
    return record?.deleted !== undefined && record.deleted.purgeAt <= now() ? undefined : record;
  };
  const live = (name: string): SecretRecord => {
    const record = find(name);
    if (record === undefined || record.deleted !== undefined) throw notFound(name);
    return record;
  };
  const deleted = (name: string): SecretRecord => {
    const record = find(name);
    if (record?.deleted === undefined) throw notFound(name);
    return record;
  };
  const all = (): readonly SecretRecord[] => shelf.list().filter(({ name }) => find(name) !== undefined);

  return {
    async set(vault, name, input) {
      if (input.value === undefined) throw badParameter("Property value has invalid value.");
      const before = find(name);
      if (before?.deleted !== undefined) throw deletedButRecoverable(before.name);
      const time = now();
      const made: SecretVersion = {
        enabled: true,
        ...input,
        value: input.value,
        version: randomUUID().replaceAll("-", ""),
        created: time,
        updated: time,
      };
      const record = { name: before?.name ?? name, versions: [...(before?.versions ?? []), made] };
      await shelf.put(record);
      return bundleJson(vault, record, made);
    },
    get(vault, name, version) {
      const record = live(name);
      const found = versionOf(record, version);
      if (found.enabled) return bundleJson(vault, record, found);
      throw new VaultError(
        403,
        "Forbidden",
        "Operation get is not allowed on a disabled secret.",
        "SecretDisabled",
      );
    },
    async update(vault, name, version, { value: _value, ...changes }) {
      const record = live(name);
      const before = versionOf(record, version);
      const after = { ...before, ...changes, updated: now() };
      const versions = record.versions.map((one) => (one === before ? after : one));
      await shelf.put({ ...record, versions });
      return itemJson(vault, record, after, true);
    },
    async delete(vault, name) {
      const at = now();
      const record = { ...live(name), deleted: { at, purgeAt: at + RETENTION } };
      await shelf.put(record);
      return deletedJson(vault, record, true);
    },
    getDeleted: (vault, name) => deletedJson(vault, deleted(name), true),
    async recover(vault, name) {
      const { name: same, versions } = deleted(name);
      const record = { name: same, versions };
      await shelf.put(record);
      return itemJson(vault, record, currentVersion(record), true);
    },
    purge: (name) => shelf.remove(deleted(name).name),
    list: (vault) =>
      all()
        .filter((record) => record.deleted === undefined)
        .map((record) => itemJson(vault, record, currentVersion(record), false)),
    listVersions(vault, name) {
      const record = find(name);
      if (record === undefined || record.deleted !== undefined) return [];
      return record.versions.map((one) => itemJson(vault, record, one, true));
    },
    listDeleted: (vault) =>
      all()
        .filter((record) => record.deleted !== undefined)
        .map((record) => deletedJson(vault, record, false)),
  };
}

function versionOf(record: SecretRecord, version: string): SecretVersion {
  if (version === "") return currentVersion(record);
  const found = record.versions.find((one) => one.version === version.toLowerCase());
  if (found !== undefined) return found;
  throw notFound(`${record.name}/${version}`);
}
