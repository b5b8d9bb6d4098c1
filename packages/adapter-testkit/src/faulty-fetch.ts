import { faultyBody } from "./faulty-body.ts";

/** One thing that goes wrong with a request, when its turn comes. */
export interface FetchFault {
  /** Which request of those that match, counted from 1; every one unless given. */
  readonly call?: number | undefined;
  /** `GET`, `HEAD` …; any unless given. */
  readonly method?: string | undefined;
  /** Of the URL; any unless given. */
  readonly match?: RegExp | undefined;
  /**
   * - `status`: the answer is `status` with `headers` (429 with `Retry-After`, 503 …), and the server is not asked
   * - `network_error`: `fetch` rejects as for a lost connection
   * - `cut`: the body fails after `afterBytes`
   * - `truncate`: the body ends after `afterBytes`, without an error
   * - `stall`: no answer, or none after `afterBytes`, until it is aborted
   * - `change_etag`: the answer's ETag is another; with `If-Match` it is 412
   * - `ignore_range`: the server answers 200 with the whole file
   * - `clock_skew`: `Date` and `Last-Modified` are `skewMs` off
   */
  readonly does:
    | "status"
    | "network_error"
    | "cut"
    | "truncate"
    | "stall"
    | "change_etag"
    | "ignore_range"
    | "clock_skew";
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly afterBytes?: number | undefined;
  readonly skewMs?: number | undefined;
}

export type FaultyFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Makes a `fetch` fail by script. Give it to an adapter as `open({ fetch })`. */
export function faultyFetch(inner: FaultyFetch, script: readonly FetchFault[]): FaultyFetch {
  const calls = script.map(() => 0);
  return async (input, init) => {
    const request = new Request(input, init);
    const fault = script.find(({ call, method = request.method, match }, index) => {
      if (method !== request.method || (match && !match.test(request.url))) return false;
      calls[index] = (calls[index] ?? 0) + 1;
      return (call ?? calls[index]) === calls[index];
    });
    return fault === undefined ? inner(request) : apply(fault, inner, request);
  };
}

async function apply(fault: FetchFault, inner: FaultyFetch, request: Request): Promise<Response> {
  const { does, status = 503, afterBytes, skewMs = 0 } = fault;
  if (does === "status") return new Response(null, { status, headers: { ...fault.headers } });
  if (does === "network_error") throw new TypeError("fetch failed", { cause: new Error("ECONNRESET") });
  if (does === "stall" && afterBytes === undefined) return hang(request.signal);
  if (does === "change_etag") {
    if (request.headers.has("if-match")) return new Response(null, { status: 412 });
    return changed(await inner(request), { etag: '"another-version"' });
  }
  if (does === "ignore_range") {
    const headers = new Headers(request.headers);
    headers.delete("range");
    return inner(new Request(request, { headers }));
  }
  const response = await inner(request);
  if (does === "clock_skew") {
    return changed(response, {
      ...shifted(response, "date", skewMs),
      ...shifted(response, "last-modified", skewMs),
    });
  }
  if (response.body === null) return response;
  const ends = {
    cut: () => Promise.reject(new TypeError("terminated")),
    truncate: () => Promise.resolve(undefined),
    stall: () => hang(request.signal),
  };
  return changed(response, {}, faultyBody(response.body, afterBytes ?? 0, ends[does]));
}

function changed(
  response: Response,
  headers: Readonly<Record<string, string>>,
  body: ReadableStream<Uint8Array> | null = response.body,
): Response {
  const { status, statusText } = response;
  return new Response(body, {
    status,
    statusText,
    headers: { ...Object.fromEntries(response.headers), ...headers },
  });
}

function shifted(response: Response, name: string, skewMs: number): Record<string, string> {
  const value = response.headers.get(name);
  return value === null ? {} : { [name]: new Date(Date.parse(value) + skewMs).toUTCString() };
}

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
