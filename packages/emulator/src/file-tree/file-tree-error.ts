/**
 * - `not_found`: nothing is at the path
 * - `parent_not_found`: a directory above the path is missing
 * - `not_a_directory`, `not_a_file`: what is there is of the other kind, at the path or above it
 * - `exists`: the path is taken
 * - `not_empty`: a directory that holds something
 * - `path_invalid`: an empty, `.` or `..` name, one with a NUL or half a surrogate pair, or the root where it cannot be meant
 * - `move_invalid`: a directory into itself
 */
export type FileTreeErrorCode =
  | "not_found"
  | "parent_not_found"
  | "not_a_directory"
  | "not_a_file"
  | "exists"
  | "not_empty"
  | "path_invalid"
  | "move_invalid";

/** Why a file tree refused something; a service gives each code its own words and status. */
export class FileTreeError extends Error {
  override readonly name = "FileTreeError";
  readonly code: FileTreeErrorCode;
  readonly path: string;

  constructor(code: FileTreeErrorCode, path: string) {
    super(`${code}: ${JSON.stringify(path)}`);
    this.code = code;
    this.path = path;
  }
}
