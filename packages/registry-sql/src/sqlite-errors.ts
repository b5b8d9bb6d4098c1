import { AmlError, isAmlError } from "@aml/core";
import type { AmlErrorCode } from "@aml/core";

/** @see https://www.sqlite.org/rescode.html – primary result codes */
const CODES: Readonly<Record<number, readonly [code: AmlErrorCode, what: string, hint: string]>> = {
  3: [
    "permission_denied",
    "cannot be used",
    "Grant this user read and write access to the file and its folder.",
  ],
  5: ["unavailable", "is locked by another process", "Try again when the other process has finished."],
  6: ["unavailable", "is locked", "Try again when the other operation has finished."],
  8: ["permission_denied", "cannot be written", "Grant this user write access to the file and its folder."],
  10: ["unavailable", "could not be read or written", "Check the disk."],
  11: ["parse_failed", "is damaged", "Restore it from a backup."],
  13: ["resource_exhausted", "has no room left on its disk", "Free some space and try again."],
  14: [
    "permission_denied",
    "cannot be opened",
    "Grant this user read and write access to the file and its folder.",
  ],
  26: [
    "parse_failed",
    "is not a SQLite database",
    "Restore it from a backup, or move it away to start with an empty registry.",
  ],
};

const FILE_CODES: Readonly<Record<string, readonly [code: AmlErrorCode, what: string, hint: string]>> = {
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
};

export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === 5 || code === 6;
}

/** Maps what SQLite or the file system reported about a registry's file; one that is unknown is `internal`. */
export function toAmlError(error: unknown, file: string): AmlError {
  if (isAmlError(error)) return error;
  const result = resultCode(error);
  const fileCode = (error as { code?: unknown }).code;
  const [code, what, hint] = (result === undefined ? FILE_CODES[String(fileCode)] : CODES[result]) ?? [
    "internal",
    "gave an unexpected error",
    "Report this with the error's cause.",
  ];
  return new AmlError(code, `The registry ${file} ${what}.`, {
    hint,
    context: { file, ...(result !== undefined && { sqliteCode: result }) },
    cause: error,
  });
}

/** The primary code, without the extended bits. Deno leaves it out when a file cannot be opened. */
function resultCode(error: unknown): number | undefined {
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  return code === "ERR_SQLITE_ERROR" ? 14 : undefined;
}
