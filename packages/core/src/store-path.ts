import { AmlError } from "./aml-error.ts";
import type { StorePath } from "./storage.ts";

/**
 * Normalises a path below a store's root: empty and `.` segments are folded, everything else is kept as it is
 * (case, spaces, `%`, backslashes).
 *
 * @throws `path_invalid` for a `..` segment or a NUL character.
 */
export function parseStorePath(path: string): StorePath {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..") || path.includes("\0")) {
    throw new AmlError("path_invalid", `The path ${JSON.stringify(path)} leaves its store.`, {
      hint: "Remove '..' segments and NUL characters.",
    });
  }
  return segments.join("/") as StorePath;
}

/** Joins paths below a store's root. @throws `path_invalid`, like `parseStorePath`. */
export function joinStorePath(...parts: readonly string[]): StorePath {
  return parseStorePath(parts.join("/"));
}
