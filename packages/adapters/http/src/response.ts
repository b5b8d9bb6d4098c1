import { AmlError, type FileStat, type ReadResult, type StorePath } from "@aml/core/adapter";

/** What `Content-Range` tells; a part is `undefined` where the server leaves it open. */
export interface ContentRange {
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly total: number | undefined;
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#field.content-range – read 2026-11 */
export function contentRange(headers: Headers): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(headers.get("content-range")?.trim() ?? "");
  if (match === null) return undefined;
  const [, start, end, total] = match;
  const number = (text: string | undefined): number | undefined =>
    text === undefined || text === "*" ? undefined : Number(text);
  return { start: number(start), end: number(end), total: number(total) };
}

/** Of a body that is sent whole and as it is; a compressed one has a length that says nothing. */
export function contentLength(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  return isCompressed(headers) || text === null || !/^\d+$/.test(text) ? undefined : Number(text);
}

export function isCompressed(headers: Headers): boolean {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  return encoding !== "" && encoding !== "identity";
}

/** A weak etag promises a like meaning, not the same bytes, so it is none. Nor does one of a compressed body help. */
export function strongEtag(headers: Headers): string | undefined {
  const etag = headers.get("etag") ?? undefined;
  return etag?.startsWith("W/") === true || isCompressed(headers) ? undefined : etag;
}

export function statOf(path: StorePath, headers: Headers, size: number): FileStat {
  const modifiedAt = new Date(headers.get("last-modified") ?? "");
  const etag = strongEtag(headers);
  return {
    path,
    kind: "file",
    size,
    ...(Number.isNaN(modifiedAt.getTime()) ? {} : { modifiedAt }),
    ...(etag === undefined ? {} : { etag }),
  };
}

/** Servers may ignore `If-Match`, so the answer is checked too. @throws `precondition_failed` */
export function checkVersion(path: string, headers: Headers, ifMatch: string | undefined): void {
  if (ifMatch === undefined || strongEtag(headers) === ifMatch) return;
  throw new AmlError(
    "precondition_failed",
    `${JSON.stringify(path)} is not, or not provably, the version asked for.`,
    {
      operation: "read",
      hint: "Read its stat again: the file has changed, or the server no longer sends a strong ETag.",
      context: { path, etag: headers.get("etag") },
    },
  );
}

/** What a server says of the content of a file. */
export function propertiesOf(headers: Headers): Pick<ReadResult, "properties"> {
  const contentType = headers.get("content-type");
  return contentType === null ? {} : { properties: { contentType } };
}
