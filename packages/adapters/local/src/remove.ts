import { lstat, readdir, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AmlError, isAmlError, type DeleteOptions, type StorePath } from "@aml/core/adapter";
import { mapped } from "./errors.ts";
import { follow, place } from "./folder.ts";
import { locked } from "./lock.ts";

export async function remove(root: string, path: StorePath, options: DeleteOptions = {}): Promise<void> {
  const { signal, recursive } = options;
  signal?.throwIfAborted();
  const at = place(root, path);
  try {
    // The last name may be a link: it is removed itself, never what it points to.
    const folder = path === "" ? at : dirname(at);
    const real = await mapped("delete", path, follow(root, path, folder));
    await removeAt(path === "" ? real : join(real, basename(at)), path, recursive === true);
  } catch (error) {
    if (!isAmlError(error, "not_found")) throw error;
  }
}

async function removeAt(at: string, path: StorePath, recursive: boolean): Promise<void> {
  if (path === "") return empty(at, recursive);
  const directory = (await mapped("delete", path, lstat(at))).isDirectory();
  if (directory) {
    await mapped("delete", path, recursive ? rm(at, { recursive: true, force: true }) : rmdir(at));
  } else await locked(at, path, "delete", () => mapped("delete", path, unlink(at)));
}

/** The root itself stays: it is what was registered. */
async function empty(root: string, recursive: boolean): Promise<void> {
  if (!recursive) {
    throw new AmlError("path_invalid", "The root of a store is not a file.", {
      operation: "delete",
      hint: "Pass recursive to delete everything in it.",
    });
  }
  for (const name of await mapped("delete", "", readdir(root))) {
    await mapped("delete", name, rm(join(root, name), { recursive: true, force: true }));
  }
}
