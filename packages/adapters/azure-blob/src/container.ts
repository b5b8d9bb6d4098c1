import {
  AmlError,
  type CredentialKind,
  type CredentialKindOf,
  type OpenInput,
  type StorePath,
} from "@aml/core/adapter";
import {
  bareSas,
  fetchHttpClient,
  parseSas,
  sharedKeyCredential,
  storageHttpClient,
  tokenCredentialOf,
  type AzureTokenCredential,
  type SasInfo,
} from "@aml/azure-auth";
import { downloadPolicy, isDeno } from "@aml/azure-auth/transfer";
import type { BlobClient, ContainerClient, StoragePipelineOptions } from "@azure/storage-blob";
import { toError, type Attempt } from "./errors.ts";
import { containerUrl, type AzureBlobOptions } from "./options.ts";

/** How a container can be signed in to. */
export type BlobCredentialKind = CredentialKindOf<"azure_blob">;
export type BlobInput = OpenInput<AzureBlobOptions, BlobCredentialKind>;

/** A container and the way into it. */
export interface Container {
  /** Loads the SDK with the first call. */
  client(): Promise<ContainerClient>;
  /** @param large - for many bytes: each request costs more, and its chunks are freed. */
  blob(path: StorePath, large?: boolean): Promise<BlobClient>;
  /** Runs a request and turns what it throws into an `AmlError`, or into the reason of `signal`. */
  attempt<T>(
    operation: Attempt["operation"],
    path: string,
    signal: AbortSignal | undefined,
    run: () => Promise<T>,
  ): Promise<T>;
  /** The error of a body that failed on its way. */
  brokenOff(path: string, cause: unknown): AmlError;
}

export function openContainer(input: BlobInput): Container {
  const { options, credential } = input;
  const url = containerUrl(options);
  const sas = credential.kind === "sas" ? parseSas(credential.sasToken.reveal()) : undefined;
  const facts = describe(options, url, credential.kind, sas);
  const identity = tokenCredentialOf(input.credential, input);
  let connected: Promise<ContainerClient> | undefined;

  let connectedForMuch: Promise<ContainerClient> | undefined;
  const connect = async (large: boolean): Promise<ContainerClient> => {
    // Loading it takes longer than many a command; a store that is only named need not.
    const sdk = await import("@azure/storage-blob");
    const pipeline = sdk.newPipeline(sdkCredential(sdk, input, identity), {
      ...(input.fetch && { httpClient: transport(input.fetch) }),
      // Core's withRetry is the one layer that repeats.
      retryOptions: { maxTries: 1 },
      userAgentOptions: { userAgentPrefix: "aml" },
    });
    // A policy of ours makes the SDK convert each request, which small ones would feel.
    if (large || isDeno) pipeline.factories.push(downloadPolicy);
    const query = credential.kind === "sas" ? `?${bareSas(credential.sasToken.reveal())}` : "";
    return new sdk.ContainerClient(url + query, pipeline);
  };
  const container: Container = {
    client: () => (connected ??= connect(false)),
    async blob(path, large = false) {
      const client = large ? (connectedForMuch ??= connect(true)) : container.client();
      const blob = (await client).getBlobClient(path);
      if (options.snapshot !== undefined) return blob.withSnapshot(options.snapshot);
      if (options.versionId !== undefined) return blob.withVersion(options.versionId);
      return blob;
    },
    async attempt(operation, path, signal, run) {
      signal?.throwIfAborted();
      try {
        return await run();
      } catch (error) {
        throw toError(error, { ...facts, who: identity?.who(), operation, path }, signal);
      }
    },
    brokenOff: (path, cause) =>
      new AmlError(
        "unavailable",
        `The connection to ${facts.host} broke off while blob '${path}' was read.`,
        {
          operation: "read",
          hint: "Try again; check the network if it stays.",
          context: { account: facts.account, container: facts.container, path },
          cause,
        },
      ),
  };
  return Object.freeze(container);
}

type HttpClient = NonNullable<StoragePipelineOptions["httpClient"]>;

function transport(fetch: typeof globalThis.fetch): HttpClient {
  return storageHttpClient(fetchHttpClient(fetch)) as unknown as HttpClient;
}

function describe(
  { accountName, containerName }: AzureBlobOptions,
  url: string,
  credential: CredentialKind,
  sas: SasInfo | undefined,
): Omit<Attempt, "operation" | "path" | "who"> {
  return {
    account: accountName,
    container: containerName,
    host: new URL(url).host,
    credential,
    expiresAt: sas?.expiresAt,
    permissions: sas?.permissions,
  };
}

function sdkCredential(
  sdk: typeof import("@azure/storage-blob"),
  { options, credential }: BlobInput,
  identity: AzureTokenCredential | undefined,
): Parameters<typeof sdk.newPipeline>[0] {
  if (credential.kind === "account_key")
    return sharedKeyCredential(sdk.StorageSharedKeyCredential, options.accountName, credential.accountKey);
  return identity ?? new sdk.AnonymousCredential();
}
