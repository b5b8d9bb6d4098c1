import { randomUUID } from "node:crypto";

export function json(status: number, body: unknown): Response {
  return Response.json(body, {
    status,
    headers: { "cache-control": "no-store, no-cache", pragma: "no-cache", "x-ms-request-id": randomUUID() },
  });
}

/**
 * A refusal in Entra's form.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/reference-error-codes – read 2026-11
 */
export function refuse(status: number, error: string, code: number, text: string): Response {
  const timestamp = new Date()
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z/, "Z");
  return json(status, {
    error,
    error_description: `AADSTS${code}: ${text}`,
    error_codes: [code],
    timestamp,
    trace_id: randomUUID(),
    correlation_id: randomUUID(),
  });
}

export function html(status: number, body: string): Response {
  return new Response(`<!doctype html><meta charset="utf-8"><title>Sign in</title>${body}`, {
    status,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
