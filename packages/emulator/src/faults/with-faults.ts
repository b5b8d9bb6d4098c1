import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../service.ts";
import type { Fault, StatusFault } from "./fault.ts";
import { createFaultScript, type FaultScript } from "./fault-script.ts";
import { limitBody } from "./limit-body.ts";
import { vendorError } from "./vendor-error.ts";

/**
 * Makes a service fail by script.
 *
 * @param script - faults, or a `FaultScript` to share their counts among services.
 * @param name - of the service, for faults that name one, and for error bodies in its own form.
 * @throws {EmulatorError} for a fault with an unknown key or a wrong value.
 */
export function withFaults(service: Service, script: readonly Fault[] | FaultScript, name = ""): Service {
  const faults = "next" in script ? script : createFaultScript(script);
  return async (request) => {
    const fault = faults.next(request, name);
    return fault === undefined ? service(request) : apply(fault, service, request, name);
  };
}

async function apply(fault: Fault, service: Service, request: Request, name: string): Promise<Response> {
  switch (fault.does) {
    case "reset":
      return Response.error();
    case "status":
      return statusResponse(fault, name, request.method);
    case "delay":
      await sleep(fault.delayMs, undefined, { ref: false, signal: request.signal });
      return service(request);
    case "change_etag":
      if (request.headers.has("if-match")) {
        return statusResponse({ does: "status", status: 412 }, name, request.method);
      }
      return anotherVersion(await service(request));
    case "clock_skew":
      return skewed(await service(request), fault.skewMs);
    case "stall":
      if (fault.afterBytes === undefined) await aborted(request.signal);
      return limited(await service(request), fault.afterBytes ?? 0, () => aborted(request.signal));
    case "cut":
      return limited(await service(request), fault.afterBytes ?? 0, () => Promise.reject(new Error("cut")));
    case "truncate":
      return truncated(await service(request), fault.afterBytes ?? 0);
  }
}

function statusResponse(
  { status, headers, body, code }: StatusFault,
  name: string,
  method: string,
): Response {
  const own = body === undefined && status >= 400 ? vendorError(name, status, code) : undefined;
  const json = typeof body === "object" ? { "content-type": "application/json" } : undefined;
  const sent = own?.body ?? (typeof body === "object" ? JSON.stringify(body) : (body as string | undefined));
  const empty = method === "HEAD" || status === 204 || status === 304;
  return new Response(empty ? null : (sent ?? null), {
    status,
    headers: { ...own?.headers, ...json, ...headers },
  });
}

function changed(response: Response, headers: Headers, body: ReadableStream<Uint8Array> | null): Response {
  const { status, statusText } = response;
  return new Response(body, { status, statusText, headers });
}

function anotherVersion(response: Response): Response {
  const headers = new Headers(response.headers);
  const etag = headers.get("etag");
  if (etag !== null)
    headers.set("etag", etag.endsWith('"') ? `${etag.slice(0, -1)}-changed"` : `${etag}-changed`);
  return changed(response, headers, response.body);
}

function skewed(response: Response, skewMs: number): Response {
  const headers = new Headers(response.headers);
  const modified = headers.get("last-modified");
  const shift = (time: number): string => new Date(time + skewMs).toUTCString();
  headers.set("date", shift(Date.parse(headers.get("date") ?? "") || Date.now()));
  if (modified !== null) headers.set("last-modified", shift(Date.parse(modified)));
  return changed(response, headers, response.body);
}

function limited(response: Response, afterBytes: number, end: () => Promise<void>): Response {
  if (response.body === null) return response;
  return changed(response, response.headers, limitBody(response.body, afterBytes, end));
}

async function truncated(response: Response, afterBytes: number): Promise<Response> {
  if (response.body === null) return response;
  const headers = new Headers(response.headers);
  const length = headers.get("content-length");
  if (length !== null) headers.set("content-length", String(Math.min(Number(length), afterBytes)));
  return changed(
    response,
    headers,
    limitBody(response.body, afterBytes, () => Promise.resolve()),
  );
}

/** Waits until the client has gone. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
