import { serve, startAdlsGen2, type AdlsGen2, type AdlsGen2Options, type RunningServer } from "@aml/emulator";
import { DataLakeServiceClient, StorageSharedKeyCredential } from "@azure/storage-file-datalake";

export interface Gen2Server extends AsyncDisposable {
  readonly gen2: AdlsGen2;
  readonly server: RunningServer;
  /** `http(s)://HOST:PORT/ACCOUNT` */
  readonly endpoint: string;
  readonly key: StorageSharedKeyCredential;
  readonly client: DataLakeServiceClient;
  close(): Promise<void>;
}

export async function startGen2(options: AdlsGen2Options & { https?: boolean } = {}): Promise<Gen2Server> {
  const { https = false, ...rest } = options;
  const gen2 = await startAdlsGen2(rest);
  const server = await serve(gen2.service, { https });
  const endpoint = `${server.url}/${gen2.accountName}`;
  const key = new StorageSharedKeyCredential(gen2.accountName, gen2.accountKey);
  const client = new DataLakeServiceClient(endpoint, key, { retryOptions: { maxTries: 1 } });
  const close = async (): Promise<void> => {
    await server.close();
    await gen2.close();
  };
  return { gen2, server, endpoint, key, client, close, [Symbol.asyncDispose]: close };
}
