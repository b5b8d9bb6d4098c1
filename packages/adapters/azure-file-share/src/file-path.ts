import { AmlError, parseStorePath, type StorePath } from "@aml/core/adapter";

// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-shares--directories--files--and-metadata,
// read 2026-11
const INVALID = /["\\:|<>*?]|\p{Cc}/u;
const NAME_LENGTH = 255;
const PATH_LENGTH = 2048;
const DEPTH = 250;

/**
 * A path as the service can hold it.
 *
 * @throws `path_invalid` for characters that no name of a share may have, and for what is too long or too deep.
 */
export function filePath(path: string, operation: string): StorePath {
  const whole = parseStorePath(path);
  const names = whole.split("/");
  const odd = names.find((name) => INVALID.test(name));
  if (odd !== undefined) {
    throw invalid(operation, path, `Azure Files cannot hold the name ${JSON.stringify(odd)}.`, {
      hint: 'Names there have none of " \\ : | < > * ? and no control characters.',
    });
  }
  const long = names.find((name) => name.length > NAME_LENGTH);
  if (long !== undefined) {
    throw invalid(operation, path, `The name '${long.slice(0, 20)}…' has ${long.length} characters.`, {
      hint: `Azure Files takes ${NAME_LENGTH} for one name.`,
    });
  }
  if (whole.length > PATH_LENGTH || names.length > DEPTH) {
    const much = `${whole.length} characters and ${names.length} names`;
    throw invalid(operation, path, `The path '${whole.slice(0, 20)}…' has ${much}.`, {
      hint: `Azure Files takes ${PATH_LENGTH} characters and ${DEPTH} names.`,
    });
  }
  return whole;
}

function invalid(operation: string, path: string, message: string, { hint }: { hint: string }): AmlError {
  return new AmlError("path_invalid", message, { operation, hint, context: { path } });
}

/** `a/b` of `a/b/c`; empty at the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Names of uploads under way, which no listing shows. */
export const PARTIAL: RegExp = /^\.aml-[0-9a-f]{16}\.partial$/;
