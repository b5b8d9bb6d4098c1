import { AmlError, type ReadOptions, type ReadResult, type StorePath } from "@aml/core/adapter";
import { propertiesOf, readFile, type FileLook } from "@aml/azure-auth/transfer";
import type { FileDownloadResponseModel } from "@azure/storage-file-share";
import { filePath } from "./file-path.ts";
import type { Share } from "./share.ts";
import { fileProperties, toStat } from "./stat.ts";

/**
 * Reads a file or a range of it, the larger ones in parallel ranges. The service knows no `If-Match`: the etag of
 * every answer is compared instead, so two versions are never mixed.
 */
export async function read(share: Share, path: StorePath, options: ReadOptions = {}): Promise<ReadResult> {
  const { signal } = options;
  const at = filePath(path, "read");
  if (at === "") throw new AmlError("not_found", "The root of the share is no file.", { operation: "read" });
  return readFile<FileDownloadResponseModel>(
    {
      name: `file '${at}'`,
      path: at,
      request: async (offset, count, { ifMatch, abortSignal }) => {
        const response = await share.attempt("read", at, signal, async () => {
          const file = await share.file(at);
          return file.download(offset, count, { maxRetryRequests: 0, ...(abortSignal && { abortSignal }) });
        });
        if (ifMatch === undefined || response.etag === ifMatch) return response;
        discard(response);
        throw changed(at);
      },
      toStat: ({ lastModified, etag }, size) => toStat(at, { lastModified, etag }, size),
      look: ({ ifMatch, abortSignal }) => look(share, at, ifMatch, abortSignal),
      brokenOff: (cause) => share.brokenOff(at, cause),
    },
    options,
  );
}

async function look(
  share: Share,
  path: StorePath,
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): Promise<FileLook> {
  const found = await fileProperties(share, "read", path, signal);
  if (ifMatch !== undefined && found.stat.etag !== ifMatch) throw changed(path);
  return { stat: found.stat, properties: propertiesOf(found) };
}

function discard({ readableStreamBody: stream }: FileDownloadResponseModel): void {
  // Nobody reads it, so nobody would hear of its end.
  stream?.on("error", () => undefined);
  (stream as (NodeJS.ReadableStream & { destroy?: () => void }) | undefined)?.destroy?.();
}

function changed(path: StorePath): AmlError {
  return new AmlError(
    "precondition_failed",
    `File '${path}' is not the version that was expected: it was changed meanwhile.`,
    {
      operation: "read",
      hint: "Look it up again and repeat with its new etag.",
      context: { path },
    },
  );
}
