import { azureFileShare, type AzureFileShareOptions } from "@aml/azure-file-share";
import { Secret, type StorageAdapter } from "@aml/core/adapter";
import {
  createAzureFiles,
  serve,
  type AzureFiles,
  type AzureFilesOptions,
  type LocalCertificate,
} from "@aml/emulator";
import {
  generateFileSASQueryParameters,
  ShareServiceClient,
  ShareSASPermissions,
  StorageSharedKeyCredential,
  type FileSASSignatureValues,
  type ShareClient,
} from "@azure/storage-file-share";

type OpenInput = Parameters<typeof azureFileShare.open>[0];
export type FileCredential = OpenInput["credential"];

/** An emulated account. */
export interface FilesServer {
  readonly files: AzureFiles;
  readonly endpoint: string;
  readonly certificatePem: string | undefined;
  readonly key: StorageSharedKeyCredential;
  /** The vendor's own client, signed in with the key: the back door of the tests. */
  readonly client: ShareServiceClient;
  close(): Promise<void>;
}

export async function startFiles(
  options: AzureFilesOptions = {},
  https: boolean | LocalCertificate = false,
): Promise<FilesServer> {
  const files = createAzureFiles(options);
  const server = await serve(files.service, { https });
  const endpoint = `${server.url}/${files.accountName}`;
  const key = new StorageSharedKeyCredential(files.accountName, files.accountKey);
  const client = new ShareServiceClient(endpoint, key, {
    retryOptions: { maxTries: 1 },
    allowTrailingDot: true,
  });
  const close = async (): Promise<void> => {
    await server.close();
    files.close();
  };
  return { files, endpoint, key, client, certificatePem: server.certificatePem, close };
}

let running: Promise<FilesServer> | undefined;

/** The account of this process, with small pages so that cases meet more than one. It ends with the process. */
export function sharedFiles(): Promise<FilesServer> {
  running ??= startFiles({ pageSize: 10 });
  return running;
}

export async function newShare({ client }: FilesServer): Promise<ShareClient> {
  const share = client.getShareClient(`t-${crypto.randomUUID()}`);
  await share.create();
  return share;
}

/** Opens a share; with the account's key unless told otherwise. */
export function openStore(
  { files, endpoint }: FilesServer,
  fileShareName: string,
  credential: FileCredential = { kind: "account_key", accountKey: new Secret(files.accountKey) },
  more: Partial<AzureFileShareOptions> & Pick<OpenInput, "fetch" | "tokenProvider"> = {},
): StorageAdapter {
  const { fetch, tokenProvider, ...options } = more;
  return azureFileShare.open({
    options: azureFileShare.parseOptions({
      accountName: files.accountName,
      fileShareName,
      endpoint,
      ...options,
    }),
    credential,
    fetch,
    tokenProvider,
  });
}

/** A SAS of a share that allows all and lasts an hour. */
export function shareSas(
  { key }: FilesServer,
  shareName: string,
  values: Partial<FileSASSignatureValues> = {},
): string {
  return generateFileSASQueryParameters(
    {
      shareName,
      permissions: ShareSASPermissions.parse("rcwdl"),
      expiresOn: new Date(Date.now() + 3_600_000),
      ...values,
    },
    key,
  ).toString();
}

export function sasCredential(token: string): FileCredential {
  return { kind: "sas", sasToken: new Secret(token) };
}

/** The part of a SAS token that must never come out. */
export function signatureOf(token: string): string {
  return new URLSearchParams(token).get("sig") ?? "";
}
