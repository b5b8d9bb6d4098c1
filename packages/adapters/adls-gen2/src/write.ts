import {
  AmlError,
  isAmlError,
  parseStorePath,
  type FileStat,
  type StorePath,
  type WriteOptions,
} from "@aml/core/adapter";
import { createBlocks, sendBlocks, type Block } from "@aml/azure-auth/transfer";
import type { DataLakeFileClient } from "@azure/storage-file-datalake";
import type { Filesystem } from "./filesystem.ts";
import { look, toStat } from "./stat.ts";
import { viaTemporary, type Temporary } from "./via-temporary.ts";

/** Up to here a body is sent without asking first whether its condition holds. */
const SMALL = 1024 * 1024;

/**
 * Writes a file beside its place, in blocks sent in parallel, and moves it there when it is complete: created at its
 * place, it would be there empty first. When it fails nothing is visible and what was sent is deleted.
 */
export async function write(
  filesystem: Filesystem,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  options: WriteOptions = {},
): Promise<FileStat> {
  const { signal } = options;
  try {
    signal?.throwIfAborted();
    if (path === "") throw new AmlError("path_invalid", "A file needs a name: the path is empty.");
    return await writeBody(filesystem, parseStorePath(path), body, options);
  } catch (error) {
    await body.cancel(error).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    throw error;
  }
}

async function writeBody(
  filesystem: Filesystem,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  options: WriteOptions,
): Promise<FileStat> {
  const { size, signal, ifMatch, ifNoneMatch, resume } = options;
  const isConditional = ifMatch !== undefined || ifNoneMatch !== undefined;
  const blocks = createBlocks(body, {
    size: size === undefined ? undefined : size - (resume?.offset ?? 0),
    signal,
    first: isConditional && resume === undefined ? SMALL : Infinity,
    blockBytes: resume && resume.stepBytes / 8,
  });
  try {
    const first = await blocks.next();
    if (!first.last && isConditional) await checkEarly(filesystem, path, options);
    return await viaTemporary(filesystem, "write", path, options, (temporary) =>
      upload(filesystem, path, temporary, first, blocks.next, options),
    );
  } finally {
    blocks.release();
  }
}

/** Spares sending what is going to be refused. Moving it into its place checks again. */
async function checkEarly(
  filesystem: Filesystem,
  path: StorePath,
  { ifMatch, ifNoneMatch, signal }: WriteOptions,
): Promise<void> {
  try {
    const there = await look(filesystem, path, signal);
    if (ifNoneMatch !== undefined && there) throw exists(path);
    if (ifMatch !== undefined && there?.etag !== ifMatch) {
      throw new AmlError("precondition_failed", `File '${path}' is not the version that was expected.`, {
        operation: "write",
        hint: "Look it up again and repeat with its new etag.",
        context: { path },
      });
    }
  } catch (error) {
    // What a writer may not look at, the service judges at the end.
    if (!isAmlError(error, "permission_denied")) throw error;
  }
}

async function upload(
  filesystem: Filesystem,
  path: StorePath,
  temporary: Temporary,
  first: Block,
  next: () => Promise<Block>,
  options: WriteOptions,
): Promise<FileStat> {
  const { contentType, metadata, md5, signal, resume } = options;
  const abort = signal && { abortSignal: signal };
  const file = (await filesystem.client()).getFileClient(temporary.path);
  const attempt: Attempting = (run) => filesystem.attempt("write", path, signal, run);
  const headers = { ...(contentType !== undefined && { contentType }) };
  temporary.state = "asked";
  const created =
    resume !== undefined && resume.offset > 0
      ? undefined
      : await attempt(() =>
          file.create({
            pathHttpHeaders: headers,
            ...(metadata && { metadata }),
            conditions: resume ? {} : { ifNoneMatch: "*" },
            ...abort,
          }),
        );
  temporary.state = "made";
  const isEmpty = first.last && first.bytes.byteLength === 0;
  if (isEmpty && md5 === undefined && created) return toStat(path, created, 0);
  const total = isEmpty ? 0 : await append(file, attempt, first, next, options);
  const contentMD5 = md5 && Uint8Array.from(atob(md5()), (character) => character.charCodeAt(0));
  const flushed = await attempt(() =>
    file.flush(total, {
      // Repeated, as the SDK's own upload does: that a flush keeps them is written nowhere.
      pathHttpHeaders: { ...headers, ...(contentMD5 && { contentMD5 }) },
      close: true,
      ...abort,
    }),
  );
  return toStat(path, { ...flushed, contentMD5 }, total);
}

/** Appends all blocks; what is to outlast a failure is flushed step by step. @returns where they end. */
async function append(
  file: DataLakeFileClient,
  attempt: Attempting,
  first: Block,
  next: () => Promise<Block>,
  { signal, resume }: WriteOptions,
): Promise<number> {
  const blocks = resume ? 8 : Infinity;
  let at = resume?.offset ?? 0;
  for (let block = first; ; block = await next()) {
    const step = takeStep(block, next, blocks);
    const start = at;
    at += await sendBlocks({
      ...step,
      signal,
      send: (bytes, _index, offset, abortSignal) =>
        attempt(() => file.append(bytes, start + offset, bytes.byteLength, { abortSignal })),
    });
    if (step.isLast()) return at;
    const end = at;
    await attempt(() => file.flush(end, { ...(signal && { abortSignal: signal }) }));
  }
}

type Attempting = <T>(run: () => Promise<T>) => Promise<T>;

/** A number of blocks as if they were all there are. */
function takeStep(
  first: Block,
  next: () => Promise<Block>,
  blocks: number,
): { readonly first: Block; next(): Promise<Block>; isLast(): boolean } {
  let left = blocks;
  let last = false;
  const counted = (block: Block): Block => {
    left -= 1;
    ({ last } = block);
    return { ...block, last: last || left === 0 };
  };
  return { first: counted(first), next: async () => counted(await next()), isLast: () => last };
}

function exists(path: string): AmlError {
  return new AmlError("already_exists", `File '${path}' exists already.`, {
    operation: "write",
    hint: "Choose another path, or allow it to be overwritten.",
    context: { path },
  });
}
