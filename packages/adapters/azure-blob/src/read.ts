import {
  AmlError,
  type FileStat,
  type ReadOptions,
  type ReadResult,
  type StorePath,
} from "@aml/core/adapter";
import { propertiesOf, readFile, type FileLook } from "@aml/azure-auth/transfer";
import type { BlobDownloadResponseParsed } from "@azure/storage-blob";
import type { Container } from "./container.ts";
import { toStat } from "./stat.ts";

/** Bytes of one request. The first one of a file does not know how many there are. */
const MUCH = 1024 * 1024;

/** Reads a blob or a range of it, the larger ones in parallel ranges under one etag. */
export function read(container: Container, path: StorePath, options: ReadOptions = {}): Promise<ReadResult> {
  const { signal } = options;
  return readFile<BlobDownloadResponseParsed>(
    {
      name: `blob '${path}'`,
      path,
      request: (offset, count, { ifMatch, abortSignal }) =>
        container.attempt("read", path, signal, async () => {
          const blob = await container.blob(path, offset > 0 && count >= MUCH);
          return blob.download(offset, count, {
            maxRetryRequests: 0,
            ...(abortSignal && { abortSignal }),
            ...(ifMatch !== undefined && { conditions: { ifMatch } }),
          });
        }),
      toStat: (response, size) => statOf(path, response, size),
      look: ({ ifMatch, abortSignal }) => look(container, path, ifMatch, abortSignal),
      brokenOff: (cause) => container.brokenOff(path, cause),
    },
    options,
  );
}

/** Of the whole blob, from the response to a range of it. */
function statOf(path: StorePath, response: BlobDownloadResponseParsed, size: number): FileStat {
  const isWhole = response.contentRange === undefined;
  // The hash of the whole blob has a header of its own; the plain one is of the range.
  const contentMD5 = response.blobContentMD5 ?? (isWhole ? response.contentMD5 : undefined);
  // One by one: the response is an object of getters.
  const { lastModified, etag, metadata } = response;
  return fileOnly(path, toStat(path, { lastModified, etag, metadata, contentMD5 }, size));
}

async function look(
  container: Container,
  path: StorePath,
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): Promise<FileLook> {
  const found = await container.attempt("read", path, signal, async () => {
    const blob = await container.blob(path);
    return blob.getProperties({
      ...(signal && { abortSignal: signal }),
      ...(ifMatch !== undefined && { conditions: { ifMatch } }),
    });
  });
  return { stat: fileOnly(path, toStat(path, found)), properties: propertiesOf(found) };
}

function fileOnly(path: StorePath, stat: FileStat): FileStat {
  if (stat.kind === "file") return stat;
  throw new AmlError("not_found", `There is no blob '${path}': it is a folder.`, {
    operation: "read",
    hint: "List it, and read the blobs in it.",
    context: { path },
  });
}
