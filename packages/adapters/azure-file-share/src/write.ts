import { AmlError, type FileStat, type StorePath, type WriteOptions } from "@aml/core/adapter";
import { createBlocks, sendBlocks } from "@aml/azure-auth/transfer";
import type { ShareFileClient } from "@azure/storage-file-share";
import { filePath } from "./file-path.ts";
import { commit, viaPartial } from "./partial-file.ts";
import type { Share } from "./share.ts";
import { toStat } from "./stat.ts";

/** What one request takes. https://learn.microsoft.com/rest/api/storageservices/put-range, read 2026-11 */
const RANGE = 4 * 1024 * 1024;
/** What a file may have. https://learn.microsoft.com/azure/storage/files/storage-files-scale-targets, read 2026-11 */
const LARGEST = 4 * 1024 ** 4;
/** The size that a file of unknown length begins with; it doubles as it fills. */
const GROWS_FROM = 64 * 1024 * 1024;

/**
 * Writes a file: ranges sent in parallel to another name in the root of the share, then a rename in place of what was
 * there. A reader sees the old file or the new one. When it fails, the other name is deleted.
 */
export async function write(
  share: Share,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  options: WriteOptions = {},
): Promise<FileStat> {
  const { signal } = options;
  try {
    signal?.throwIfAborted();
    const at = filePath(path, "write");
    if (at === "") throw new AmlError("path_invalid", "A file needs a name: the path is empty.");
    if (options.ifMatch !== undefined) throw cannotMatch(at);
    if ((options.size ?? 0) > LARGEST) throw tooLarge(at);
    return await viaPartial(
      share,
      async (partial) => {
        const size = await upload(share, at, partial, body, options);
        signal?.throwIfAborted();
        return toStat(at, await commit(share, at, partial, options), size);
      },
      options.resume,
    );
  } catch (error) {
    await body.cancel(error).catch(() => undefined);
    throw signal?.aborted ? signal.reason : error;
  }
}

/** @returns how many bytes there were. */
async function upload(
  share: Share,
  path: StorePath,
  partial: ShareFileClient,
  body: ReadableStream<Uint8Array>,
  { size, signal, resume, metadata }: WriteOptions,
): Promise<number> {
  const begin = resume?.offset ?? 0;
  const bytesOfBody = size === undefined ? undefined : size - begin;
  const blockBytes = Math.min(RANGE, resume ? resume.stepBytes / 8 : RANGE);
  const attempt = <T>(run: () => Promise<T>): Promise<T> => share.attempt("write", path, signal, run);
  const blocks = createBlocks(body, { size: bytesOfBody, signal, first: RANGE, blockBytes });
  try {
    const first = await blocks.next();
    const known = size ?? (first.last ? first.bytes.byteLength : undefined);
    let room = known ?? GROWS_FROM;
    if (begin === 0)
      await attempt(() =>
        partial.create(room, { ...(metadata && { metadata }), ...(signal && { abortSignal: signal }) }),
      );
    let growing: Promise<unknown> = Promise.resolve();
    const grown = (end: number): Promise<unknown> => {
      if (end > room) {
        room = Math.min(LARGEST, room * 2);
        const next = room;
        growing = growing.then(() =>
          attempt(() => partial.resize(next, { ...(signal && { abortSignal: signal }) })),
        );
      }
      return growing;
    };
    const sent = await sendBlocks({
      first,
      next: blocks.next,
      signal,
      async send(bytes, _index, at, abortSignal) {
        const offset = begin + at;
        if (offset + bytes.byteLength > LARGEST) throw tooLarge(path);
        await grown(offset + bytes.byteLength);
        if (bytes.byteLength === 0) return;
        await attempt(() => partial.uploadRange(bytes, offset, bytes.byteLength, { abortSignal }));
      },
    });
    const total = begin + sent;
    if (total !== room)
      await attempt(() => partial.resize(total, { ...(signal && { abortSignal: signal }) }));
    return total;
  } finally {
    blocks.release();
  }
}

function cannotMatch(path: StorePath): AmlError {
  return new AmlError("unsupported", `Azure Files cannot replace one version of '${path}' only.`, {
    operation: "write",
    hint: "Write without ifMatch, or keep the file in a store with conditional writes.",
    context: { path },
  });
}

function tooLarge(path: StorePath): AmlError {
  return new AmlError(
    "unsupported",
    `The body for '${path}' is larger than the 4 TiB of a file on Azure Files.`,
    {
      operation: "write",
      hint: "Write it in several files, or to a blob.",
      context: { path },
    },
  );
}
