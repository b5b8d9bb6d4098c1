import {
  AmlError,
  isAmlError,
  parseStorePath,
  type FileStat,
  type StorePath,
  type WriteOptions,
} from "@aml/core/adapter";
import type { BlockBlobClient } from "@azure/storage-blob";
import { createBlocks, type Block } from "./blocks.ts";
import type { Container } from "./container.ts";

/** Bytes under way or waiting at once, unless one block alone is larger. */
const MEMORY = 48 * 1024 * 1024;

/** Up to here a body is sent without asking first whether its condition holds. */
const SMALL = 1024 * 1024;

/**
 * Writes a blob: what fits into one block with one request, more as blocks sent in parallel, which become visible
 * together at the end. When it fails nothing is visible, and the service drops the blocks after a week.
 */
export async function write(
  container: Container,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  options: WriteOptions = {},
): Promise<FileStat> {
  const { signal } = options;
  try {
    signal?.throwIfAborted();
    if (path === "") throw new AmlError("path_invalid", "A blob needs a name: the path is empty.");
    const client = await container.client();
    const blob = client.getBlockBlobClient(parseStorePath(path));
    return await writeBody(container, path, blob, body, options);
  } catch (error) {
    await body.cancel(error).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    throw refused(error, options);
  }
}

async function writeBody(
  container: Container,
  path: StorePath,
  blob: BlockBlobClient,
  body: ReadableStream<Uint8Array>,
  options: WriteOptions,
): Promise<FileStat> {
  const { size, signal } = options;
  const common = { ...settings(options), ...(signal && { abortSignal: signal }) };
  const blocks = createBlocks(body, { size, signal, first: isConditional(options) ? SMALL : Infinity });
  try {
    const first = await blocks.next();
    if (first.last) {
      const result = await container.attempt("write", path, signal, () =>
        blob.upload(first.bytes, first.bytes.byteLength, common),
      );
      return toStat(path, first.bytes.byteLength, result);
    }
    await checkEarly(container, path, blob, options);
    const { ids, total } = await stageAll(container, path, blob, first, blocks.next, signal);
    const result = await container.attempt("write", path, signal, () => blob.commitBlockList(ids, common));
    return toStat(path, total, result);
  } finally {
    blocks.release();
  }
}

function isConditional({ ifMatch, ifNoneMatch }: WriteOptions): boolean {
  return ifMatch !== undefined || ifNoneMatch !== undefined;
}

/** Spares the upload of many blocks whose commit is going to be refused. The commit itself checks again. */
async function checkEarly(
  container: Container,
  path: StorePath,
  blob: BlockBlobClient,
  { ifMatch, ifNoneMatch, signal }: WriteOptions,
): Promise<void> {
  if (!isConditional({ ifMatch, ifNoneMatch })) return;
  try {
    await container.attempt("write", path, signal, () =>
      blob.getProperties({
        ...(ifMatch !== undefined && { conditions: { ifMatch } }),
        ...(signal && { abortSignal: signal }),
      }),
    );
  } catch (error) {
    // A missing blob is what `ifNoneMatch` asks for; what a writer may not look at, the commit judges.
    if (isAmlError(error, "permission_denied")) return;
    if (ifMatch === undefined && isAmlError(error, "not_found")) return;
    throw error;
  }
  if (ifNoneMatch !== undefined) throw exists(path);
}

async function stageAll(
  container: Container,
  path: StorePath,
  blob: BlockBlobClient,
  first: Block,
  next: () => Promise<Block>,
  signal: AbortSignal | undefined,
): Promise<{ ids: string[]; total: number }> {
  // The name of this upload in its block IDs: two writers at once do not mix.
  const upload = crypto.randomUUID();
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  const running = new Set<Promise<void>>();
  const ids: string[] = [];
  let total = 0;
  let failed: { readonly error: unknown } | undefined;
  try {
    for (let block = first; ; block = await next()) {
      const id = btoa(`${upload}-${String(ids.length).padStart(5, "0")}`);
      ids.push(id);
      total += block.bytes.byteLength;
      const sending = container
        .attempt("write", path, signal, async () => {
          await blob.stageBlock(id, block.bytes, block.bytes.byteLength, { abortSignal: controller.signal });
        })
        .catch((error: unknown) => {
          failed ??= { error };
        })
        .finally(() => running.delete(sending));
      running.add(sending);
      const most = Math.max(1, Math.floor(MEMORY / block.bytes.byteLength) - 1);
      while (running.size >= most) await Promise.race(running);
      if (failed) throw failed.error;
      if (block.last) break;
    }
    await Promise.all(running);
    if (failed) throw (failed as { readonly error: unknown }).error;
    return { ids, total };
  } catch (error) {
    controller.abort(error);
    await Promise.all(running);
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function settings({ contentType, ifMatch, ifNoneMatch }: WriteOptions): object {
  return {
    ...(contentType !== undefined && { blobHTTPHeaders: { blobContentType: contentType } }),
    conditions: {
      ...(ifMatch !== undefined && { ifMatch }),
      ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    },
  };
}

/** The service has one word for both conditions that a write may carry. */
function refused(error: unknown, { ifNoneMatch }: WriteOptions): unknown {
  if (ifNoneMatch === undefined || !isAmlError(error, "precondition_failed")) return error;
  if (error.context["serviceCode"] !== "ConditionNotMet") return error;
  return exists(String(error.context["path"]), error);
}

function exists(path: string, cause?: AmlError): AmlError {
  return new AmlError("already_exists", `Blob '${path}' exists already.`, {
    operation: "write",
    hint: "Choose another path, or allow it to be overwritten.",
    context: { ...cause?.context, path },
    cause,
  });
}

function toStat(
  path: StorePath,
  size: number,
  { etag, lastModified }: { etag?: string | undefined; lastModified?: Date | undefined },
): FileStat {
  return {
    path,
    kind: "file",
    size,
    ...(lastModified && { modifiedAt: lastModified }),
    ...(etag !== undefined && { etag }),
  };
}
