import {
  defineStorageAdapter,
  httpEndpoint,
  STORE_CREDENTIALS,
  type StorageDefinition,
} from "@aml/core/adapter";
import { open } from "./adapter.ts";
import { originOf, parseOptions, type DbfsOptions } from "./options.ts";
import { signIn } from "./tokens.ts";
import type { DbfsCredentialKind } from "./workspace.ts";

/**
 * Databricks: a folder of DBFS or of a Unity Catalog volume as a datastore of type `dbfs`. A `dbfs:` URI names no
 * workspace, so there is no `locate`.
 */
export const dbfs: StorageDefinition<DbfsOptions, DbfsCredentialKind> = defineStorageAdapter({
  type: "dbfs",
  credentialKinds: STORE_CREDENTIALS.dbfs,
  parseOptions,
  open,
  endpoint: (options) => httpEndpoint(originOf(options)),
  signIn,
});

export type { DbfsCredentialKind, DbfsOptions };
