import {
  defineStorageAdapter,
  httpEndpoint,
  STORE_CREDENTIALS,
  type StorageDefinition,
} from "@aml/core/adapter";
import { signedIn } from "@aml/azure-auth";
import { open } from "./adapter.ts";
import { locate, parseOptions, shareUrl, type AzureFileShareOptions } from "./options.ts";
import type { FileShareCredentialKind } from "./share.ts";

/** Azure Files: a share as a datastore of type `azure_file`. */
export const azureFileShare: StorageDefinition<AzureFileShareOptions, FileShareCredentialKind> =
  defineStorageAdapter({
    type: "azure_file",
    credentialKinds: STORE_CREDENTIALS.azure_file,
    parseOptions,
    locate,
    open,
    endpoint: (options) => httpEndpoint(shareUrl(options)),
    signIn: ({ credential, tokenProvider }, options) =>
      signedIn(credential, "https://storage.azure.com/.default", { ...options, tokenProvider }),
  });

export type { AzureFileShareOptions, FileShareCredentialKind };
