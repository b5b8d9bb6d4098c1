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
import { sharedKeyCredential, signedIn } from "@aml/azure-auth";
import { cannotCopy, copyBlob } from "@aml/azure-auth/transfer";
import type { AdlsGen2Input, Filesystem } from "./filesystem.ts";
import { toStat } from "./stat.ts";
import { viaTemporary } from "./via-temporary.ts";

const SERVICE = "azure_data_lake_gen2";
const SCOPE = "https://storage.azure.com/.default";
/** The service reads the source with a signature of ours; a large file takes its time. */
const SIGNED_MS = 6 * 3_600_000;
/** Makes the URL with which the service itself may read a file: signed, or with a token beside it. */
export async function copySource(
  filesystem: Filesystem,
  { credential, options, tokenProvider }: AdlsGen2Input,
  path: StorePath,
  { signal }: OperationOptions = {},
): Promise<CopySource> {
  return filesystem.attempt("read", path, signal, async () => {
    const { url } = (await filesystem.container()).getBlobClient(path);
    if (credential.kind === "sas") return { service: SERVICE, url: new Secret(url) };
    if (credential.kind !== "account_key") {
      const signed = await signedIn(credential, SCOPE, { tokenProvider, signal });
      const authorization = signed && new Secret(`Bearer ${signed.token.reveal()}`);
      return { service: SERVICE, url: new Secret(url), authorization };
    }
    const sdk = await import("@azure/storage-file-datalake");
    const token = sdk.generateDataLakeSASQueryParameters(
      {
        fileSystemName: options.filesystem,
        pathName: path,
        permissions: sdk.DataLakeSASPermissions.parse("r"),
        expiresOn: new Date(Date.now() + SIGNED_MS),
      },
      sharedKeyCredential(sdk.StorageSharedKeyCredential, options.accountName, credential.accountKey),
    );
    return { service: SERVICE, url: new Secret(`${url}?${token.toString()}`) };
  });
}

/** Has the service copy a file to a name beside its place, which is moved there as a written one is. */
export async function copyFrom(
  filesystem: Filesystem,
  { fetch }: AdlsGen2Input,
  source: CopySource,
  to: StorePath,
  options: CopyFromOptions,
): Promise<FileStat> {
  const { size, signal, ifNoneMatch } = options;
  if (source.service !== SERVICE) throw cannotCopy("The source is not in Data Lake Storage Gen2.");
  const path = parseStorePath(to);
  if (path === "") throw new AmlError("path_invalid", "A file needs a name: the path is empty.");
  const attempt = <T>(run: () => Promise<T>): Promise<T> => filesystem.attempt("copy", path, signal, run);
  return viaTemporary(filesystem, "copy", path, { ifNoneMatch, signal }, async (temporary) => {
    const blob = (await filesystem.container()).getBlockBlobClient(temporary.path);
    temporary.state = "asked";
    const made = await copyBlob({ blob, source, path, attempt, fetch }, { ...options, ifNoneMatch: "*" });
    temporary.state = "made";
    return toStat(path, made, size);
  });
}
