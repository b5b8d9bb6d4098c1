import { join } from "node:path";
import { AmlError, isAmlError, type AmlErrorCode } from "@aml/core/adapter";

/** The reasons behind the file system's error codes, with what to do about them. */
export const REASONS: Readonly<Record<string, readonly [AmlErrorCode, string, string?]>> = Object.freeze({
  ENOENT: ["not_found", "does not exist", "Check the path: names are case-sensitive on most systems."],
  ENOTDIR: [
    "not_found",
    "does not exist: a file stands where one of its folders should be",
    "Check the folders of the path.",
  ],
  EISDIR: ["already_exists", "is a folder", "Choose another name, or delete the folder first."],
  EEXIST: ["already_exists", "exists already", "Choose another name, or allow it to be overwritten."],
  ENOTEMPTY: ["precondition_failed", "is a folder that is not empty", "Pass recursive to delete it whole."],
  EACCES: [
    "permission_denied",
    "may not be accessed",
    "Grant this user the rights to the file and its folders.",
  ],
  EPERM: [
    "permission_denied",
    "may not be changed",
    "Grant this user the rights to the file and its folders.",
  ],
  EROFS: ["permission_denied", "is on a read-only file system", "Choose a folder that can be written to."],
  ELOOP: ["path_invalid", "goes through a loop of links", "Remove one of the links."],
  ENAMETOOLONG: [
    "path_invalid",
    "has a name that is too long",
    "Shorten it: most file systems take 255 bytes a name.",
  ],
  EINVAL: ["path_invalid", "has a name that this file system does not take", "Choose another name."],
  EILSEQ: ["path_invalid", "has a name that this file system does not take", "Choose another name."],
  ERR_INVALID_ARG_VALUE: [
    "path_invalid",
    "has a name that this file system does not take",
    "Choose another name.",
  ],
  ENOSPC: [
    "resource_exhausted",
    "does not fit: the disk is full",
    "Free some space, or choose another disk.",
  ],
  EDQUOT: [
    "resource_exhausted",
    "does not fit: the quota is used up",
    "Free some space, or raise the quota.",
  ],
  EFBIG: ["resource_exhausted", "is larger than this file system allows", "Choose another file system."],
  ENOMEM: ["resource_exhausted", "needs more memory than there is", "Work on fewer files at once."],
  EMFILE: [
    "unavailable",
    "could not be opened: too many files are open",
    "Open fewer at once, or raise ulimit -n.",
  ],
  ENFILE: [
    "unavailable",
    "could not be opened: too many files are open",
    "Open fewer at once, or raise ulimit -n.",
  ],
  EBUSY: ["unavailable", "is in use", "Try again when the other program is done."],
  EAGAIN: ["unavailable", "is in use", "Try again when the other program is done."],
  ETXTBSY: ["unavailable", "is in use", "Try again when the other program is done."],
  EIO: [
    "unavailable",
    "could not be read or written: the device failed",
    "Check the disk or the network drive.",
  ],
  ESTALE: ["unavailable", "lies on a network drive that went away", "Check the mount, then try again."],
  ETIMEDOUT: ["timeout", "lies on a network drive that does not answer", "Check the mount, then try again."],
  EXDEV: ["unsupported", "spans two file systems", "Keep a store's folder on one file system."],
});

/** A failure of the file system as an `AmlError`; one that is an `AmlError` already comes back as it is. */
export function toAmlError(error: unknown, operation: string, path: string): AmlError {
  if (isAmlError(error)) return error;
  const errno = error instanceof Error && "code" in error ? String(error.code) : undefined;
  const [code, reason, hint] = REASONS[errno ?? ""] ?? ["internal", "failed in a way that is not known"];
  return new AmlError(code, `${JSON.stringify(path)} ${reason}.`, {
    operation,
    hint,
    context: { path, errno },
    cause: error,
  });
}

/** Awaits one call to the file system and turns its failure into an `AmlError`. */
export async function mapped<T>(operation: string, path: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw toAmlError(error, operation, path);
  }
}

/** An error about a path of the store, told by the path on this machine: the one that its reader can look at. */
export function inFolder(error: unknown, root: string): unknown {
  if (!isAmlError(error) || typeof error.context["path"] !== "string") return error;
  const { code, message, operation, hint, context, cause, retryAfterMs } = error;
  const inStore = JSON.stringify(error.context["path"]);
  if (!message.includes(inStore)) return error;
  const shown = message.replace(inStore, () => JSON.stringify(join(root, error.context["path"] as string)));
  return new AmlError(code, shown, { operation, hint, context, cause, retryAfterMs });
}
