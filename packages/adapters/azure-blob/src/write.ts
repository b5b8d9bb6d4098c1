import {
  AmlError,
  isAmlError,
  parseStorePath,
  type FileStat,
  type StorePath,
  type WriteOptions,
} from "@aml/core/adapter";
import { createBlocks, sendBlocks, type Block } from "@aml/azure-auth/transfer";
import type { BlockBlobClient } from "@azure/storage-blob";
import type { Container } from "./container.ts";
import { blockBytes, blockId } from "./staged-blocks.ts";
import { bytesOf, toStat } from "./stat.ts";

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
  const { size, signal, resume } = options;
  const blocks = createBlocks(body, {
    size: size === undefined ? undefined : size - (resume?.offset ?? 0),
    signal,
    first: isConditional(options) && resume === undefined ? SMALL : Infinity,
    blockBytes: resume && blockBytes(resume),
  });
  try {
    const first = await blocks.next();
    if (first.last && resume === undefined) {
      const result = await container.attempt("write", path, signal, () =>
        blob.upload(first.bytes, first.bytes.byteLength, settings(options)),
      );
      return toStat(path, result, first.bytes.byteLength);
    }
    await checkEarly(container, path, blob, options);
    const { ids, total } = await stageAll(container, path, blob, first, blocks.next, options);
    const result = await container.attempt("write", path, signal, () =>
      blob.commitBlockList(ids, settings(options)),
    );
    // The hash in this answer is of the list of blocks.
    return toStat(path, { ...result, contentMD5: undefined }, total);
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
  { signal, resume }: WriteOptions,
): Promise<{ ids: string[]; total: number }> {
  const upload = resume?.id ?? crypto.randomUUID();
  const { offset = 0 } = resume ?? {};
  const start = resume ? offset / blockBytes(resume) : 0;
  const ids = Array.from({ length: start }, (_, index) => blockId(upload, index));
  const sent = await sendBlocks({
    first,
    next,
    signal,
    send: (bytes, index, _offset, abortSignal) => {
      const id = (ids[start + index] = blockId(upload, start + index));
      return container.attempt("write", path, signal, () =>
        blob.stageBlock(id, bytes, bytes.byteLength, { abortSignal }),
      );
    },
  });
  return { ids, total: offset + sent };
}

/** Asked for when the body has ended: only then is its hash known. */
function settings({ contentType, metadata, ifMatch, ifNoneMatch, md5, signal }: WriteOptions): object {
  return {
    ...(metadata && { metadata }),
    blobHTTPHeaders: {
      ...(contentType !== undefined && { blobContentType: contentType }),
      ...(md5 !== undefined && { blobContentMD5: bytesOf(md5()) }),
    },
    conditions: {
      ...(ifMatch !== undefined && { ifMatch }),
      ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    },
    ...(signal && { abortSignal: signal }),
  };
}

/** The service has one word for both conditions that a write may carry. */
export function refused(error: unknown, { ifNoneMatch }: Pick<WriteOptions, "ifNoneMatch">): unknown {
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
