import { defineStorageAdapter, type StorageDefinition } from "@aml/core/adapter";
import { open } from "./adapter.ts";
import type { BlobCredentialKind } from "./container.ts";
import { locate, parseOptions, type AzureBlobOptions } from "./options.ts";

/** Azure Blob Storage: a container as a datastore of type `azure_blob`. */
export const azureBlob: StorageDefinition<AzureBlobOptions, BlobCredentialKind> = defineStorageAdapter({
  type: "azure_blob",
  credentialKinds: [
    "identity",
    "account_key",
    "sas",
    "service_principal",
    "service_principal_certificate",
    "anonymous",
  ],
  parseOptions,
  locate,
  open,
});

export type { AzureBlobOptions, BlobCredentialKind };
