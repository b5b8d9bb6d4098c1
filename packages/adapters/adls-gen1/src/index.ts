import {
  defineStorageAdapter,
  httpEndpoint,
  STORE_CREDENTIALS,
  type StorageDefinition,
} from "@aml/core/adapter";
import { signedIn } from "@aml/azure-auth";
import { open } from "./adapter.ts";
import { locate, originOf, parseOptions, type AdlsGen1Options } from "./options.ts";
import { SCOPE, type Gen1CredentialKind } from "./store.ts";

/**
 * Azure Data Lake Storage Gen1: a store as a datastore of type `azure_data_lake_gen1`. The service was retired on
 * 29 February 2024; a store that is used says so once, with the Gen2 form of its URIs.
 */
export const adlsGen1: StorageDefinition<AdlsGen1Options, Gen1CredentialKind> = defineStorageAdapter({
  type: "azure_data_lake_gen1",
  credentialKinds: STORE_CREDENTIALS.azure_data_lake_gen1,
  parseOptions,
  locate,
  open,
  endpoint: (options) => httpEndpoint(originOf(options)),
  signIn: ({ credential, tokenProvider }, options) =>
    signedIn(credential, SCOPE, { ...options, tokenProvider }),
});

export type { AdlsGen1Options, Gen1CredentialKind };
