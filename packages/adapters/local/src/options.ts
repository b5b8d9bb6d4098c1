import { isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AmlError, parseStorePath, type Location } from "@aml/core/adapter";

export interface LocalOptions {
  /** The folder, absolute. */
  readonly path: string;
}

/**
 * Checks options from a file or a command line; `path` may also be a `file:` URL.
 *
 * @throws `config_invalid` when `path` is missing or not absolute, or another option is there.
 */
export function parseOptions(input: unknown): LocalOptions {
  if (typeof input !== "object" || input === null) throw invalid("The options are not an object.");
  const { path, ...others } = input as Record<string, unknown>;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw invalid(`A local store has no option ${JSON.stringify(unknown)}.`);
  if (typeof path !== "string" || path === "") throw invalid("The option path is missing.");
  const folder = /^file:/i.test(path) ? fromUrl(path) : path;
  if (!isAbsolute(folder) || folder.includes("\0")) {
    throw invalid(`The option path is not absolute: ${JSON.stringify(path)}.`);
  }
  return { path: resolve(folder) };
}

/**
 * Reads a `file:` URI: the file system's (on Windows the drive's) root, and the path below it.
 *
 * @returns `undefined` for a URI that is not `file:`.
 * @throws `path_invalid` for a `file:` URI with a host or an encoded slash.
 */
export function locate(uri: string): Location<LocalOptions> | undefined {
  if (!/^file:/i.test(uri)) return undefined;
  // Glob characters stay as they are; `?` and `#` would otherwise begin a query or a fragment.
  const path = fromUrl(uri.replaceAll("?", "%3F").replaceAll("#", "%23"), "path_invalid").replaceAll(
    "\\",
    "/",
  );
  const drive = /^[A-Za-z]:\//.exec(path)?.[0] ?? "/";
  return { options: { path: drive }, path: parseStorePath(path.slice(drive.length)) };
}

function fromUrl(url: string, code: "config_invalid" | "path_invalid" = "config_invalid"): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new AmlError(code, `${JSON.stringify(url)} is not the URL of a local file.`, {
      hint: "Write it as file:///absolute/path, without a host, and percent-encode %, ? and #.",
      cause,
    });
  }
}

function invalid(message: string): AmlError {
  return new AmlError("config_invalid", message, {
    hint: 'Give one option: { "path": "/an/absolute/folder" }.',
  });
}
