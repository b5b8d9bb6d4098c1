import { isAmlError, type CopyFromOptions, type CopySource, type StorePath } from "@aml/core/adapter";
import { copyBlocks, COPY_BLOCK, MOST_BLOCKS, type StagedBlob } from "./copy-blocks.ts";
import { authorizationOf, cannotCopy, type SourceAuthorization } from "./copy-source.ts";

/** Bytes that one request copies, properties and all. https://learn.microsoft.com/rest/api/storageservices/copy-blob-from-url, read 2026-11 */
const WHOLE = 256 * 1024 * 1024;

/** What is asked with a copy in one request, as `@azure/storage-blob` spells it. */
export interface CopyWholeOptions {
  readonly conditions: { readonly ifNoneMatch?: string };
  readonly sourceConditions: { readonly ifMatch?: string };
  readonly sourceAuthorization?: SourceAuthorization;
  readonly abortSignal?: AbortSignal;
}

/** What the service tells of a blob that it has made. */
export interface MadeBlob {
  readonly lastModified?: Date | undefined;
  readonly etag?: string | undefined;
  readonly contentMD5?: Uint8Array | undefined;
}

/** A blob that the service can copy to: `@azure/storage-blob`'s `BlockBlobClient` is one. */
export interface CopyableBlob extends StagedBlob {
  syncCopyFromURL(url: string, options: CopyWholeOptions): Promise<MadeBlob>;
}

export interface CopyBlobInput {
  readonly blob: CopyableBlob;
  readonly source: CopySource;
  /** Of messages. */
  readonly path: StorePath;
  /** Runs a request and turns what it throws into an `AmlError`. */
  attempt<T>(run: () => Promise<T>): Promise<T>;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * Has the blob service copy a file: in one request, or in blocks that become visible together.
 *
 * @throws `unsupported` when the service cannot; `precondition_failed` when the source is another version.
 */
export async function copyBlob(input: CopyBlobInput, options: CopyFromOptions): Promise<MadeBlob> {
  if (options.size > COPY_BLOCK * MOST_BLOCKS) throw cannotCopy("It is larger than 50,000 blocks of 64 MiB.");
  try {
    return options.size > WHOLE ? await copyBlocks(input, options) : await copyWhole(input, options);
  } catch (error) {
    throw options.signal?.aborted ? options.signal.reason : explain(error);
  }
}

async function copyWhole(
  { blob, source, attempt }: CopyBlobInput,
  { size, sourceEtag, ifNoneMatch, signal, onBytes }: CopyFromOptions,
): Promise<MadeBlob> {
  const made = await attempt(() =>
    blob.syncCopyFromURL(source.url.reveal(), {
      conditions: { ...(ifNoneMatch !== undefined && { ifNoneMatch }) },
      sourceConditions: { ...(sourceEtag !== undefined && { ifMatch: sourceEtag }) },
      ...authorizationOf(source),
      ...(signal && { abortSignal: signal }),
    }),
  );
  onBytes?.(size);
  return made;
}

/** What the service will not do for this pair of files, and a client that reads and writes can. */
function explain(error: unknown): unknown {
  if (!isAmlError(error)) return error;
  const { status, serviceCode } = error.context;
  if (serviceCode === "CannotVerifyCopySource") {
    return cannotCopy("The service may not read the source itself.", error);
  }
  const unknown = status === 501 || (status === 400 && error.code === "internal");
  return unknown
    ? cannotCopy(
        `The service does not copy it (${typeof serviceCode === "string" ? serviceCode : `status ${status}`}).`,
        error,
      )
    : error;
}
