import { isAbsolute, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * A file's URI the way its reader wrote the place that it is in: a `file:` URI becomes a path, relative where `typed`
 * is relative. Any other URI stays as it is.
 *
 * @param typed - what the command line said.
 */
export function shownPath(uri: string, typed: string, cwd: string): string {
  if (!/^file:/i.test(uri) || /^[a-z][a-z\d+.-]+:/i.test(typed)) return uri;
  const path = fileURLToPath(uri);
  if (isAbsolute(typed)) return path;
  const shown = relative(cwd, path) || ".";
  return uri.endsWith("/") && !shown.endsWith(sep) ? `${shown}${sep}` : shown;
}
