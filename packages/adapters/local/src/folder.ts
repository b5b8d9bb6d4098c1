import { realpath } from "node:fs/promises";
import type { BigIntStats } from "node:fs";
import { join, sep } from "node:path";
import { AmlError, type FileStat, type StorePath } from "@aml/core/adapter";

/** Files of ours beside a file that is being written; never listed, never addressed. */
const OWN_NAME = /^\.aml-[0-9a-f]{16}\.(partial|lock)$/;

export function isOwnName(name: string): boolean {
  return OWN_NAME.test(name);
}

/** Where a workspace keeps its secrets, registry and cache. In no listing, so that nobody copies or reads them unawares. */
export const WORKSPACE_FOLDER = ".aml";

/**
 * Where a store path lies on the disk, by its text alone.
 *
 * @throws `path_invalid` for `..`, NUL, and names that this system would change or that writing reserves.
 */
export function place(root: string, path: string): string {
  for (const name of path === "" ? [] : path.split("/")) {
    const bad =
      name === "" ||
      name === "." ||
      name === ".." ||
      name.includes("\0") ||
      OWN_NAME.test(name) ||
      isForeign(name);
    if (bad) {
      throw new AmlError("path_invalid", `${JSON.stringify(path)} is not a path in a local folder.`, {
        hint: `Choose another name than ${JSON.stringify(name)}.`,
        context: { path },
      });
    }
  }
  return join(root, path);
}

/** Windows reads `\` and `:` as something else, and drops dots and spaces at the end. */
function isForeign(name: string): boolean {
  return sep === "\\" && (/[\\:]/.test(name) || /[. ]$/.test(name));
}

/**
 * Follows links and makes sure that they stay below the root.
 *
 * @throws `permission_denied` when a link leads out; the system's error when there is nothing.
 */
export async function follow(root: string, path: string, at: string): Promise<string> {
  const [realRoot, real] = await Promise.all([realpath(root), realpath(at)]);
  const below = realRoot.endsWith(sep) ? realRoot : realRoot + sep;
  if (real === realRoot || real.startsWith(below)) return real;
  throw new AmlError(
    "permission_denied",
    `${JSON.stringify(path)} is reached by a link that leaves the store.`,
    {
      hint: "Put the files below the store's folder, or register the link's target as a store of its own.",
      context: { path },
    },
  );
}

/** @throws `path_invalid` for a device, a pipe or a socket. */
export function toFileStat(path: StorePath, stats: BigIntStats): FileStat {
  const modifiedAt = new Date(Number(stats.mtimeMs));
  if (stats.isDirectory()) return { path, kind: "directory", size: 0, modifiedAt };
  if (stats.isFile())
    return { path, kind: "file", size: Number(stats.size), modifiedAt, etag: etagOf(stats) };
  throw new AmlError("path_invalid", `${JSON.stringify(path)} is neither a file nor a folder.`, {
    hint: "Devices, pipes and sockets have no place in a store.",
    context: { path },
  });
}

/** A new file has a new inode, a file changed in place another time or size. */
export function etagOf({ size, mtimeNs, ino }: BigIntStats): string {
  return `"${size.toString(36)}-${mtimeNs.toString(36)}-${ino.toString(36)}"`;
}
