import type { DatastoreInput } from "@aml/core";

/** A text and where it came from. */
export interface NamedText {
  readonly text: string;
  readonly path: string;
}

export interface ReadDatastoreFileOptions {
  /** Values for the parameters of a template. */
  readonly parameters?: NamedText | undefined;
}

/**
 * Reads datastores from a file: Azure ML's v2 YAML, our own types in the same form, several documents of both, or an
 * Azure Resource Manager template with datastores of a workspace. A name that ends in `.json` makes it JSON, with
 * comments if need be; a template may be YAML, too.
 *
 * Every value is a text, however numeric it looks; no `credentials` means identity-based access; a SAS may start with
 * `?`.
 *
 * @param path - for messages, and to tell JSON from YAML.
 * @throws `parse_failed` for broken YAML or JSON; `config_invalid` for an unknown or missing key, for credentials that
 * are not exactly one; `unsupported` for OneLake, and for what a template would have to compute. Messages tell line
 * and column, and never a value.
 * @see https://learn.microsoft.com/azure/machine-learning/reference-yaml-datastore-blob – keys and defaults
 */
export async function readDatastoreFile(
  text: string,
  path: string,
  options: ReadDatastoreFileOptions = {},
): Promise<readonly DatastoreInput[]> {
  // Few programs read such files, and the parsers are larger than the rest of this package.
  const { parseDatastoreFile } = await import("./parse-datastore-file.ts");
  return parseDatastoreFile(text, path, options.parameters);
}
