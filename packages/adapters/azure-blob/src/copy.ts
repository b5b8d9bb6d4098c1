import {
  AmlError,
  parseStorePath,
  Secret,
  type CopyFromOptions,
  type CopySource,
  type FileStat,
  type OperationOptions,
  type StorePath,
} from "@aml/core/adapter";
import { signedIn } from "@aml/azure-auth";
import { cannotCopy, copyBlob } from "@aml/azure-auth/transfer";
import type { BlobClient } from "@azure/storage-blob";
import type { BlobInput, Container } from "./container.ts";
import { refused } from "./write.ts";
import { toStat } from "./stat.ts";

const SERVICE = "azure_blob";
const SCOPE = "https://storage.azure.com/.default";
/** The service reads the source with a signature of ours; a large blob takes its time. */
const SIGNED_MS = 6 * 3_600_000;

/** Makes the URL with which the service itself may read a blob: signed, or with a token beside it. */
export async function copySource(
  container: Container,
  input: BlobInput,
  path: StorePath,
  { signal }: OperationOptions = {},
): Promise<CopySource> {
  return container.attempt("copy", path, signal, async () => {
    const blob = await container.blob(parseStorePath(path));
    const { credential, tokenProvider } = input;
    switch (credential.kind) {
      case "account_key":
        return { service: SERVICE, url: new Secret(await signedUrl(blob, input)) };
      case "sas":
      case "anonymous":
        return { service: SERVICE, url: new Secret(blob.url) };
      default: {
        const signed = await signedIn(credential, SCOPE, { tokenProvider, signal });
        const authorization = signed && new Secret(`Bearer ${signed.token.reveal()}`);
        return { service: SERVICE, url: new Secret(blob.url), authorization };
      }
    }
  });
}

async function signedUrl(blob: BlobClient, { options }: BlobInput): Promise<string> {
  const { BlobSASPermissions } = await import("@azure/storage-blob");
  const url = new URL(
    await blob.generateSasUrl({
      permissions: BlobSASPermissions.parse("r"),
      expiresOn: new Date(Date.now() + SIGNED_MS),
      ...(options.snapshot !== undefined && { snapshotTime: options.snapshot }),
      ...(options.versionId !== undefined && { versionId: options.versionId }),
    }),
  );
  return url.href;
}

/** Has the service copy a blob: in one request, or in blocks that become visible together. */
export async function copyFrom(
  container: Container,
  { fetch }: BlobInput,
  source: CopySource,
  to: StorePath,
  options: CopyFromOptions,
): Promise<FileStat> {
  const { size, signal } = options;
  if (source.service !== SERVICE) throw cannotCopy("The source is not a blob.");
  const path = parseStorePath(to);
  if (path === "") throw new AmlError("path_invalid", "A blob needs a name: the path is empty.");
  const blob = (await container.client()).getBlockBlobClient(path);
  const attempt = <T>(run: () => Promise<T>): Promise<T> => container.attempt("copy", path, signal, run);
  try {
    return toStat(path, await copyBlob({ blob, source, path, attempt, fetch }, options), size);
  } catch (error) {
    throw refused(error, options);
  }
}
