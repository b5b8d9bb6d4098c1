import { setTimeout } from "node:timers/promises";
import {
  AmlError,
  isAmlError,
  Secret,
  type CopyFromOptions,
  type CopySource,
  type FileStat,
  type OperationOptions,
  type StorePath,
} from "@aml/core/adapter";
import { sharedKeyCredential } from "@aml/azure-auth";
import type { ShareFileClient } from "@azure/storage-file-share";
import { filePath } from "./file-path.ts";
import { commit, viaPartial } from "./partial-file.ts";
import type { FileShareInput, Share } from "./share.ts";
import { toStat } from "./stat.ts";

const SERVICE = "azure_file";
/** The service reads the source with a signature of ours; a large file takes its time. */
const SIGNED_MS = 6 * 3_600_000;
const FIRST_WAIT_MS = 50;
const LAST_WAIT_MS = 2000;

/** Makes the URL with which the service itself may read a file. A token cannot be handed on. */
export async function copySource(
  share: Share,
  input: FileShareInput,
  path: StorePath,
  { signal }: OperationOptions = {},
): Promise<CopySource> {
  const at = filePath(path, "copy");
  const { credential, options } = input;
  return share.attempt("copy", at, signal, async () => {
    const file = await share.file(at);
    if (credential.kind === "sas") return { service: SERVICE, url: new Secret(file.url) };
    if (credential.kind !== "account_key") throw cannot("Azure Files copies from a signed URL only.");
    const sdk = await import("@azure/storage-file-share");
    const token = sdk.generateFileSASQueryParameters(
      {
        shareName: options.fileShareName,
        filePath: at,
        permissions: sdk.FileSASPermissions.parse("r"),
        expiresOn: new Date(Date.now() + SIGNED_MS),
      },
      sharedKeyCredential(sdk.StorageSharedKeyCredential, options.accountName, credential.accountKey),
    );
    return { service: SERVICE, url: new Secret(`${file.url}?${token.toString()}`) };
  });
}

/** Has the service copy a file to another name, which is renamed then as a written one is. */
export async function copyFrom(
  share: Share,
  source: CopySource,
  path: StorePath,
  options: CopyFromOptions,
): Promise<FileStat> {
  const { size, signal, ifNoneMatch } = options;
  if (source.service !== SERVICE) throw cannot("The source is not on Azure Files.");
  const at = filePath(path, "copy");
  if (at === "") throw new AmlError("path_invalid", "A file needs a name: the path is empty.");
  try {
    await checkSource(share, source, at, options);
    return await viaPartial(share, async (partial) => {
      await share.attempt("copy", at, signal, () =>
        partial.startCopyFromURL(source.url.reveal(), { ...(signal && { abortSignal: signal }) }),
      );
      await finished(share, partial, at, options);
      await checkSource(share, source, at, options);
      return toStat(at, await commit(share, at, partial, { ifNoneMatch, signal }), size);
    });
  } catch (error) {
    throw signal?.aborted ? signal.reason : explain(error);
  }
}

/** The service copies whatever it finds: before and after, the source has to be the version that is meant. */
async function checkSource(
  share: Share,
  { url }: CopySource,
  path: StorePath,
  { sourceEtag, signal }: CopyFromOptions,
): Promise<void> {
  if (sourceEtag === undefined) return;
  const { etag } = await share.attempt("copy", path, signal, async () => {
    const source = await share.signedFile(url.reveal());
    const properties = await source.getProperties({ ...(signal && { abortSignal: signal }) });
    return { etag: properties.etag };
  });
  if (etag === sourceEtag) return;
  throw new AmlError("precondition_failed", `The source of '${path}' was changed meanwhile.`, {
    operation: "copy",
    hint: "Look it up again and repeat with its new etag.",
    context: { path },
  });
}

/** Waits until the service has copied all. */
async function finished(
  share: Share,
  partial: ShareFileClient,
  path: StorePath,
  { size, signal, onBytes }: CopyFromOptions,
): Promise<void> {
  let told = 0;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LAST_WAIT_MS, wait * 2)) {
    const { copyStatus, copyProgress, copyStatusDescription } = await share.attempt(
      "copy",
      path,
      signal,
      async () => partial.getProperties({ ...(signal && { abortSignal: signal }) }),
    );
    const done = copyStatus === "success" ? size : Number(/^\d+/.exec(copyProgress ?? "")?.[0] ?? 0);
    if (done > told) onBytes?.(done - told);
    told = Math.max(told, done);
    if (copyStatus === "success") return;
    if (copyStatus !== "pending") {
      throw new AmlError(
        "unavailable",
        `The service gave up copying to '${path}': ${copyStatusDescription}.`,
        {
          operation: "copy",
          hint: "Try again, or copy without the service.",
          context: { path, copyStatus },
        },
      );
    }
    await setTimeout(wait, undefined, { ...(signal && { signal }) });
  }
}

/** A source that the service is not let into is to be read by us. */
function explain(error: unknown): unknown {
  if (!isAmlError(error) || error.context["serviceCode"] !== "CannotVerifyCopySource") return error;
  if (error.context["status"] === 404) return error;
  return cannot("The service is not let into the source.", error);
}

function cannot(message: string, cause?: AmlError): AmlError {
  return new AmlError("unsupported", message, {
    operation: "copy",
    hint: "Copy it through this machine instead.",
    cause,
  });
}
