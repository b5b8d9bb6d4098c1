import {
  defineStorageAdapter,
  httpEndpoint,
  STORE_CREDENTIALS,
  type StorageDefinition,
} from "@aml/core/adapter";
import { signedIn } from "@aml/azure-auth";
import { open } from "./adapter.ts";
import type { BlobCredentialKind } from "./container.ts";
import { containerUrl, locate, parseOptions, type AzureBlobOptions } from "./options.ts";

/** Azure Blob Storage: a container as a datastore of type `azure_blob`. */
export const azureBlob: StorageDefinition<AzureBlobOptions, BlobCredentialKind> = defineStorageAdapter({
  type: "azure_blob",
  credentialKinds: STORE_CREDENTIALS.azure_blob,
  parseOptions,
  locate,
  open,
  endpoint: (options) => httpEndpoint(containerUrl(options)),
  signIn: ({ credential, tokenProvider }, options) =>
    signedIn(credential, "https://storage.azure.com/.default", { ...options, tokenProvider }),
});

export type { AzureBlobOptions, BlobCredentialKind };
