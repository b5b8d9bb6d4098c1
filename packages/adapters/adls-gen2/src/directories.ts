import type { OperationOptions, StorePath } from "@aml/core/adapter";
import type { Attempt } from "./errors.ts";
import type { Filesystem } from "./filesystem.ts";

export interface RenameOptions extends OperationOptions {
  /** Etag that the file at the new place must have. */
  readonly ifMatch?: string | undefined;
  /** Nothing may be at the new place. */
  readonly ifNoneMatch?: "*" | undefined;
}

/** Makes a directory and those above it; succeeds when it is there. */
export async function makeDirectory(
  filesystem: Filesystem,
  path: StorePath,
  { signal }: OperationOptions = {},
): Promise<void> {
  if (path === "") return;
  await filesystem.attempt("write", path, signal, (client) =>
    client.getDirectoryClient(path).create({ ...(signal && { abortSignal: signal }) }),
  );
}

/** Moves a file, or a directory with all below it, in one step of the service. */
export async function move(
  filesystem: Filesystem,
  operation: Attempt["operation"],
  from: StorePath,
  to: StorePath,
  { ifMatch, ifNoneMatch, signal }: RenameOptions,
): Promise<void> {
  await filesystem.attempt(operation, operation === "rename" ? from : to, signal, async (client) => {
    // The SDK puts the new path together by itself: it leaves out what an address by IP has before the file system,
    // and escapes nothing.
    const root = new URL(client.url).pathname.replace(/^\/+|\/+$/g, "");
    await client.getFileClient(from).move(root, to.split("/").map(encodeURIComponent).join("/"), {
      destinationConditions: {
        ...(ifMatch !== undefined && { ifMatch }),
        ...(ifNoneMatch !== undefined && { ifNoneMatch }),
      },
      ...(signal && { abortSignal: signal }),
    });
  });
}
