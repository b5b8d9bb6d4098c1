import { randomUUID } from "node:crypto";

/** A refusal in the service's own words. */
export interface StorageError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Headers beside the usual ones, e.g. `www-authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Elements that the body has after the message, e.g. `AuthenticationErrorDetail`. */
  readonly details?: Readonly<Record<string, string>>;
}

/** The languages of the storage services: blob and file answer XML, dfs JSON. */
export type StorageErrorFormat = "xml" | "json";

/**
 * The answer that carries a refusal: status, `x-ms-error-code`, and a body unless the request was a HEAD.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2, read 2026-11
 */
export function storageErrorResponse(
  error: StorageError,
  format: StorageErrorFormat,
  request: Request,
): Response {
  const id = randomUUID();
  const message = `${error.message}\nRequestId:${id}\nTime:${new Date().toISOString()}`;
  const headers = new Headers({
    "x-ms-error-code": error.code,
    "x-ms-request-id": id,
    "x-ms-version": request.headers.get("x-ms-version") ?? "2026-02-06",
    date: new Date().toUTCString(),
    ...error.headers,
  });
  const clientId = request.headers.get("x-ms-client-request-id");
  if (clientId !== null) headers.set("x-ms-client-request-id", clientId);
  if (request.method === "HEAD") return new Response(null, { status: error.status, headers });
  headers.set("content-type", format === "xml" ? "application/xml" : "application/json;charset=utf-8");
  const body = format === "xml" ? xmlBody(error, message) : jsonBody(error, message);
  return new Response(body, { status: error.status, headers });
}

function xmlBody({ code, details = {} }: StorageError, message: string): string {
  const parts = Object.entries({ Code: code, Message: message, ...details });
  const elements = parts.map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`);
  return `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error>${elements.join("")}</Error>`;
}

function jsonBody({ code, details }: StorageError, message: string): string {
  return JSON.stringify({ error: { code, message, ...(details && { detail: details }) } });
}

/** Text as XML character data or an attribute's value. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\r", "&#xD;");
}
