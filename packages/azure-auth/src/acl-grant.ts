/** What is done to a path of a store with access control lists. */
export type AclOperation = "stat" | "list" | "read" | "write" | "delete" | "rename" | "copy" | "rights";

/**
 * The bits that an operation needs in the access control lists on the way to a path, as a phrase.
 *
 * @see https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-access-control#common-scenarios-related-to-acl-permissions
 */
export function aclGrant(operation: AclOperation, path: string): string {
  const folders = ancestorsOf(path);
  const parent = folders.at(-1) ?? "/";
  const above = folders.slice(0, -1);
  const through = (names: readonly string[]): string =>
    names.length === 0
      ? ""
      : `x on ${names.length > 4 ? `each folder from / to ${names.at(-1)}` : joined(names)} and `;
  switch (operation) {
    case "list":
      return path === "" ? "r-x on /" : `${through(folders)}r-x on /${path}`;
    case "read":
      return `${through(folders)}r-- on /${path}`;
    case "stat":
    case "rights":
      return path === ""
        ? "x on /"
        : `x on ${folders.length > 4 ? `each folder from / to ${parent}` : joined(folders)}`;
    case "delete":
      return `${through(above)}-wx on ${parent} (and rwx on every folder below, to delete recursively)`;
    case "rename":
      return `${through(above)}-wx on ${parent} and on the new folder`;
    default:
      return `${through(above)}-wx on ${parent}`;
  }
}

/** `/`, `/a`, `/a/b` of `a/b/c`. */
function ancestorsOf(path: string): string[] {
  const segments = path.split("/");
  return segments.map((_, depth) => `/${segments.slice(0, depth).join("/")}`);
}

function joined(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
