import { isAmlError, type FileStat, type StorePath } from "@aml/core/adapter";
import { filePath } from "./file-path.ts";
import type { Share } from "./share.ts";

interface Properties {
  readonly contentLength?: number | undefined;
  readonly lastModified?: Date | undefined;
  readonly etag?: string | undefined;
}

/** A file, or a directory: whichever is there. @throws `not_found`. */
export async function stat(
  share: Share,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<FileStat> {
  const at = filePath(path, "stat");
  if (at !== "") {
    try {
      return (await fileProperties(share, "stat", at, signal)).stat;
    } catch (error) {
      if (!isOtherKind(error)) throw error;
    }
  }
  await share.attempt("stat", at, signal, async () => {
    const directory = await share.directory(at);
    await directory.getProperties({ ...(signal && { abortSignal: signal }) });
  });
  return directoryStat(at);
}

/** A file alone, and what is kept with it. @throws `not_found`. */
export function fileProperties(
  share: Share,
  operation: "stat" | "read",
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<{
  readonly stat: FileStat;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}> {
  return share.attempt(operation, path, signal, async () => {
    const file = await share.file(path);
    // One by one: the response is an object of getters.
    const { contentLength, lastModified, etag, contentType, metadata } = await file.getProperties({
      ...(signal && { abortSignal: signal }),
    });
    return { stat: toStat(path, { lastModified, etag }, contentLength), contentType, metadata };
  });
}

/** Whether there is no file, but may be a directory. */
export function isOtherKind(error: unknown): boolean {
  return saysCode(error, "ResourceNotFound", "ResourceTypeMismatch");
}

/** Whether nothing of the kind is there, while the share is. */
export function isMissing(error: unknown): boolean {
  return isAmlError(error, "not_found") && !String(error.context["serviceCode"]).startsWith("Share");
}

/** Whether the service answered with one of its codes. */
export function saysCode(error: unknown, ...codes: readonly string[]): boolean {
  return isAmlError(error) && codes.includes(String(error.context["serviceCode"]));
}

export function toStat(path: StorePath, { lastModified, etag }: Properties, size = 0): FileStat {
  return {
    path,
    kind: "file",
    size,
    ...(lastModified && { modifiedAt: lastModified }),
    ...(etag !== undefined && { etag: quoted(etag) }),
  };
}

export function directoryStat(path: StorePath): FileStat {
  return { path, kind: "directory", size: 0 };
}

/** Headers have the quotes, listings need not; either way it is the same etag. */
function quoted(etag: string): string {
  return /^(W\/)?".*"$/.test(etag) ? etag : `"${etag}"`;
}
