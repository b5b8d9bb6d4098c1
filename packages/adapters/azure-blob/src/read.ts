import {
  AmlError,
  isAmlError,
  type FileStat,
  type ReadOptions,
  type ReadResult,
  type StorePath,
} from "@aml/core/adapter";
import type { BlobDownloadResponseParsed } from "@azure/storage-blob";
import type { Container } from "./container.ts";
import { readParts, type Part } from "./read-parts.ts";
import { toStat } from "./stat.ts";

/** Bytes of one request. With those of WINDOW at most 48 MiB are held. */
const PART = 8 * 1024 * 1024;
const WINDOW = 5;

/**
 * Reads a blob or a range of it: the first request tells size and etag, and what it does not cover is fetched in
 * parallel ranges under that etag, so that a blob that changes meanwhile is `precondition_failed`.
 */
export async function read(
  container: Container,
  path: StorePath,
  { range, ifMatch, signal }: ReadOptions = {},
): Promise<ReadResult> {
  const offset = range?.offset ?? 0;
  const wanted = range?.length ?? Number.POSITIVE_INFINITY;
  if (wanted === 0) return nothing(container, path, offset, ifMatch, signal);
  signal?.throwIfAborted();
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  const done = (): void => signal?.removeEventListener("abort", stop);
  const request = createRequest(container, path, controller.signal, signal);
  try {
    const response = await request(offset, Math.min(PART, wanted), ifMatch);
    const stream = streamOf(response);
    const stat = statOf(path, response);
    const end = Math.min(stat.size, offset + wanted);
    if (offset >= stat.size) throw pastEnd(path, offset, stat.size);
    const length = response.contentLength ?? 0;
    const first: Part = { offset, length, stream };
    const next = async (at: number, count: number): Promise<Part> => {
      const part = await request(at, count, stat.etag);
      const body = streamOf(part);
      if (part.etag !== response.etag) throw changed(path);
      return { offset: at, length: count, stream: body };
    };
    const body = readParts({
      first,
      end,
      next,
      partSize: PART,
      window: WINDOW,
      fail: (error) => (signal?.aborted ? signal.reason : container.brokenOff(path, error)),
      stop: (reason) => controller.abort(reason),
      done,
    });
    return { body, stat };
  } catch (error) {
    done();
    controller.abort();
    // No byte is there to be read: an empty blob, or a range that starts at the end.
    if (isAmlError(error, "range_not_satisfiable"))
      return await nothing(container, path, offset, ifMatch, signal);
    throw error;
  }
}

type Request = (
  offset: number,
  count: number,
  ifMatch: string | undefined,
) => Promise<BlobDownloadResponseParsed>;

function createRequest(
  container: Container,
  path: StorePath,
  abortSignal: AbortSignal,
  signal: AbortSignal | undefined,
): Request {
  return (offset, count, ifMatch) =>
    container.attempt("read", path, signal, async () => {
      const blob = await container.blob(path);
      const response = await blob.download(offset, count, {
        abortSignal,
        maxRetryRequests: 0,
        ...(ifMatch !== undefined && { conditions: { ifMatch } }),
      });
      if (isRange(response, offset, count)) return response;
      streamOf(response);
      throw new AmlError("internal", `The service ignored the range that was asked of blob '${path}'.`, {
        operation: "read",
        hint: "Check whether a proxy changes requests on their way.",
        context: { path, offset, count },
      });
    });
}

function isRange(
  { contentRange, contentLength = 0 }: BlobDownloadResponseParsed,
  offset: number,
  count: number,
): boolean {
  if (contentLength > count) return false;
  return contentRange === undefined ? offset === 0 : contentRange.startsWith(`bytes ${offset}-`);
}

function changed(path: StorePath): AmlError {
  return new AmlError("precondition_failed", `Blob '${path}' was changed while it was read.`, {
    operation: "read",
    hint: "Read it again from the beginning.",
    context: { path },
  });
}

function streamOf(response: BlobDownloadResponseParsed): NodeJS.ReadableStream {
  const stream = response.readableStreamBody;
  // Whoever reads hears of an error too; when nobody does, it must not end the process.
  if (stream) return stream.on("error", () => undefined);
  throw new AmlError("internal", "The response has no body.");
}

/** Of the whole blob, from the response to a range of it. */
function statOf(path: StorePath, response: BlobDownloadResponseParsed): FileStat {
  const total = /\/(\d+)$/.exec(response.contentRange ?? "")?.[1];
  const stat = toStat(path, response, total === undefined ? (response.contentLength ?? 0) : Number(total));
  if (stat.kind === "file") return stat;
  throw isFolder(path);
}

async function nothing(
  container: Container,
  path: StorePath,
  offset: number,
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ReadResult> {
  const stat = await container.attempt("read", path, signal, async () => {
    const blob = await container.blob(path);
    const properties = await blob.getProperties({
      ...(signal && { abortSignal: signal }),
      ...(ifMatch !== undefined && { conditions: { ifMatch } }),
    });
    return toStat(path, properties);
  });
  if (stat.kind === "directory") throw isFolder(path);
  if (offset > stat.size) throw pastEnd(path, offset, stat.size);
  return { body: new ReadableStream({ start: (controller) => controller.close() }), stat };
}

function pastEnd(path: StorePath, offset: number, size: number): AmlError {
  return new AmlError(
    "range_not_satisfiable",
    `Offset ${offset} is past the end of blob '${path}', which has ${size} bytes.`,
    { operation: "read", hint: "Look up its size first.", context: { path, offset, size } },
  );
}

function isFolder(path: StorePath): AmlError {
  return new AmlError("not_found", `There is no blob '${path}': it is a folder.`, {
    operation: "read",
    hint: "List it, and read the blobs in it.",
    context: { path },
  });
}
