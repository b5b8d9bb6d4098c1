import { AmlError, type CredentialKind, type CredentialKindOf, type OpenInput } from "@aml/core/adapter";
import {
  bareSas,
  fetchHttpClient,
  parseSas,
  sharedKeyCredential,
  storageHttpClient,
  tokenCredential,
  type AzureTokenCredential,
  type SasInfo,
} from "@aml/azure-auth";
import { downloadPolicy } from "@aml/azure-auth/transfer";
import type { ContainerClient } from "@azure/storage-blob";
import type {
  AnonymousCredential,
  DataLakeFileSystemClient,
  StoragePipelineOptions,
  StorageSharedKeyCredential,
} from "@azure/storage-file-datalake";
import { toError, type Attempt } from "./errors.ts";
import { containerUrl, filesystemUrl, type AdlsGen2Options } from "./options.ts";

/** How a file system can be signed in to. */
export type AdlsGen2CredentialKind = CredentialKindOf<"azure_data_lake_gen2">;
export type AdlsGen2Input = OpenInput<AdlsGen2Options, AdlsGen2CredentialKind>;

/** A file system and the way into it. */
export interface Filesystem {
  /** Loads the SDK with the first call. */
  client(): Promise<DataLakeFileSystemClient>;
  /** The same files by the account's blob endpoint, which alone copies. Loads its SDK with the first call. */
  container(): Promise<ContainerClient>;
  /** Runs a request and turns what it throws into an `AmlError`, or into the reason of `signal`. */
  attempt<T>(
    operation: Attempt["operation"],
    path: string,
    signal: AbortSignal | undefined,
    run: (client: DataLakeFileSystemClient) => Promise<T>,
  ): Promise<T>;
  /** The error of a body that failed on its way. */
  brokenOff(path: string, cause: unknown): AmlError;
}

export function openFilesystem(input: AdlsGen2Input): Filesystem {
  const { options, credential } = input;
  const url = filesystemUrl(options);
  const sas = credential.kind === "sas" ? parseSas(credential.sasToken.reveal()) : undefined;
  const facts = describe(options, url, credential.kind, sas);
  const signer = signerOf(input);
  let connected: Promise<DataLakeFileSystemClient> | undefined;
  let blobs: Promise<ContainerClient> | undefined;
  const query = credential.kind === "sas" ? `?${bareSas(credential.sasToken.reveal())}` : "";
  const pipelineOptions = (): StoragePipelineOptions => ({
    ...(input.fetch && { httpClient: transport(input.fetch) }),
    // Core's withRetry is the one layer that repeats.
    retryOptions: { maxTries: 1 },
    userAgentOptions: { userAgentPrefix: "aml" },
  });
  // Loading an SDK takes longer than many a command; a store that is only named need not.
  const connect = async (): Promise<DataLakeFileSystemClient> => {
    const sdk = await import("@azure/storage-file-datalake");
    const pipeline = sdk.newPipeline(signer ?? sdkCredential(sdk, input), pipelineOptions());
    pipeline.factories.push(downloadPolicy);
    return new sdk.DataLakeFileSystemClient(url + query, pipeline);
  };
  const connectBlobs = async (): Promise<ContainerClient> => {
    const sdk = await import("@azure/storage-blob");
    const pipeline = sdk.newPipeline(signer ?? sdkCredential(sdk, input), pipelineOptions());
    return new sdk.ContainerClient(containerUrl(options) + query, pipeline);
  };
  const filesystem: Filesystem = {
    client: () => (connected ??= connect()),
    container: () => (blobs ??= connectBlobs()),
    async attempt(operation, path, signal, run) {
      signal?.throwIfAborted();
      const client = await filesystem.client();
      try {
        return await run(client);
      } catch (error) {
        throw toError(error, { ...facts, who: signer?.who(), operation, path }, signal);
      }
    },
    brokenOff: (path, cause) =>
      new AmlError(
        "unavailable",
        `The connection to ${facts.host} broke off while file '${path}' was read.`,
        {
          operation: "read",
          hint: "Try again; check the network if it stays.",
          context: { account: facts.account, filesystem: facts.filesystem, path },
          cause,
        },
      ),
  };
  return Object.freeze(filesystem);
}

type HttpClient = NonNullable<StoragePipelineOptions["httpClient"]>;

function transport(fetch: typeof globalThis.fetch): HttpClient {
  return storageHttpClient(fetchHttpClient(fetch)) as unknown as HttpClient;
}

function describe(
  { accountName, filesystem }: AdlsGen2Options,
  url: string,
  credential: CredentialKind,
  sas: SasInfo | undefined,
): Omit<Attempt, "operation" | "path"> {
  return {
    account: accountName,
    filesystem,
    host: new URL(url).host,
    credential,
    expiresAt: sas?.expiresAt,
    permissions: sas?.permissions,
  };
}

/** Of credentials that end in a token. */
function signerOf({ credential, tokenProvider }: AdlsGen2Input): AzureTokenCredential | undefined {
  const isToken = credential.kind !== "account_key" && credential.kind !== "sas";
  return isToken ? tokenCredential(credential, { tokenProvider }) : undefined;
}

function sdkCredential(
  sdk: Pick<
    typeof import("@azure/storage-file-datalake"),
    "AnonymousCredential" | "StorageSharedKeyCredential"
  >,
  { options, credential }: AdlsGen2Input,
): StorageSharedKeyCredential | AnonymousCredential {
  if (credential.kind !== "account_key") return new sdk.AnonymousCredential();
  return sharedKeyCredential(sdk.StorageSharedKeyCredential, options.accountName, credential.accountKey);
}
