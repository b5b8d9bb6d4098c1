import { Secret, type StorageAdapter } from "@aml/core/adapter";
import { azureBlob } from "@aml/azure-blob";
import { startAzurite } from "@aml/emulator";
import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";

/** Where a container of the emulator is; the key is the one that every copy of it has. */
export interface BlobTarget {
  readonly accountName: string;
  readonly accountKey: string;
  readonly endpoint: string;
  readonly containerName: string;
}

/** Starts the emulator, in a process of its own, with an empty container. */
export async function startBlobTarget(): Promise<{ target: BlobTarget; close: () => Promise<void> }> {
  const azurite = await startAzurite();
  const { accountName, accountKey, endpoint } = azurite;
  const target = { accountName, accountKey, endpoint, containerName: "bench" };
  try {
    await openSdk(target).create();
  } catch (error) {
    await azurite.close();
    throw error;
  }
  return { target, close: () => azurite.close() };
}

/** The vendor's client as its documentation opens it. */
export function openSdk({ accountName, accountKey, endpoint, containerName }: BlobTarget): ContainerClient {
  const key = new StorageSharedKeyCredential(accountName, accountKey);
  return new ContainerClient(`${endpoint}/${containerName}`, key);
}

export function openStore({ accountKey, accountName, endpoint, containerName }: BlobTarget): StorageAdapter {
  return azureBlob.open({
    options: azureBlob.parseOptions({ accountName, endpoint, containerName }),
    credential: { kind: "account_key", accountKey: new Secret(accountKey) },
  });
}

/** Bytes that look random and are the same every time. */
export function pattern(size: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let at = 0, x = seed; at < words.length; at += 1) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = x;
  }
  return new Uint8Array(words.buffer, 0, size);
}
