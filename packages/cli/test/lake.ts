import { startAzurite, type Azurite } from "@aml/emulator";
import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aml, type AmlOptions, type Outcome } from "./aml.ts";

/** A blob container with data and an empty workspace folder. */
export interface Lake extends AsyncDisposable {
  readonly azurite: Azurite;
  readonly container: ContainerClient;
  readonly folder: string;
  /** The flags that point at the container. */
  readonly flags: readonly string[];
  put(path: string, text: string | Uint8Array): Promise<void>;
  aml(args: readonly string[], options?: Partial<AmlOptions>): Promise<Outcome>;
}

export const TRIPS =
  "id,city,fare,at\n1,Oslo,12.5,2025-01-31T10:00:00Z\n2,Bergen,,2025-02-01T00:00:00Z\n3,Oslo,7,\n";

/** Starts Azurite, fills a container and makes a workspace whose key is in a file. */
export async function openLake(): Promise<Lake> {
  const azurite = await startAzurite();
  const folder = await mkdtemp(join(tmpdir(), "aml-cli-"));
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    "trips",
  );
  await container.create();
  const put = async (path: string, text: string | Uint8Array): Promise<void> => {
    const bytes = Buffer.from(text);
    await container.getBlockBlobClient(path).upload(bytes, bytes.length);
  };
  await put("2025/a.csv", TRIPS);
  await aml(["init"], { cwd: folder });
  await writeFile(join(folder, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
  const { accountName, endpoint } = azurite;
  return {
    azurite,
    container,
    folder,
    flags: [
      "--type",
      "azure_blob",
      "--account-name",
      accountName,
      "--container-name",
      "trips",
      "--endpoint",
      endpoint,
    ],
    put,
    aml: (args, options) => aml(args, { cwd: folder, ...options }),
    async [Symbol.asyncDispose]() {
      await azurite[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
