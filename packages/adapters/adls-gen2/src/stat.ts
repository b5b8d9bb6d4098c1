import { isAmlError, type FileStat, type StorePath } from "@aml/core/adapter";
import type { Filesystem } from "./filesystem.ts";

interface Properties {
  readonly contentLength?: number | undefined;
  readonly lastModified?: Date | undefined;
  readonly etag?: string | undefined;
  readonly contentMD5?: Uint8Array | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A file or a directory. @throws `not_found`. */
export async function stat(
  filesystem: Filesystem,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<FileStat> {
  const abort = signal && { abortSignal: signal };
  if (path === "") {
    // Properties of a whole file system want a role; its root can be listed with ACLs alone.
    await filesystem.attempt("list", path, signal, async (client) => {
      await client
        .listPaths({ recursive: false, ...abort })
        .byPage({ maxPageSize: 1 })
        .next();
    });
    return directory(path);
  }
  return filesystem.attempt("stat", path, signal, async (client) =>
    toStat(path, await client.getFileClient(path).getProperties({ ...abort })),
  );
}

/** As `stat`, `undefined` when there is nothing. */
export async function look(
  filesystem: Filesystem,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<FileStat | undefined> {
  try {
    return await stat(filesystem, path, signal);
  } catch (error) {
    if (isAmlError(error, "not_found") && !isMissingFilesystem(error)) return undefined;
    throw error;
  }
}

/** Whether not only the path is missing. */
export function isMissingFilesystem(error: { readonly context: Readonly<Record<string, unknown>> }): boolean {
  return /^(Filesystem|Container)/.test(String(error.context["serviceCode"]));
}

/** Of a file or a directory, which headers tell by its mark. */
export function toStat(
  path: StorePath,
  { contentLength = 0, lastModified, etag, contentMD5, metadata }: Properties,
  size: number = contentLength,
): FileStat {
  if (metadata?.["hdi_isfolder"]?.toLowerCase() === "true") return directory(path);
  return {
    path,
    kind: "file",
    size,
    ...(lastModified && { modifiedAt: lastModified }),
    ...(etag !== undefined && { etag: quoted(etag) }),
    ...(contentMD5 !== undefined && { md5: btoa(String.fromCharCode(...contentMD5)) }),
  };
}

export function directory(path: StorePath): FileStat {
  return { path, kind: "directory", size: 0 };
}

/** Headers have the quotes, listings do not; either way it is the same etag. */
function quoted(etag: string): string {
  return /^".*"$/.test(etag) ? etag : `"${etag}"`;
}
