import { AmlError, type StorePath } from "@aml/core/adapter";
import { parentOf } from "./file-path.ts";
import type { Share } from "./share.ts";
import { saysCode } from "./stat.ts";

/**
 * Makes a directory, and those above it that are missing.
 *
 * @returns removes those that it has made, as far as they are empty.
 * @throws `already_exists` when a file has the place of one.
 */
export async function makeDirectories(
  share: Share,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<() => Promise<void>> {
  const made: StorePath[] = [];
  const undo = async (): Promise<void> => {
    for (const directory of made.toReversed()) {
      // Another writer may have put something there by now.
      const client = await share.directory(directory);
      await client.delete().catch(() => undefined);
    }
  };
  try {
    await make(share, path, made, signal);
    return undo;
  } catch (error) {
    await undo();
    throw error;
  }
}

/** From the bottom up to the first that is there, and down again. */
async function make(
  share: Share,
  path: StorePath,
  made: StorePath[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const parent = parentOf(path);
  try {
    await create(share, path, made, signal);
  } catch (error) {
    if (parent === "" || !saysCode(error, "ParentNotFound")) throw error;
    await make(share, parent as StorePath, made, signal);
    await create(share, path, made, signal);
  }
}

async function create(
  share: Share,
  path: StorePath,
  made: StorePath[],
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await share.attempt("write", path, signal, async () => {
      const directory = await share.directory(path);
      await directory.create({ ...(signal && { abortSignal: signal }) });
      made.push(path);
    });
  } catch (error) {
    if (saysCode(error, "ResourceAlreadyExists")) return;
    throw saysCode(error, "ResourceTypeMismatch") ? fileInTheWay(path, error as AmlError) : error;
  }
}

function fileInTheWay(path: StorePath, cause: AmlError): AmlError {
  return new AmlError("already_exists", `A file stands where a folder '${path}' is needed.`, {
    operation: "write",
    hint: "Choose another name, or delete that file first.",
    context: { ...cause.context, path },
    cause,
  });
}
