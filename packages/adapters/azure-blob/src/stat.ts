import type { FileStat, StorePath } from "@aml/core/adapter";
import { isAmlError } from "@aml/core/adapter";
import type { Container } from "./container.ts";

interface Properties {
  readonly contentLength?: number | undefined;
  readonly lastModified?: Date | undefined;
  readonly etag?: string | undefined;
  readonly contentMD5?: Uint8Array | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A blob, a folder marker, or a folder that exists because blobs are below it. @throws `not_found`. */
export async function stat(
  container: Container,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<FileStat> {
  if (path === "") {
    await hasBlobs(container, path, signal);
    return directory(path);
  }
  try {
    return await container.attempt("stat", path, signal, async () => {
      const blob = await container.blob(path);
      return toStat(path, await blob.getProperties({ ...(signal && { abortSignal: signal }) }));
    });
  } catch (error) {
    if (isAmlError(error, "not_found") && (await mayHaveBlobs(container, path, signal)))
      return directory(path);
    throw error;
  }
}

/** As `hasBlobs`; a credential that may not list sees no folders. */
async function mayHaveBlobs(
  container: Container,
  folder: StorePath,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return await hasBlobs(container, folder, signal);
  } catch (error) {
    if (isAmlError(error, "permission_denied") || isAmlError(error, "auth_failed")) return false;
    throw error;
  }
}

/** Whether anything lies below a folder. @throws `not_found` when the container is missing. */
export function hasBlobs(
  container: Container,
  folder: StorePath,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return container.attempt("stat", folder, signal, async () => {
    const client = await container.client();
    const pages = client.listBlobsFlat({
      ...(folder !== "" && { prefix: `${folder}/` }),
      ...(signal && { abortSignal: signal }),
    });
    for await (const page of pages.byPage({ maxPageSize: 1 })) {
      if (page.segment.blobItems.length > 0) return true;
    }
    return false;
  });
}

export function toStat(
  path: StorePath,
  properties: Properties,
  size: number = properties.contentLength ?? 0,
): FileStat {
  if (isFolderMarker(properties.metadata, size)) return directory(path);
  const { lastModified, etag, contentMD5 } = properties;
  return {
    path,
    kind: "file",
    size,
    ...(lastModified && { modifiedAt: lastModified }),
    ...(etag !== undefined && { etag: quoted(etag) }),
    ...(contentMD5 !== undefined && { md5: btoa(String.fromCharCode(...contentMD5)) }),
  };
}

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export function directory(path: StorePath): FileStat {
  return { path, kind: "directory", size: 0 };
}

/** Hadoop's drivers and accounts with a hierarchical namespace mark a directory so. */
export function isFolderMarker(
  metadata: Readonly<Record<string, string>> | undefined,
  size: number,
): boolean {
  if (size !== 0 || metadata === undefined) return false;
  return Object.entries(metadata).some(
    ([key, value]) => key.toLowerCase() === "hdi_isfolder" && value.toLowerCase() === "true",
  );
}

/** Headers have the quotes, listings do not; either way it is the same etag. */
function quoted(etag: string): string {
  return /^(W\/)?".*"$/.test(etag) ? etag : `"${etag}"`;
}
