import { AmlError, type CopyFromOptions, type CopySource, type StorePath } from "@aml/core/adapter";
import type { CopyBlobInput, MadeBlob } from "./copy-blob.ts";
import { authorizationOf, cannotCopy, type SourceAuthorization } from "./copy-source.ts";

export const COPY_BLOCK: number = 64 * 1024 * 1024;
export const MOST_BLOCKS: number = 50_000;
const AT_ONCE = 8;

/** What goes with a list of blocks, as `@azure/storage-blob` spells it. */
export interface CommitOptions {
  readonly conditions: { readonly ifNoneMatch?: string };
  readonly blobHTTPHeaders: { readonly blobContentType?: string; readonly blobContentMD5?: Uint8Array };
  readonly metadata?: Record<string, string>;
  readonly abortSignal?: AbortSignal;
}

/** A blob that is made of blocks which the service fetches. */
export interface StagedBlob {
  stageBlockFromURL(
    id: string,
    url: string,
    offset: number,
    count: number,
    options: { readonly sourceAuthorization?: SourceAuthorization; readonly abortSignal: AbortSignal },
  ): Promise<unknown>;
  commitBlockList(ids: string[], options: CommitOptions): Promise<MadeBlob>;
}

/** Has the service fetch a file in blocks, and commits them when the source is still the version that is meant. */
export async function copyBlocks(input: CopyBlobInput, options: CopyFromOptions): Promise<MadeBlob> {
  const { blob, source, path, attempt, fetch = globalThis.fetch } = input;
  const { sourceEtag, ifNoneMatch, signal } = options;
  const ids = await stageBlocks(input, options);
  const { contentType, contentMD5, metadata } = await checkSource(fetch, source, path, sourceEtag, signal);
  const made = await attempt(() =>
    blob.commitBlockList(ids, {
      conditions: { ...(ifNoneMatch !== undefined && { ifNoneMatch }) },
      blobHTTPHeaders: {
        ...(contentType !== undefined && { blobContentType: contentType }),
        ...(contentMD5 && { blobContentMD5: contentMD5 }),
      },
      metadata,
      ...(signal && { abortSignal: signal }),
    }),
  );
  // The hash in this answer is of the list of blocks.
  return { ...made, contentMD5 };
}

async function stageBlocks(
  { blob, source, attempt }: CopyBlobInput,
  { size, signal, onBytes }: CopyFromOptions,
): Promise<string[]> {
  // The name of this copy in its block IDs: two writers at once do not mix.
  const copy = crypto.randomUUID();
  const ids = Array.from({ length: Math.ceil(size / COPY_BLOCK) }, (_, index) =>
    btoa(`${copy}-${String(index).padStart(5, "0")}`),
  );
  const failed = new AbortController();
  const abortSignal = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < ids.length) {
      const index = next++;
      const offset = index * COPY_BLOCK;
      const count = Math.min(COPY_BLOCK, size - offset);
      await attempt(() =>
        blob.stageBlockFromURL(ids[index] ?? "", source.url.reveal(), offset, count, {
          ...authorizationOf(source),
          abortSignal,
        }),
      );
      onBytes?.(count);
    }
  };
  const workers = Array.from({ length: Math.min(AT_ONCE, ids.length) }, () =>
    worker().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return ids;
}

interface SourceProperties {
  readonly contentType: string | undefined;
  readonly contentMD5: Uint8Array | undefined;
  readonly metadata: Record<string, string>;
}

/** A block takes no condition on its source; an etag that is the same afterwards proves that no block is of another version. */
async function checkSource(
  fetch: typeof globalThis.fetch,
  { url, authorization }: CopySource,
  path: StorePath,
  sourceEtag: string | undefined,
  signal: AbortSignal | undefined,
): Promise<SourceProperties> {
  const { status, headers } = await fetch(url.reveal(), {
    method: "HEAD",
    headers: {
      "x-ms-version": "2021-12-02",
      ...(authorization && { authorization: authorization.reveal() }),
    },
    signal: signal ?? null,
  });
  if (status !== 200) throw cannotCopy(`The source of '${path}' cannot be looked at (status ${status}).`);
  if (sourceEtag === undefined || headers.get("etag") !== sourceEtag) {
    throw new AmlError("precondition_failed", `The source of '${path}' was changed while it was copied.`, {
      operation: "copy",
      hint: "Copy it again.",
      context: { path },
    });
  }
  const md5 = headers.get("content-md5");
  return {
    contentType: headers.get("content-type") ?? undefined,
    contentMD5: md5 === null ? undefined : Uint8Array.from(atob(md5), (c) => c.charCodeAt(0)),
    metadata: metadataOf(headers),
  };
}

function metadataOf(headers: Headers): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, value] of headers) if (name.startsWith("x-ms-meta-")) metadata[name.slice(10)] = value;
  return metadata;
}
