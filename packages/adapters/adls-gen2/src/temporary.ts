import type { StorePath } from "@aml/core/adapter";

const NAME = /(^|\/)\.aml-[0-9a-f]{16}\.partial$/;
/** Characters that a path may have. */
const LONGEST = 1024;

/**
 * Where a file is written before it is moved to its place: beside it, where its writer may write for certain, or where
 * that path would be too long in the nearest folder above that leaves room.
 */
export function temporaryPath(path: StorePath, id: string = crypto.randomUUID()): StorePath {
  const name = `.aml-${id.replaceAll("-", "").slice(0, 16)}.partial`;
  let folder = folderOf(path);
  while (folder.length + 1 + name.length > LONGEST) folder = folderOf(folder);
  return (folder === "" ? name : `${folder}/${name}`) as StorePath;
}

/** The folder that a path is in. */
export function folderOf(path: StorePath): StorePath {
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as StorePath;
}

/** Whether a path is of a file that is being written, or that a writer which died has left. */
export function isTemporary(path: string): boolean {
  return NAME.test(path);
}
