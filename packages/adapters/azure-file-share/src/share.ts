import { AmlError, type CredentialKindOf, type OpenInput, type StorePath } from "@aml/core/adapter";
import {
  bareSas,
  fetchHttpClient,
  parseSas,
  sharedKeyCredential,
  storageHttpClient,
  tokenCredentialOf,
  type AzureTokenCredential,
} from "@aml/azure-auth";
import { downloadPolicy } from "@aml/azure-auth/transfer";
import type {
  ShareClient,
  ShareDirectoryClient,
  ShareFileClient,
  StoragePipelineOptions,
} from "@azure/storage-file-share";
import { toError, type Attempt } from "./errors.ts";
import { shareUrl, type AzureFileShareOptions } from "./options.ts";

/** How a share can be signed in to. */
export type FileShareCredentialKind = CredentialKindOf<"azure_file">;
export type FileShareInput = OpenInput<AzureFileShareOptions, FileShareCredentialKind>;

/** A share and the way into it. */
export interface Share {
  /** Loads the SDK with the first call. */
  file(path: string): Promise<ShareFileClient>;
  directory(path: string): Promise<ShareDirectoryClient>;
  /** Any file, by a URL that carries its own signature. */
  signedFile(url: string): Promise<ShareFileClient>;
  /** Runs a request and turns what it throws into an `AmlError`, or into the reason of `signal`. */
  attempt<T>(
    operation: Attempt["operation"],
    path: string,
    signal: AbortSignal | undefined,
    run: () => Promise<T>,
  ): Promise<T>;
  /** The error of a body that failed on its way. */
  brokenOff(path: StorePath, cause: unknown): AmlError;
}

export function openShare(input: FileShareInput): Share {
  const facts = describe(input);
  const identity = tokenCredentialOf(input.credential, input);
  let connected: Promise<ShareClient> | undefined;
  const root = async (): Promise<ShareDirectoryClient> =>
    (await (connected ??= connect(input, identity))).rootDirectoryClient;
  return Object.freeze<Share>({
    file: async (path) => (await root()).getFileClient(path),
    directory: async (path) => (path === "" ? root() : (await root()).getDirectoryClient(path)),
    signedFile: async (url) => {
      const sdk = await import("@azure/storage-file-share");
      return new sdk.ShareFileClient(url, pipelineOf(sdk, input, new sdk.AnonymousCredential()), DOTS);
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
        `The connection to ${facts.host} broke off while file '${path}' was read.`,
        {
          operation: "read",
          hint: "Try again; check the network if it stays.",
          context: { account: facts.account, share: facts.share, path },
          cause,
        },
      ),
  });
}

async function connect(
  input: FileShareInput,
  identity: AzureTokenCredential | undefined,
): Promise<ShareClient> {
  // Loading it takes longer than many a command; a store that is only named need not.
  const sdk = await import("@azure/storage-file-share");
  const { options, credential } = input;
  const pipeline = pipelineOf(sdk, input, sdkCredential(sdk, input, identity));
  const query = credential.kind === "sas" ? `?${bareSas(credential.sasToken.reveal())}` : "";
  return new sdk.ShareClient(shareUrl(options) + query, pipeline, {
    ...DOTS,
    // What a token may do follows from its roles; permissions of single files are SMB's.
    fileRequestIntent: "backup",
  });
}

/** Otherwise the service drops dots at the end of a name. */
const DOTS = { allowTrailingDot: true, allowSourceTrailingDot: true };

type Sdk = typeof import("@azure/storage-file-share");

function pipelineOf(
  sdk: Sdk,
  { fetch }: FileShareInput,
  credential: Parameters<Sdk["newPipeline"]>[0],
): ReturnType<Sdk["newPipeline"]> {
  const pipeline = sdk.newPipeline(credential, {
    ...(fetch && { httpClient: transport(fetch) }),
    // Core's withRetry is the one layer that repeats.
    retryOptions: { maxTries: 1 },
    userAgentOptions: { userAgentPrefix: "aml" },
  });
  pipeline.factories.push(downloadPolicy);
  return pipeline;
}

type HttpClient = NonNullable<StoragePipelineOptions["httpClient"]>;

function transport(fetch: typeof globalThis.fetch): HttpClient {
  return storageHttpClient(fetchHttpClient(fetch)) as unknown as HttpClient;
}

function describe({ options, credential }: FileShareInput): Omit<Attempt, "operation" | "path" | "who"> {
  const sas = credential.kind === "sas" ? parseSas(credential.sasToken.reveal()) : undefined;
  return {
    account: options.accountName,
    share: options.fileShareName,
    host: new URL(shareUrl(options)).host,
    credential: credential.kind,
    expiresAt: sas?.expiresAt,
    permissions: sas?.permissions,
  };
}

function sdkCredential(
  sdk: Sdk,
  { options, credential }: FileShareInput,
  identity: AzureTokenCredential | undefined,
): Parameters<Sdk["newPipeline"]>[0] {
  if (credential.kind === "account_key")
    return sharedKeyCredential(sdk.StorageSharedKeyCredential, options.accountName, credential.accountKey);
  return identity ?? new sdk.AnonymousCredential();
}
