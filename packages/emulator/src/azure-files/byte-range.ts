import { createHash } from "node:crypto";
import { refusal } from "./file-refusal.ts";

/** `bytes=1-2` or `bytes=1-`, cut at the end: from `start` up to, and without, `end`. @throws `InvalidRange`. */
export function parseRange(text: string, size: number): { readonly start: number; readonly end: number } {
  const [, from = "", to = ""] = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(text) ?? [];
  if (from === "") throw refusal("InvalidHeaderValue", { HeaderName: "x-ms-range" });
  const start = Number(from);
  const end = Math.min(size, to === "" ? size : Number(to) + 1);
  if (start >= size || end <= start) throw refusal("InvalidRange");
  return { start, end };
}

/** A range that has to lie within the file, both ends given. @throws `InvalidRange`. */
export function parseWholeRange(
  headers: Headers,
  size: number,
): { readonly start: number; readonly end: number } {
  const text = headers.get("x-ms-range") ?? headers.get("range");
  if (text === null) throw refusal("MissingRequiredHeader", { HeaderName: "x-ms-range" });
  const [, from = "", to = ""] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  if (from === "") throw refusal("InvalidHeaderValue", { HeaderName: "x-ms-range" });
  const start = Number(from);
  const end = Number(to) + 1;
  if (end <= start || end > size) throw refusal("InvalidRange");
  return { start, end };
}

export function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}
