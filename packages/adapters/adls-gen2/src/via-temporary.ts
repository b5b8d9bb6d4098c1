import type { FileStat, KeptWrite, StorePath } from "@aml/core/adapter";
import type { Attempt } from "./errors.ts";
import type { Filesystem } from "./filesystem.ts";
import { makeDirectory, move, type RenameOptions } from "./directories.ts";
import { folderOf, temporaryPath } from "./temporary.ts";

/** How long deleting what failed may take. */
const TIDY_MS = 5_000;

/** The file beside its place, and whether it was asked for and made. */
export interface Temporary {
  readonly path: StorePath;
  state: "none" | "asked" | "made";
}

export interface ViaTemporaryOptions extends RenameOptions {
  /** Leaves what fails, for a write that goes on with it. */
  readonly resume?: KeptWrite | undefined;
}

/** Has a file made beside its place and moves it there when it is complete. What fails is deleted. */
export async function viaTemporary(
  filesystem: Filesystem,
  operation: Attempt["operation"],
  path: StorePath,
  { ifMatch, ifNoneMatch, signal, resume }: ViaTemporaryOptions,
  make: (temporary: Temporary) => Promise<FileStat>,
): Promise<FileStat> {
  const temporary: Temporary = { path: temporaryPath(path, resume?.id), state: "none" };
  try {
    const made = await make(temporary);
    const parent = folderOf(path);
    if (folderOf(temporary.path) !== parent) await makeDirectory(filesystem, parent, { signal });
    // Moving keeps etag and time, so what is known of the file is true of it in its place.
    await move(filesystem, operation, temporary.path, path, { ifMatch, ifNoneMatch, signal });
    return made;
  } catch (error) {
    if (temporary.state !== "none" && resume === undefined) {
      const gone = discard(filesystem, temporary.path);
      // A service that never answered keeps nobody waiting.
      if (temporary.state === "made") await gone;
    }
    throw error;
  }
}

/** Of what failed: its own error counts, not that of tidying up. */
async function discard(filesystem: Filesystem, temporary: StorePath): Promise<void> {
  try {
    const file = (await filesystem.client()).getFileClient(temporary);
    await file.delete(false, { abortSignal: AbortSignal.timeout(TIDY_MS) });
  } catch {
    // It was never made, or the service is out of reach; listings do not show it.
  }
}
