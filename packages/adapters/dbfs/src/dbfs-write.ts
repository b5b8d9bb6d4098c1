import { AmlError, isAmlError, type FileStat, type StorePath, type WriteOptions } from "@aml/core/adapter";
import { createBlocks, type Blocks } from "@aml/azure-auth/transfer";
import { alreadyThere } from "./already-there.ts";
import { absolute, stat } from "./dbfs-files.ts";
import { partialName } from "./entry.ts";
import type { Call, Workspace } from "./workspace.ts";

/** What the service takes in one call. */
const BLOCK = 1024 * 1024;
/** For tidying up after an abort. */
const TIDY_MS = 10_000;
const TRIES = 5;

/**
 * Writes a file: up to 1 MiB with one call; more block by block under a name of its own in the store's root, which
 * is moved to its place when it is complete. DBFS replaces no file by a move, so an old one is deleted right before:
 * for that moment there is neither.
 */
export async function write(
  workspace: Workspace,
  path: StorePath,
  body: ReadableStream<Uint8Array>,
  { size, signal, ifNoneMatch }: WriteOptions,
): Promise<FileStat> {
  const call: Call = { operation: "write", path, signal };
  const overwrite = ifNoneMatch === undefined;
  const blocks = createBlocks(body, { first: BLOCK, blockBytes: BLOCK, size, signal });
  try {
    const first = await blocks.next();
    if (first.last) {
      const contents = base64(first.bytes);
      await workspace.dbfs(call, "put", { path: absolute(workspace, path), contents, overwrite });
    } else {
      await checkRoom(workspace, call, overwrite);
      await writeLarge(workspace, call, first.bytes, blocks, overwrite);
    }
    return { path, kind: "file", size: blocks.total };
  } catch (error) {
    await blocks.cancel(error);
    throw error;
  }
}

/** Spares the upload of what is going to be refused, and finds what a folder's place is asked for. */
async function checkRoom(workspace: Workspace, { path, signal }: Call, overwrite: boolean): Promise<void> {
  try {
    const there = await stat(workspace, path, signal, "write");
    if (there.kind === "directory" || !overwrite) throw alreadyThere(path);
  } catch (error) {
    if (!isAmlError(error, "not_found")) throw error;
  }
}

async function writeLarge(
  workspace: Workspace,
  call: Call,
  first: Uint8Array,
  blocks: Blocks,
  overwrite: boolean,
): Promise<void> {
  const partial = `${workspace.root.path}/${partialName()}`;
  const { handle } = await workspace.dbfs(call, "create", { path: partial, overwrite: false });
  try {
    for (let block = { bytes: first, last: false }; ; block = await blocks.next()) {
      await workspace.dbfs(call, "add-block", { handle, data: base64(block.bytes) }).catch(lostHandle);
      if (block.last) break;
    }
    await workspace.dbfs(call, "close", { handle }).catch(lostHandle);
    const target = absolute(workspace, call.path);
    const folder = target.slice(0, target.lastIndexOf("/"));
    if (folder !== workspace.root.path) await workspace.dbfs(call, "mkdirs", { path: folder });
    await moveTo(workspace, call, partial, target, overwrite);
  } catch (error) {
    const tidy: Call = { ...call, signal: AbortSignal.timeout(TIDY_MS) };
    await workspace.dbfs(tidy, "delete", { path: partial, recursive: false }).catch(() => undefined);
    throw error;
  }
}

async function moveTo(
  workspace: Workspace,
  call: Call,
  partial: string,
  target: string,
  overwrite: boolean,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await workspace.dbfs(call, "move", { source_path: partial, destination_path: target });
      return;
    } catch (error) {
      // Another writer may have come in between, so more than one try.
      if (!isAmlError(error, "already_exists") || !overwrite || tries === TRIES) throw error;
      await workspace.dbfs(call, "delete", { path: target, recursive: false });
    }
  }
}

/** A handle that is gone is not a file that is missing. */
function lostHandle(error: unknown): never {
  if (!isAmlError(error, "not_found")) throw error;
  throw new AmlError("unavailable", "Databricks gave up the upload: its handle has expired.", {
    operation: "write",
    hint: "Try again; a body must not pause for ten minutes.",
    context: error.context,
    cause: error,
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
