import {
  AmlError,
  type FileStat,
  type ReadOptions,
  type ReadResult,
  type StorePath,
} from "@aml/core/adapter";
import { propertiesOf, readFile } from "@aml/azure-auth/transfer";
import type { FileReadResponse } from "@azure/storage-file-datalake";
import type { Filesystem } from "./filesystem.ts";
import { toStat } from "./stat.ts";

/** Reads a file or a range of it, the larger ones in parallel ranges under one etag. */
export async function read(
  filesystem: Filesystem,
  path: StorePath,
  options: ReadOptions = {},
): Promise<ReadResult> {
  const { signal } = options;
  if (path === "") throw isFolder(path);
  return readFile<FileReadResponse>(
    {
      name: `file '${path}'`,
      path,
      request: (offset, count, { ifMatch, abortSignal }) =>
        filesystem.attempt("read", path, signal, (client) =>
          client.getFileClient(path).read(offset, count, {
            maxRetryRequests: 0,
            ...(abortSignal && { abortSignal }),
            ...(ifMatch !== undefined && { conditions: { ifMatch } }),
          }),
        ),
      toStat: (response, size) => statOf(path, response, size),
      look: ({ ifMatch, abortSignal }) =>
        filesystem.attempt("read", path, signal, async (client) => {
          const found = await client.getFileClient(path).getProperties({
            ...(abortSignal && { abortSignal }),
            ...(ifMatch !== undefined && { conditions: { ifMatch } }),
          });
          return { stat: fileOnly(path, toStat(path, found)), properties: propertiesOf(found) };
        }),
      brokenOff: (cause) => filesystem.brokenOff(path, cause),
    },
    options,
  );
}

/** Of the whole file, from the response to a range of it. */
function statOf(path: StorePath, response: FileReadResponse, size: number): FileStat {
  const isWhole = response.contentRange === undefined;
  // The hash of the whole file has a header of its own; the plain one is of the range.
  const contentMD5 = response.fileContentMD5 ?? (isWhole ? response.contentMD5 : undefined);
  const { lastModified, etag, metadata } = response;
  return fileOnly(path, toStat(path, { lastModified, etag, metadata, contentMD5 }, size));
}

function fileOnly(path: StorePath, stat: FileStat): FileStat {
  if (stat.kind === "file") return stat;
  throw isFolder(path);
}

function isFolder(path: StorePath): AmlError {
  return new AmlError("not_found", `There is no file '${path}': it is a directory.`, {
    operation: "read",
    hint: "List it, and read the files in it.",
    context: { path },
  });
}
