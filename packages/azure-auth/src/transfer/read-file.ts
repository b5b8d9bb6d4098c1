import {
  AmlError,
  isAmlError,
  type FileProperties,
  type FileStat,
  type ReadOptions,
  type ReadResult,
} from "@aml/core/adapter";
import { destroy, readParts, readWhole, type Part } from "./read-parts.ts";

/** What the storage SDKs answer to a request for a range. */
export interface RangeResponse {
  readonly contentLength?: number | undefined;
  readonly contentRange?: string | undefined;
  readonly etag?: string | undefined;
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly readableStreamBody?: NodeJS.ReadableStream | undefined;
}

export interface RangeOptions {
  readonly ifMatch: string | undefined;
  readonly abortSignal: AbortSignal | undefined;
}

/** A file of a service that answers ranges. Whatever it throws is an `AmlError` already. */
export interface RangedFile<R extends RangeResponse> {
  /** Of messages: `blob 'a.txt'`. */
  readonly name: string;
  /** Of errors. */
  readonly path: string;
  request(offset: number, count: number, options: RangeOptions): Promise<R>;
  /** Of the whole file, from the answer to a range of it. @throws `not_found` for a folder. */
  toStat(response: R, size: number): FileStat;
  /** Without its bytes. @throws `not_found` for a folder. */
  look(options: RangeOptions): Promise<FileLook>;
  /** The error of a body that failed on its way. */
  brokenOff(cause: unknown): AmlError;
}

export interface FileLook {
  readonly stat: FileStat;
  readonly properties: FileProperties;
}

/** What the services keep besides the bytes, out of what their SDKs answer. */
export function propertiesOf({ contentType, metadata = {} }: Partial<RangeResponse>): FileProperties {
  return {
    ...(contentType !== undefined && { contentType }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

/** Bytes of one request. */
const PART = 5 * 1024 * 1024;
/** Requests under way at once: 20 MiB at most are held. More made emulated downloads no faster, only larger. */
const WINDOW = 4;
/** A body up to here is read before it is given: each turn of two iterators costs more than its few chunks. */
const SMALL = 64 * 1024;

/**
 * Reads a file or a range of it: the first request tells size and etag, and what it does not cover is fetched in
 * parallel ranges under that etag, so that a file that changes meanwhile is `precondition_failed`.
 */
export async function readFile<R extends RangeResponse>(
  file: RangedFile<R>,
  { range, ifMatch, signal }: ReadOptions = {},
): Promise<ReadResult> {
  const offset = range?.offset ?? 0;
  const wanted = range?.length ?? Number.POSITIVE_INFINITY;
  const look = { ifMatch, abortSignal: signal };
  if (wanted === 0) return nothing(file, offset, look);
  const fail = (error: unknown): unknown => (signal?.aborted ? signal.reason : file.brokenOff(error));
  let opened: NodeJS.ReadableStream | undefined;
  try {
    const response = await request(file, offset, Math.min(PART, wanted), look);
    const stream = (opened = streamOf(response));
    const stat = file.toStat(response, sizeOf(response));
    const properties = propertiesOf(response);
    const end = Math.min(stat.size, offset + wanted);
    if (offset >= stat.size) throw pastEnd(file, offset, stat.size);
    const length = response.contentLength ?? 0;
    const first: Part = { offset, length, stream };
    if (length <= SMALL && offset + length >= end) {
      return { body: held(await readWhole(first, fail), signal), stat, properties };
    }
    const next = async (at: number, count: number, abortSignal: AbortSignal): Promise<Part> => {
      const part = await request(file, at, count, { ifMatch: stat.etag, abortSignal });
      const body = streamOf(part);
      if (part.etag !== response.etag) throw changed(file);
      return { offset: at, length: count, stream: body };
    };
    const body = readParts({ first, end, next, partSize: PART, window: WINDOW, fail, signal });
    return { body, stat, properties };
  } catch (error) {
    if (opened) destroy(opened);
    // No byte is there to be read: an empty file, or a range that starts at the end.
    if (isAmlError(error, "range_not_satisfiable")) return await nothing(file, offset, look);
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

async function request<R extends RangeResponse>(
  file: RangedFile<R>,
  offset: number,
  count: number,
  options: RangeOptions,
): Promise<R> {
  const response = await file.request(offset, count, options);
  if (isRange(response, offset, count)) return response;
  destroy(streamOf(response));
  throw new AmlError("internal", `The service ignored the range that was asked of ${file.name}.`, {
    operation: "read",
    hint: "Check whether a proxy changes requests on their way.",
    context: { path: file.path, offset, count },
  });
}

function isRange({ contentRange, contentLength = 0 }: RangeResponse, offset: number, count: number): boolean {
  if (contentLength > count) return false;
  return contentRange === undefined ? offset === 0 : contentRange.startsWith(`bytes ${offset}-`);
}

function sizeOf({ contentRange, contentLength = 0 }: RangeResponse): number {
  const total = /\/(\d+)$/.exec(contentRange ?? "")?.[1];
  return total === undefined ? contentLength : Number(total);
}

function streamOf({ readableStreamBody: stream }: RangeResponse): NodeJS.ReadableStream {
  // Whoever reads hears of an error too; when nobody does, it must not end the process.
  if (stream) return stream.on("error", () => undefined);
  throw new AmlError("internal", "The response has no body.");
}

async function nothing<R extends RangeResponse>(
  file: RangedFile<R>,
  offset: number,
  options: RangeOptions,
): Promise<ReadResult> {
  const { stat, properties } = await file.look(options);
  if (offset > stat.size) throw pastEnd(file, offset, stat.size);
  return { body: new ReadableStream({ start: (controller) => controller.close() }), stat, properties };
}

function changed({ name, path }: { readonly name: string; readonly path: string }): AmlError {
  return new AmlError("precondition_failed", `${capital(name)} was changed while it was read.`, {
    operation: "read",
    hint: "Read it again from the beginning.",
    context: { path },
  });
}

function pastEnd(
  { name, path }: { readonly name: string; readonly path: string },
  offset: number,
  size: number,
): AmlError {
  return new AmlError(
    "range_not_satisfiable",
    `Offset ${offset} is past the end of ${name}, which has ${size} bytes.`,
    { operation: "read", hint: "Look up its size first.", context: { path, offset, size } },
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
