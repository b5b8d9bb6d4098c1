import {
  defineStorageAdapter,
  httpEndpoint,
  STORE_CREDENTIALS,
  type StorageDefinition,
} from "@aml/core/adapter";
import { signedIn } from "@aml/azure-auth";
import { open, type AdlsGen2Storage } from "./adapter.ts";
import type { AdlsGen2CredentialKind, AdlsGen2Input } from "./filesystem.ts";
import { filesystemUrl, locate, parseOptions, type AdlsGen2Options } from "./options.ts";

/** A definition whose stores can rename and make directories besides. */
export interface AdlsGen2Definition extends StorageDefinition<AdlsGen2Options, AdlsGen2CredentialKind> {
  open(input: AdlsGen2Input): AdlsGen2Storage;
}

/** Azure Data Lake Storage Gen2: a file system as a datastore of type `azure_data_lake_gen2`. */
export const adlsGen2: AdlsGen2Definition = Object.freeze({
  ...defineStorageAdapter<AdlsGen2Options, AdlsGen2CredentialKind>({
    type: "azure_data_lake_gen2",
    credentialKinds: STORE_CREDENTIALS.azure_data_lake_gen2,
    parseOptions,
    locate,
    open,
    endpoint: (options) => httpEndpoint(filesystemUrl(options)),
    signIn: ({ credential, tokenProvider }, options) =>
      signedIn(credential, "https://storage.azure.com/.default", { ...options, tokenProvider }),
  }),
  open,
});

export type { AdlsGen2CredentialKind, AdlsGen2Options, AdlsGen2Storage };
export type { RenameOptions } from "./directories.ts";
