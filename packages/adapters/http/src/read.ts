import {
  AmlError,
  type OperationOptions,
  type ReadOptions,
  type ReadResult,
  type StorePath,
} from "@aml/core/adapter";
import { bodyOf, emptyBody, pastEnd } from "./body.ts";
import { statusError } from "./errors.ts";
import { checkVersion, contentLength, contentRange, isCompressed, propertiesOf, statOf } from "./response.ts";

/** Sends one request. */
export type Send = (
  method: "GET" | "HEAD",
  path: StorePath,
  headers: Record<string, string>,
  options: OperationOptions,
) => Promise<Response>;

export async function read(send: Send, path: StorePath, options: ReadOptions): Promise<ReadResult> {
  const { range, ifMatch } = options;
  // HTTP cannot ask for no bytes: one byte tells whether the file is there, and that is dropped.
  const asked = range && { offset: range.offset, length: range.length === 0 ? 1 : range.length };
  const condition: Record<string, string> = ifMatch === undefined ? {} : { "if-match": ifMatch };
  let response = await send("GET", path, { ...rangeHeader(asked), ...condition }, options);
  if (response.status === 416 && asked?.offset === 0 && contentRange(response.headers)?.total === undefined) {
    // Empty, or a server that refuses ranges: the whole file tells.
    await response.body?.cancel();
    response = await send("GET", path, condition, options);
  }
  try {
    return await answer(response, path, options);
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
}

async function answer(response: Response, path: StorePath, options: ReadOptions): Promise<ReadResult> {
  const { headers, status } = response;
  const offset = options.range?.offset ?? 0;
  if (status === 416) return atEnd(response, path, offset, options.ifMatch);
  if (status !== 200 && status !== 206) throw statusError(response, "read", path);
  checkVersion(path, headers, options.ifMatch);
  return status === 206 ? partial(response, path, options) : whole(response, path, options);
}

function rangeHeader(range: ReadOptions["range"]): Record<string, string> {
  if (range === undefined || (range.offset === 0 && range.length === undefined)) return {};
  const { offset, length } = range;
  return { range: `bytes=${offset}-${length === undefined ? "" : offset + length - 1}` };
}

/** The server gave the range: it must be the one that was asked for. */
function partial(response: Response, path: StorePath, { range, signal }: ReadOptions): ReadResult {
  const { headers } = response;
  const { offset = 0, length = Infinity } = range ?? {};
  const { start, end, total } = contentRange(headers) ?? {};
  const last = Math.min((total ?? Infinity) - 1, offset + Math.max(length, 1) - 1);
  // Without a total the server alone knows where the file ends.
  const complete = end !== undefined && (total === undefined ? end <= last : end === last);
  const fits = start === offset && complete;
  if (range === undefined || !fits || isCompressed(headers)) {
    throw new AmlError(
      "internal",
      `The server answered with another part of ${JSON.stringify(path)} than asked for.`,
      {
        operation: "read",
        hint: "Download the file whole: this server does not keep to HTTP ranges.",
        context: { path, offset, length, contentRange: headers.get("content-range") },
      },
    );
  }
  const expected = length === 0 ? 0 : end - start + 1;
  const body = bodyOf(response.body, {
    path,
    skip: 0,
    take: length === 0 ? 0 : expected + 1,
    expected,
    signal,
  });
  return {
    body,
    ...(total !== undefined && { stat: statOf(path, headers, total) }),
    ...propertiesOf(headers),
  };
}

/** The server gave the whole file, also where only a range was asked for. */
function whole(response: Response, path: StorePath, { range, signal }: ReadOptions): ReadResult {
  const { headers } = response;
  const size = contentLength(headers);
  const { offset: skip = 0, length: take = Infinity } = range ?? {};
  if (size !== undefined && skip > size) throw pastEnd(path, skip, size);
  const expected = size === undefined ? undefined : Math.min(size - skip, take);
  const body = bodyOf(response.body, { path, skip, take, expected, signal });
  return { body, ...(size !== undefined && { stat: statOf(path, headers, size) }), ...propertiesOf(headers) };
}

/** 416 also comes for a range that starts at the very end, as every range of an empty file does. */
async function atEnd(
  response: Response,
  path: StorePath,
  offset: number,
  ifMatch: string | undefined,
): Promise<ReadResult> {
  const { headers } = response;
  const total = contentRange(headers)?.total;
  if (total === undefined || total !== offset) throw pastEnd(path, offset, total);
  if (headers.has("etag")) checkVersion(path, headers, ifMatch);
  await response.body?.cancel();
  return { body: emptyBody(), stat: statOf(path, headers, total), ...propertiesOf(headers) };
}
