import { AmlError } from "./aml-error.ts";
import { secretNames, storeCredential } from "./credential-input.ts";
import type { UnsavedSpec } from "./open-stores.ts";
import type { DatastoreRecord, Registry } from "./registry.ts";
import type { SecretStore } from "./secret.ts";
import type { OperationOptions } from "./storage.ts";

/** A datastore to save, and the record that it replaces. */
export interface Change {
  readonly spec: UnsavedSpec;
  readonly before: DatastoreRecord | undefined;
}

export interface Keepers {
  readonly registry: Registry;
  readonly secrets: SecretStore;
}

interface Saved extends Change {
  readonly record: DatastoreRecord;
  /** Secrets that were made for it. */
  readonly created: readonly string[];
}

/**
 * Saves all changes or, when one of them fails, none: what was saved by then is put back as it was.
 *
 * New secrets get new names, so a reader sees the old record with the old secret or the new with the new; old secrets
 * go when everything is saved.
 */
export async function saveDatastores(
  changes: readonly Change[],
  keepers: Keepers,
  options?: OperationOptions,
): Promise<readonly DatastoreRecord[]> {
  const saved: Saved[] = [];
  try {
    for (const change of changes) saved.push(await save(change, keepers, options));
  } catch (error) {
    // Not under the caller's signal: it may be what stopped us.
    for (const done of saved.toReversed()) await undo(done, keepers, error);
    throw error;
  }
  for (const { before, record } of saved) {
    if (before !== undefined) await forget(keepers.secrets, ownSecrets(before, record), options);
  }
  return saved.map(({ record }) => record);
}

async function save(
  change: Change,
  { registry, secrets }: Keepers,
  options?: OperationOptions,
): Promise<Saved> {
  const { spec, before } = change;
  const { credential, created } = await storeCredential(
    spec.credential,
    secretPrefix(spec.name),
    secrets,
    options,
  );
  try {
    const put = { ...options, overwrite: before !== undefined };
    return { ...change, created, record: await registry.putDatastore({ ...spec, credential }, put) };
  } catch (error) {
    await forget(secrets, created);
    throw error;
  }
}

async function undo({ record, before, created }: Saved, keepers: Keepers, cause: unknown): Promise<void> {
  try {
    if (before === undefined) await keepers.registry.deleteDatastore(record.name);
    else {
      const { createdAt: _created, updatedAt: _updated, ...spec } = before;
      await keepers.registry.putDatastore(spec, { overwrite: true });
    }
    await forget(keepers.secrets, created);
  } catch {
    throw new AmlError(
      "internal",
      `Saving failed, and the datastore '${record.name}' could not be put back.`,
      {
        hint: "Look at it with show, then register it again.",
        context: { name: record.name },
        cause,
      },
    );
  }
}

/** The secrets that were made for a datastore, less those that a newer record still uses. */
export function ownSecrets(record: DatastoreRecord, newer?: DatastoreRecord): readonly string[] {
  const kept = newer === undefined ? [] : secretNames(newer.credential);
  return secretNames(record.credential).filter(
    (name) => name.startsWith(`${secretPrefix(record.name)}/`) && !kept.includes(name),
  );
}

export async function forget(
  secrets: SecretStore,
  names: readonly string[],
  options?: OperationOptions,
): Promise<void> {
  for (const name of names) await secrets.delete?.(name, options);
}

function secretPrefix(datastore: string): string {
  return `datastores/${datastore}`;
}
