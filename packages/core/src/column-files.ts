import { AmlError } from "./aml-error.ts";
import type { FileRef } from "./engine.ts";
import { listFiles, type ListFilesOptions } from "./list-files.ts";
import type { Row } from "./table.ts";
import { isUri } from "./uri.ts";
import type { LocatedPath } from "./workspace.ts";

/**
 * The files that a column of a table names, each once, in order of first appearance; nulls name none.
 *
 * @throws `plan_invalid` for a value that is no URI; `not_found` for a file that is missing, unless that is ignored.
 */
export async function* columnFiles(
  rows: AsyncIterable<Row>,
  column: string,
  locate: (uri: string) => Promise<LocatedPath>,
  options: ListFilesOptions,
): AsyncIterable<FileRef> {
  const uris = new Set<string>();
  let number = 0;
  for await (const row of rows) {
    const value = row[column] ?? null;
    if (value !== null) uris.add(uriIn(value, column, number));
    number += 1;
  }
  const paths = [...uris].map((file) => ({ file }));
  if (paths.length > 0) yield* listFiles({ from: "paths", paths }, locate, options);
}

function uriIn(value: unknown, column: string, row: number): string {
  if (typeof value === "string" && isUri(value)) return value;
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : typeof value;
  throw new AmlError(
    "plan_invalid",
    `Row ${row} of column ${JSON.stringify(column)} is no URI of a file: ${shown}.`,
    {
      operation: "download",
      hint: "Name a column of URIs, e.g. the path column, or azureml://datastores/<name>/paths/<path>.",
      context: { column, row },
    },
  );
}
