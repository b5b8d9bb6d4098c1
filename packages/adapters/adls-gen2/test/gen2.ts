import { Secret } from "@aml/core/adapter";
import {
  adlsGen2,
  type AdlsGen2CredentialKind,
  type AdlsGen2Options,
  type AdlsGen2Storage,
} from "@aml/adls-gen2";
import {
  serve,
  startAdlsGen2,
  type AdlsGen2,
  type AdlsGen2Options as ServerOptions,
  type LocalCertificate,
} from "@aml/emulator";
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  DataLakeServiceClient,
  FileSystemSASPermissions,
  generateAccountSASQueryParameters,
  generateDataLakeSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
  type DataLakeFileSystemClient,
  type DataLakeSASSignatureValues,
} from "@azure/storage-file-datalake";

type OpenInput = Parameters<typeof adlsGen2.open>[0];
export type Gen2Credential = OpenInput["credential"] & { readonly kind: AdlsGen2CredentialKind };

export interface Server extends Pick<AdlsGen2, "accountName" | "accountKey"> {
  /** `http(s)://HOST:PORT/ACCOUNT` */
  readonly endpoint: string;
  readonly certificatePem: string | undefined;
  readonly key: StorageSharedKeyCredential;
  /** The vendor's own client, signed in with the key: the back door of the tests. */
  readonly client: DataLakeServiceClient;
  close(): Promise<void>;
}

export async function startServer(
  options: ServerOptions & { https?: boolean | LocalCertificate } = {},
): Promise<Server> {
  const { https = false, ...rest } = options;
  const gen2 = await startAdlsGen2(rest);
  const server = await serve(gen2.service, { https });
  const { accountName, accountKey } = gen2;
  const endpoint = `${server.url}/${accountName}`;
  const key = new StorageSharedKeyCredential(accountName, accountKey);
  return {
    accountName,
    accountKey,
    endpoint,
    certificatePem: server.certificatePem,
    key,
    client: new DataLakeServiceClient(endpoint, key),
    close: async () => {
      await server.close();
      await gen2.close();
    },
  };
}

let running: Promise<Server> | undefined;

/** The server of this process. It ends with it. */
export function sharedServer(): Promise<Server> {
  running ??= startServer();
  return running;
}

export async function newFilesystem({ client }: Server): Promise<DataLakeFileSystemClient> {
  const filesystem = client.getFileSystemClient(`t-${crypto.randomUUID()}`);
  await filesystem.create();
  return filesystem;
}

export function keyOf({ accountKey }: Server): Gen2Credential {
  return { kind: "account_key", accountKey: new Secret(accountKey) };
}

/** Opens a file system; with the account's key unless told otherwise. */
export function openStore(
  server: Server,
  filesystem: string,
  credential: Gen2Credential = keyOf(server),
  more: Partial<AdlsGen2Options> & Pick<OpenInput, "fetch"> = {},
): AdlsGen2Storage {
  const { fetch, ...options } = more;
  return adlsGen2.open({
    options: adlsGen2.parseOptions({
      accountName: server.accountName,
      filesystem,
      endpoint: server.endpoint,
      ...options,
    }),
    credential,
    fetch,
  });
}

/** A SAS of a file system, or of a directory in it, that allows all and lasts an hour. */
export function filesystemSas(
  { key }: Server,
  fileSystemName: string,
  values: Partial<DataLakeSASSignatureValues> = {},
): string {
  return generateDataLakeSASQueryParameters(
    {
      fileSystemName,
      permissions: FileSystemSASPermissions.parse("racwdlme"),
      expiresOn: new Date(Date.now() + 3_600_000),
      protocol: SASProtocol.HttpsAndHttp,
      ...values,
    },
    key,
  ).toString();
}

export function accountSas({ key }: Server): string {
  return generateAccountSASQueryParameters(
    {
      services: AccountSASServices.parse("b").toString(),
      resourceTypes: AccountSASResourceTypes.parse("co").toString(),
      permissions: AccountSASPermissions.parse("rwdlac"),
      expiresOn: new Date(Date.now() + 3_600_000),
      protocol: SASProtocol.HttpsAndHttp,
    },
    key,
  ).toString();
}

export function sasCredential(token: string): Gen2Credential {
  return { kind: "sas", sasToken: new Secret(token) };
}

/** The part of a SAS token that must never come out. */
export function signatureOf(token: string): string {
  return new URLSearchParams(token).get("sig") ?? "";
}

/** The URL of a listing, with other pages than the adapter's. Any other URL stays as it is. */
export function withPages(url: string | URL | Request, size: number): string {
  return urlOf(url).replace("maxResults=5000", `maxResults=${size}`);
}

export function urlOf(input: string | URL | Request): string {
  return input instanceof Request ? input.url : input.toString();
}
