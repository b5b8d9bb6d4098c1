import { Readable } from "node:stream";
import { createHttpHeaders, type HttpClient, type PipelineRequest } from "@azure/core-rest-pipeline";

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
      });
      const { status } = response;
      const streams = request.streamResponseStatusCodes;
      const streamed = streams?.has(status) || streams?.has(Number.POSITIVE_INFINITY);
      return {
        request,
        status,
        headers: createHttpHeaders(Object.fromEntries(response.headers)),
        ...(streamed && response.body
          ? { readableStreamBody: Readable.fromWeb(response.body) }
          : { bodyAsText: await response.text() }),
      };
    },
  };
}

function bodyOf(request: PipelineRequest): Uint8Array<ArrayBuffer> | string | null {
  const { body } = request;
  if (body === undefined || body === null || typeof body === "string") return body ?? null;
  if (ArrayBuffer.isView(body)) return body as Uint8Array<ArrayBuffer>;
  throw new TypeError("A request through fetch carries text or bytes.");
}
