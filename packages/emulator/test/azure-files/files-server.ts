import { createAzureFiles, serve, type AzureFiles, type AzureFilesOptions } from "../../src/index.ts";
import { ShareClient, ShareServiceClient, StorageSharedKeyCredential } from "@azure/storage-file-share";

export interface FilesServer extends AsyncDisposable {
  readonly files: AzureFiles;
  /** `http://127.0.0.1:PORT/devstoreaccount1` */
  readonly endpoint: string;
  readonly key: StorageSharedKeyCredential;
  readonly client: ShareServiceClient;
  /** A new share. */
  share(): Promise<ShareClient>;
}

export const once = { retryOptions: { maxTries: 1 }, allowTrailingDot: true, allowSourceTrailingDot: true };

export async function startFiles(options: AzureFilesOptions = {}): Promise<FilesServer> {
  const files = createAzureFiles(options);
  const server = await serve(files.service);
  const endpoint = `${server.url}/${files.accountName}`;
  const key = new StorageSharedKeyCredential(files.accountName, files.accountKey);
  const client = new ShareServiceClient(endpoint, key, once);
  return {
    files,
    endpoint,
    key,
    client,
    async share() {
      const share = client.getShareClient(`t-${crypto.randomUUID()}`);
      await share.create();
      return share;
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      files.close();
    },
  };
}
