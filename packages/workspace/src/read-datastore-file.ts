import type { DatastoreInput } from "@aml/core";

/**
 * Reads a datastore in Azure ML's v2 YAML. Every value is a text, however numeric it looks; no `credentials` means
 * identity-based access; a SAS may start with `?`.
 *
 * @param path - for messages.
 * @throws `parse_failed` for broken YAML, with line and column; `config_invalid` for an unknown or missing key;
 * `unsupported` for a type without an adapter.
 * @see https://learn.microsoft.com/azure/machine-learning/reference-yaml-datastore-blob – keys and defaults
 */
export async function readDatastoreFile(text: string, path: string): Promise<DatastoreInput> {
  // Few programs read such files, and the YAML parser is larger than the rest of this package.
  const { parseDatastoreFile } = await import("./parse-datastore-file.ts");
  return parseDatastoreFile(text, path);
}
