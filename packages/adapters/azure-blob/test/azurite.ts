import { Secret, type StorageAdapter } from "@aml/core/adapter";
import { azureBlob, type AzureBlobOptions, type BlobCredentialKind } from "@aml/azure-blob";
import { startAzurite, type Azurite } from "@aml/emulator";
import {
  BlobServiceClient,
  ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
  type BlobSASSignatureValues,
} from "@azure/storage-blob";

type OpenInput = Parameters<typeof azureBlob.open>[0];
export type BlobCredential = OpenInput["credential"] & { readonly kind: BlobCredentialKind };

let running: Promise<Azurite> | undefined;

/** The Azurite of this process. It ends with it. */
export function sharedAzurite(): Promise<Azurite> {
  running ??= startAzurite();
  return running;
}

export interface Service {
  readonly azurite: Azurite;
  readonly client: BlobServiceClient;
  readonly key: StorageSharedKeyCredential;
}

/** The vendor's own client, signed in with the key: the back door of the tests. */
export function serviceOf(azurite: Azurite): Service {
  const key = new StorageSharedKeyCredential(azurite.accountName, azurite.accountKey);
  return { azurite, key, client: new BlobServiceClient(azurite.endpoint, key) };
}

export async function newContainer({ client }: Service, access?: "container"): Promise<ContainerClient> {
  const container = client.getContainerClient(`t-${crypto.randomUUID()}`);
  await container.create(access && { access });
  return container;
}

/** Opens a container of Azurite; with its key unless told otherwise. */
export function openStore(
  { azurite }: Service,
  containerName: string,
  credential: BlobCredential = { kind: "account_key", accountKey: new Secret(azurite.accountKey) },
  more: Partial<AzureBlobOptions> & Pick<OpenInput, "fetch"> = {},
): StorageAdapter {
  const { fetch, ...options } = more;
  return azureBlob.open({
    options: azureBlob.parseOptions({
      accountName: azurite.accountName,
      containerName,
      endpoint: azurite.endpoint,
      ...options,
    }),
    credential,
    fetch,
  });
}

/** A container SAS that allows all and lasts an hour. */
export function containerSas(
  { key }: Service,
  containerName: string,
  values: Partial<BlobSASSignatureValues> = {},
): string {
  return generateBlobSASQueryParameters(
    {
      containerName,
      permissions: ContainerSASPermissions.parse("racwdl"),
      expiresOn: new Date(Date.now() + 3_600_000),
      protocol: SASProtocol.HttpsAndHttp,
      ...values,
    },
    key,
  ).toString();
}

export function sasCredential(token: string): BlobCredential {
  return { kind: "sas", sasToken: new Secret(token) };
}

/** The part of a SAS token that must never come out. */
export function signatureOf(token: string): string {
  return new URLSearchParams(token).get("sig") ?? "";
}

/** The URL of a listing, with other pages than the adapter's. Any other URL stays as it is. */
export function withPages(url: string | URL | Request, size: number): string {
  return urlOf(url).replace("maxresults=5000", `maxresults=${size}`);
}

export function urlOf(input: string | URL | Request): string {
  return input instanceof Request ? input.url : input.toString();
}
