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
import { destroy, readParts, readWhole, type Part } from "./read-parts.ts";
import { toStat } from "./stat.ts";

/** Bytes of one request. */
const PART = 5 * 1024 * 1024;
/** Requests under way at once: 20 MiB at most are held. More made emulated downloads no faster, only larger. */
const WINDOW = 4;
/** A body up to here is read before it is given: each turn of two iterators costs more than its few chunks. */
const SMALL = 64 * 1024;

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
  const request = createRequest(container, path, signal);
  const fail = (error: unknown): unknown =>
    signal?.aborted ? signal.reason : container.brokenOff(path, error);
  let opened: NodeJS.ReadableStream | undefined;
  try {
    const response = await request(offset, Math.min(PART, wanted), { ifMatch, abortSignal: signal });
    const stream = (opened = streamOf(response));
    const stat = statOf(path, response);
    const end = Math.min(stat.size, offset + wanted);
    if (offset >= stat.size) throw pastEnd(path, offset, stat.size);
    const length = response.contentLength ?? 0;
    const first: Part = { offset, length, stream };
    if (length <= SMALL && offset + length >= end) {
      return { body: held(await readWhole(first, fail), signal), stat };
    }
    const next = async (at: number, count: number, abortSignal: AbortSignal): Promise<Part> => {
      const part = await request(at, count, { ifMatch: stat.etag, abortSignal });
      const body = streamOf(part);
      if (part.etag !== response.etag) throw changed(path);
      return { offset: at, length: count, stream: body };
    };
    return { body: readParts({ first, end, next, partSize: PART, window: WINDOW, fail, signal }), stat };
  } catch (error) {
    if (opened) destroy(opened);
    // No byte is there to be read: an empty blob, or a range that starts at the end.
    if (isAmlError(error, "range_not_satisfiable"))
      return await nothing(container, path, offset, ifMatch, signal);
    throw error;
  }
}

/** A body that is there already; an abort still ends it. */
function held(bytes: Uint8Array, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (signal?.aborted) return controller.error(signal.reason);
        controller.enqueue(bytes);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

interface RequestOptions {
  readonly ifMatch: string | undefined;
  readonly abortSignal: AbortSignal | undefined;
}

type Request = (
  offset: number,
  count: number,
  options: RequestOptions,
) => Promise<BlobDownloadResponseParsed>;

function createRequest(container: Container, path: StorePath, signal: AbortSignal | undefined): Request {
  return (offset, count, { ifMatch, abortSignal }) =>
    container.attempt("read", path, signal, async () => {
      const blob = await container.blob(path);
      const response = await blob.download(offset, count, {
        maxRetryRequests: 0,
        ...(abortSignal && { abortSignal }),
        ...(ifMatch !== undefined && { conditions: { ifMatch } }),
      });
      if (isRange(response, offset, count)) return response;
      destroy(streamOf(response));
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
