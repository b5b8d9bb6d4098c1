import { AmlError, isAmlError, type FileStat, type StorePath, type WriteOptions } from "@aml/core/adapter";
import { createBlocks, type Blocks } from "@aml/azure-auth/transfer";
import { alreadyThere } from "./already-there.ts";
import { stat, target } from "./volume-files.ts";
import type { Call, Workspace } from "./workspace.ts";

const MiB = 1024 * 1024;
/** Up to here a body is sent in one piece, and without asking first whether it may. */
const PIECE = MiB;
/** https://docs.databricks.com/api/workspace/files/upload, read 2026-11 */
const LARGEST = 5 * 1024 * MiB;

/** Writes a file with one request, which shows it when it is complete. */
export async function write(
  workspace: Workspace,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  { size, signal, ifNoneMatch, contentType }: WriteOptions,
): Promise<FileStat> {
  if (size !== undefined && size > LARGEST) throw await refused(body, tooLarge());
  const call: Call = { operation: "write", path, signal };
  const url = `${target(workspace, "files", path)}?overwrite=${ifNoneMatch === undefined}`;
  const headers = { "content-type": contentType ?? "application/octet-stream" };
  const blocks = createBlocks(body, { first: PIECE, blockBytes: PIECE, size, signal });
  let failed: { readonly error: unknown } | undefined;
  try {
    const first = await blocks.next();
    if (!first.last && ifNoneMatch !== undefined) await checkFree(workspace, path, signal);
    const sent = first.last
      ? first.bytes
      : streamOf(first.bytes, blocks, (error) => {
          failed ??= { error };
        });
    const response = await workspace.send(call, url, { method: "PUT", headers, body: sent });
    await response.body?.cancel();
    return { path, kind: "file", size: blocks.total };
  } catch (error) {
    // What the body failed with, not what the connection made of it.
    const reason = failed === undefined ? error : failed.error;
    await blocks.cancel(reason);
    if (signal?.aborted) throw signal.reason;
    throw reason;
  }
}

/** Spares an upload that is going to be refused. The upload itself is judged again. */
async function checkFree(
  workspace: Workspace,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await stat(workspace, path, signal);
  } catch (error) {
    if (isAmlError(error, "not_found")) return;
    throw error;
  }
  throw alreadyThere(path);
}

async function refused(body: ReadableStream<Uint8Array>, error: AmlError): Promise<AmlError> {
  await body.cancel(error).catch(() => undefined);
  return error;
}

function streamOf(
  first: Uint8Array,
  blocks: Blocks,
  onFailure: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  let waiting: Uint8Array | undefined = first;
  let isGivenUp = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const block = waiting === undefined ? await blocks.next() : { bytes: waiting, last: false };
          waiting = undefined;
          if (blocks.total > LARGEST) throw tooLarge();
          if (block.bytes.byteLength > 0) controller.enqueue(block.bytes);
          if (block.last) controller.close();
        } catch (error) {
          // Of a body that nobody takes any more, its end in the middle is no failure of its own.
          if (!isGivenUp) onFailure(error);
          throw error;
        }
      },
      cancel(reason) {
        isGivenUp = true;
        return blocks.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function tooLarge(): AmlError {
  return new AmlError("unsupported", "A file of a volume cannot be written with more than 5 GiB.", {
    operation: "write",
    hint: "Write it in parts, or to the storage below the volume.",
  });
}
