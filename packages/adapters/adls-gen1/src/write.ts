import { AmlError, isAmlError, type FileStat, type StorePath, type WriteOptions } from "@aml/core/adapter";
import { createBlocks, type Block, type Blocks } from "@aml/azure-auth/transfer";
import { alreadyThere } from "./errors.ts";
import { partialName, removePath, stat } from "./files.ts";
import type { Call, Store } from "./store.ts";

/** What is sent with one request; the service itself works in 4 MiB. */
const PIECE = 4 * 1024 * 1024;
/** For tidying up after an abort. */
const TIDY_MS = 10_000;

/**
 * Writes a file under a name of its own in the store's root, and renames it when it is complete: the service replaces
 * the old one at once.
 */
export async function write(
  store: Store,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  { size, signal, ifNoneMatch }: WriteOptions,
): Promise<FileStat> {
  const call: Call = { operation: "write", path, signal };
  const blocks = createBlocks(body, { first: PIECE, blockBytes: PIECE, size, signal });
  const overwrite = ifNoneMatch === undefined;
  const partial = partialName();
  let begun = false;
  try {
    // What fails before its first piece is complete leaves no trace at all.
    const first = await blocks.next();
    const there = await lookUp(store, call, overwrite);
    begun = true;
    await send(store, { ...call, path: partial }, first, blocks).catch((error: unknown) => {
      throw renamed(error, partial, path);
    });
    const folder = path.slice(0, Math.max(0, path.lastIndexOf("/"))) as StorePath;
    if (!there && folder !== "") await store.ask({ ...call, path: folder }, "PUT", { op: "MKDIRS" });
    await rename(store, call, partial, overwrite);
    return { path, kind: "file", size: blocks.total };
  } catch (error) {
    await blocks.cancel(error);
    if (begun) await removePath(store, partial, false, AbortSignal.timeout(TIDY_MS)).catch(() => undefined);
    throw error;
  }
}

/** A rename into a folder would put the file inside, so that is looked up. @returns whether a file is there. */
async function lookUp(store: Store, { path, signal }: Call, overwrite: boolean): Promise<boolean> {
  try {
    const there = await stat(store, path, signal, "write");
    if (there.kind === "directory" || !overwrite) throw alreadyThere(path);
    return true;
  } catch (error) {
    if (isAmlError(error, "not_found")) return false;
    throw error;
  }
}

async function send(store: Store, call: Call, first: Block, blocks: Blocks): Promise<void> {
  const session = crypto.randomUUID();
  let offset = 0;
  for (let block = first; ; block = await blocks.next()) {
    const lease = { leaseid: session, filesessionid: session, syncFlag: block.last ? "CLOSE" : "DATA" };
    const response = await (offset === 0
      ? store.send(call, "PUT", { op: "CREATE", write: true, overwrite: false, ...lease }, block.bytes)
      : store.send(call, "POST", { op: "APPEND", append: true, offset, ...lease }, block.bytes));
    await response.body?.cancel();
    offset += block.bytes.byteLength;
    if (block.last) return;
  }
}

/** An error names the file that was to be written, not the name it has meanwhile. */
function renamed(error: unknown, partial: StorePath, path: StorePath): unknown {
  if (!isAmlError(error) || error.context["path"] !== partial) return error;
  // A file of ours that is gone, or has another length, was touched by somebody else.
  const code =
    error.code === "not_found" || error.code === "range_not_satisfiable" ? "unavailable" : error.code;
  return new AmlError(code, error.message.replaceAll(partial, path), {
    operation: "write",
    hint: error.hint,
    context: { ...error.context, path },
    retryAfterMs: error.retryAfterMs,
    cause: error.cause,
  });
}

async function rename(store: Store, call: Call, partial: StorePath, overwrite: boolean): Promise<void> {
  const { boolean: done } = await store.ask({ ...call, path: partial }, "PUT", {
    op: "RENAME",
    destination: `/${call.path}`,
    renameoptions: overwrite ? "OVERWRITE" : undefined,
  });
  if (done === true) return;
  // Somebody else was there first.
  if (!overwrite) throw alreadyThere(call.path);
  throw new AmlError("unavailable", `The service did not move the complete file to '${call.path}'.`, {
    operation: "write",
    hint: "Try again; check that no other program deletes or makes the folder at the same time.",
    context: { path: call.path },
  });
}
