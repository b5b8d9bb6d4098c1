import { isAmlError, type OperationOptions, type PathRights, type StorePath } from "@aml/core/adapter";
import type { PathAccessControlItem, PathPermissions } from "@azure/storage-file-datalake";
import type { Filesystem } from "./filesystem.ts";
import { isMissingFilesystem } from "./stat.ts";

/** Owner, group and ACL of each folder from the root down to a path, and of the path itself. */
export async function* pathRights(
  filesystem: Filesystem,
  path: StorePath,
  { signal }: OperationOptions = {},
): AsyncGenerator<PathRights> {
  const segments = path === "" ? [] : path.split("/");
  for (let depth = 0; depth <= segments.length; depth += 1) {
    const at = segments.slice(0, depth).join("/") as StorePath;
    try {
      yield await rightsOf(filesystem, at, signal);
    } catch (error) {
      // Further down there is even less to see.
      if (isAmlError(error, "permission_denied")) return;
      if (isAmlError(error, "not_found") && !isMissingFilesystem(error)) return;
      throw error;
    }
  }
}

async function rightsOf(
  filesystem: Filesystem,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<PathRights> {
  return filesystem.attempt("rights", path, signal, async (client) => {
    const { owner, group, permissions, acl } = await client
      .getDirectoryClient(path)
      .getAccessControl({ ...(signal && { abortSignal: signal }) });
    return {
      path,
      ...(owner !== undefined && { owner }),
      ...(group !== undefined && { group }),
      ...(permissions && { permissions: formatPermissions(permissions) }),
      acl: acl.map(formatEntry).join(","),
    };
  });
}

type Letters = PathPermissions["owner"];

function formatPermissions({ owner, group, other, stickyBit, extendedAcls }: PathPermissions): string {
  const all = letters(owner) + letters(group) + letters(other);
  const sticky = stickyBit ? all.slice(0, -1) + (other.execute ? "t" : "T") : all;
  return extendedAcls ? `${sticky}+` : sticky;
}

function formatEntry({
  defaultScope,
  accessControlType,
  entityId,
  permissions,
}: PathAccessControlItem): string {
  return `${defaultScope ? "default:" : ""}${accessControlType}:${entityId}:${letters(permissions)}`;
}

function letters({ read, write, execute }: Letters): string {
  return (read ? "r" : "-") + (write ? "w" : "-") + (execute ? "x" : "-");
}
