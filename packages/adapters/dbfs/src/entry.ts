import { AmlError, parseStorePath, type FileStat, type StorePath } from "@aml/core/adapter";

/** What this adapter writes before a file is complete; never listed. */
const PARTIAL = /^\.aml-[0-9a-f]{32}\.partial$/;

/** A name of its own for a file under way. */
export function partialName(): string {
  return `.aml-${crypto.randomUUID().replaceAll("-", "")}.partial`;
}

/** The last part of an absolute path of the service. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * An item of a listing; `undefined` for a file of ours that is under way. Names that no path can express are
 * reported, not left out.
 */
export function toEntry(
  folder: StorePath,
  name: string,
  values: { readonly directory: boolean; readonly size: unknown; readonly modified: unknown },
): FileStat | undefined {
  if (PARTIAL.test(name)) return undefined;
  const parsed = name === ".." ? undefined : parseStorePath(name);
  if (parsed !== name || name === "") {
    throw new AmlError("unsupported", `The name ${JSON.stringify(name)} cannot be written as a path.`, {
      operation: "list",
      hint: "Rename it, or list another folder.",
      context: { folder, name },
    });
  }
  const path = (folder === "" ? name : `${folder}/${name}`) as StorePath;
  return values.directory ? directory(path) : file(path, values.size, values.modified);
}

export function directory(path: StorePath): FileStat {
  return { path, kind: "directory", size: 0 };
}

/** @param modified - milliseconds since 1970. */
export function file(path: StorePath, size: unknown, modified: unknown): FileStat {
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new AmlError("internal", `The service told no size of '${path}'.`, { context: { path } });
  }
  const known = typeof modified === "number" && Number.isFinite(modified) && modified > 0;
  return { path, kind: "file", size, ...(known && { modifiedAt: new Date(modified) }) };
}
