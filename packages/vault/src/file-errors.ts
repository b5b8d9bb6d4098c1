import { AmlError, isAmlError } from "@aml/core";
import type { AmlErrorCode } from "@aml/core";

const CODES: Readonly<Record<string, readonly [code: AmlErrorCode, what: string, hint: string]>> = {
  EACCES: [
    "permission_denied",
    "cannot be opened",
    "Grant this user read and write access to the file and its folder.",
  ],
  EPERM: [
    "permission_denied",
    "cannot be opened",
    "Grant this user read and write access to the file and its folder.",
  ],
  EROFS: ["permission_denied", "is on a read-only disk", "Name a file on a disk that can be written."],
  EISDIR: ["path_invalid", "is a folder", "Name a file."],
  ENOTDIR: ["path_invalid", "lies below a file", "Name a file in a folder."],
  EEXIST: ["path_invalid", "lies below a file", "Name a file in a folder."],
  ENAMETOOLONG: ["path_invalid", "has too long a name", "Use a shorter path."],
  ERR_INVALID_ARG_VALUE: ["path_invalid", "is not a path", "Name a file."],
  ENOSPC: ["resource_exhausted", "has no room left on its disk", "Free some space and try again."],
  EDQUOT: ["resource_exhausted", "is over the disk quota", "Free some space and try again."],
};

/** Maps what the file system reported about a file of the vault; what is unknown is `internal`. */
export function fileError(error: unknown, file: string): AmlError {
  if (isAmlError(error)) return error;
  const [code, what, hint] = CODES[String((error as { code?: unknown }).code)] ?? [
    "internal",
    "gave an unexpected error",
    "Report this with the error's cause.",
  ];
  return new AmlError(code, `${file} ${what}.`, { hint, context: { file }, cause: error });
}

export function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ENOENT";
}
