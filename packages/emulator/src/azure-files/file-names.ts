import { refusal } from "./file-refusal.ts";

// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-shares--directories--files--and-metadata,
// read 2026-11
const SHARE = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
const INVALID = /["\\:|<>*?\p{Cc}]/u;
const DEVICE = /^(LPT[1-9]|COM[1-9]|PRN|AUX|NUL|CON|CLOCK\$)$/i;
const NAME_LENGTH = 255;
const PATH_LENGTH = 2048;
const DEPTH = 250;

/** @throws `InvalidResourceName`. */
export function checkShareName(name: string): void {
  if (!SHARE.test(name)) throw refusal("InvalidResourceName");
}

/**
 * The path of a file or directory as the service stores it: without dots at the end of names, unless the request says
 * that it wants them.
 *
 * @throws `InvalidResourceName`, `InvalidFileOrDirectoryPathName`.
 */
export function storedPath(path: string, allowTrailingDot: boolean): string {
  if (path === "") return "";
  const names = path.split("/").map((name) => (allowTrailingDot ? name : name.replace(/\.+$/, "")));
  for (const name of names) {
    if (name === "" || name === "." || name === "..") throw refusal("InvalidResourceName");
    if (INVALID.test(name) || DEVICE.test(name) || /\p{Surrogate}/u.test(name))
      throw refusal("InvalidResourceName");
    if (name.length > NAME_LENGTH) throw refusal("InvalidResourceName");
  }
  if (names.length > DEPTH || path.length > PATH_LENGTH) throw refusal("InvalidFileOrDirectoryPathName");
  return names.join("/");
}

/** Whether XML 1.0 can carry a name (control characters are none); one that it cannot is percent-encoded, and marked. */
export function fitsXml(name: string): boolean {
  return !/[\uFFFE\uFFFF]/.test(name);
}
