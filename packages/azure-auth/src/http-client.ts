import { Readable } from "node:stream";
import {
  createHttpHeaders,
  createPipelineRequest,
  RestError,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from "@azure/core-rest-pipeline";

/** How the Azure SDKs send requests; every client of theirs takes one as `httpClient`. */
export type AzureHttpClient = HttpClient;

/** Makes the Azure SDKs send their requests through a `fetch`: a test's, a proxy's, a runtime's own. */
export function fetchHttpClient(fetch: typeof globalThis.fetch): AzureHttpClient {
  return {
    async sendRequest(request) {
      const response = await fetch(request.url, {
        method: request.method,
        headers: request.headers.toJSON(),
        body: bodyOf(request),
        ...(request.abortSignal && { signal: request.abortSignal as AbortSignal }),
      }).catch((error: unknown) => {
        throw notSent(error, request);
      });
      const { status } = response;
      const streams = request.streamResponseStatusCodes;
      const streamed = streams?.has(status) || streams?.has(Number.POSITIVE_INFINITY);
      return {
        request,
        status,
        headers: createHttpHeaders(Object.fromEntries(response.headers)),
        ...(streamed && response.body
          ? { readableStreamBody: streamOf(response.body) }
          : { bodyAsText: await textOf(response, request) }),
      };
    },
  };
}

function streamOf(body: NonNullable<Response["body"]>): Readable {
  // Whoever reads hears of an error too. The SDKs stop listening when a reader leaves: a connection that is lost
  // just then must not end the process.
  return Readable.fromWeb(body).on("error", () => undefined);
}

/** The whole body. One that breaks off is reported as a request that was not answered. */
async function textOf(response: Response, request: PipelineRequest): Promise<string> {
  const bytes = await response.arrayBuffer().catch((error: unknown) => {
    throw notSent(error, request);
  });
  const announced = response.headers.get("content-length");
  const encoded = response.headers.has("content-encoding");
  if (announced !== null && !encoded && request.method !== "HEAD" && Number(announced) > bytes.byteLength) {
    throw new RestError("The answer broke off", { code: RestError.REQUEST_SEND_ERROR, request });
  }
  return new TextDecoder().decode(bytes);
}

/** As the SDKs' own client reports it: they repeat what was lost with the connection, and know it by Node's code. */
function notSent(error: unknown, request: PipelineRequest): unknown {
  if (!(error instanceof TypeError)) return error;
  return new RestError(error.message, { code: codeOf(error.cause), request });
}

function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return RestError.REQUEST_SEND_ERROR;
  const code = "code" in cause ? String(cause.code) : RestError.REQUEST_SEND_ERROR;
  // Deno gives no code, and Node's fetch one of its own when the other side closes.
  const lost =
    code === "UND_ERR_SOCKET" || /reset by peer|broken pipe|connection closed/i.test(cause.message);
  return lost ? "ECONNRESET" : code;
}

function bodyOf(request: PipelineRequest): Uint8Array<ArrayBuffer> | string | null {
  const { body } = request;
  if (body === undefined || body === null || typeof body === "string") return body ?? null;
  if (ArrayBuffer.isView(body)) return body as Uint8Array<ArrayBuffer>;
  throw new TypeError("A request through fetch carries text or bytes.");
}

/** The form in which the storage SDKs still take an `httpClient`. */
export interface StorageHttpClient {
  sendRequest(request: StorageRequest): Promise<StorageResponse>;
}

interface StorageHeaders {
  toJson(options?: { preserveCase?: boolean }): Record<string, string>;
}

interface StorageRequest extends Pick<
  PipelineRequest,
  "url" | "method" | "body" | "abortSignal" | "timeout" | "streamResponseStatusCodes"
> {
  readonly headers: StorageHeaders;
}

interface StorageResponse extends Omit<PipelineResponse, "request" | "headers"> {
  readonly request: StorageRequest;
  readonly headers: StorageHeaders;
}

/** Gives a client to the storage SDKs, which convert requests and responses to an older form on the way. */
export function storageHttpClient(client: AzureHttpClient): StorageHttpClient {
  return {
    async sendRequest(request) {
      const { url, method, body, abortSignal, timeout, streamResponseStatusCodes } = request;
      const response = await client.sendRequest(
        createPipelineRequest({
          url,
          method,
          headers: createHttpHeaders(request.headers.toJson({ preserveCase: true })),
          timeout,
          allowInsecureConnection: true,
          ...(body !== undefined && { body }),
          ...(abortSignal && { abortSignal }),
          ...(streamResponseStatusCodes && { streamResponseStatusCodes }),
        }),
      );
      return { ...response, request, headers: { toJson: (options) => response.headers.toJSON(options) } };
    },
  };
}
