import { isAmlError } from "./aml-error.ts";
import { credentialExpiry } from "./credential-expiry.ts";
import { revealCredential } from "./credential-input.ts";
import type { Credential } from "./credential.ts";
import type { DatastoreSpec } from "./registry.ts";
import { createRenewable, type Renewable } from "./renewable.ts";
import type { Secret } from "./secret.ts";
import type { SqlSource } from "./sql-source.ts";
import type { OperationOptions, StorageAdapter } from "./storage.ts";
import { withRenewal, withSqlRenewal } from "./with-renewal.ts";
import type { WorkspaceOptions } from "./workspace.ts";

/** A registered datastore that is open. */
export interface OpenDatastore {
  readonly store: StorageAdapter | SqlSource;
  /** Goes on with the credential of a newer record, where it is another one. */
  follow(spec: DatastoreSpec): Promise<void>;
}

export type Layered = (store: StorageAdapter | SqlSource) => StorageAdapter | SqlSource;

export interface Connector {
  connect(credential: Credential<Secret>): StorageAdapter | SqlSource;
  signIn(credential: Credential<Secret>, operation?: OperationOptions): Promise<void>;
  /** Whether its type has credentials at all. */
  readonly renewable: boolean;
}

const DAY_MS = 86_400_000;
/** A credential that ends within this time is told of. */
const NOTICE_MS = 7 * DAY_MS;

/** @throws `not_found`, `auth_failed` of the secret store. */
export async function openDatastore(
  spec: DatastoreSpec,
  connector: Connector,
  layered: Layered,
  { registry, secrets, onTrace }: Pick<WorkspaceOptions, "registry" | "secrets" | "onTrace">,
  operation?: OperationOptions,
): Promise<OpenDatastore> {
  const credential = await revealCredential(spec.credential, secrets, operation);
  await connector.signIn(credential, operation);
  let stored = JSON.stringify(spec.credential);
  let uri = "";
  const told = (used: Credential<Secret>): StorageAdapter | SqlSource => {
    const store = connector.connect(used);
    ({ uri } = store);
    const expiresAt = credentialExpiry(used);
    const left = (expiresAt?.getTime() ?? Infinity) - Date.now();
    if (expiresAt !== undefined && left > 0 && left < NOTICE_MS) {
      onTrace?.({ kind: "credential", change: "expires", datastore: spec.name, store: uri, expiresAt });
    }
    return store;
  };
  const renewable = createRenewable<StorageAdapter | SqlSource>({
    credential,
    connect: told,
    async load() {
      const record = await registry.getDatastore(spec.name).catch((error: unknown) => {
        if (isAmlError(error, "not_found")) return undefined;
        throw error;
      });
      // What is elsewhere by now is another store: its credential is not for this one.
      if (record === undefined || !samePlace(record, spec)) return undefined;
      return revealCredential(record.credential, secrets);
    },
    onRenewed: () => onTrace?.({ kind: "credential", change: "renewed", datastore: spec.name, store: uri }),
  });
  return {
    store: layered(connector.renewable ? renewing(renewable) : renewable.current()),
    async follow(newer) {
      const now = JSON.stringify(newer.credential);
      if (now === stored) return;
      await renewable.follow();
      stored = now;
    },
  };
}

function renewing(renewable: Renewable<StorageAdapter | SqlSource>): StorageAdapter | SqlSource {
  // One definition opens all of them, so they are of one contract.
  return renewable.current().contract === "aml.storage/1"
    ? withRenewal(renewable as Renewable<StorageAdapter>)
    : withSqlRenewal(renewable as Renewable<SqlSource>);
}

function samePlace(one: DatastoreSpec, other: DatastoreSpec): boolean {
  return one.type === other.type && JSON.stringify(one.options) === JSON.stringify(other.options);
}
