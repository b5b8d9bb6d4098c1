import { isAmlError } from "./aml-error.ts";
import { createLayer } from "./storage-layer.ts";
import type { FileStat, StorageAdapter } from "./storage.ts";

/**
 * A store that is signed in to with an identity, and read without one where that is impossible but the store is public.
 *
 * Only a failed sign-in, or a token that is refused, leads there; an identity without rights does not. When the public
 * way is closed too, the failure of the identity is what is told. Writing is never tried without an identity.
 */
export function withAnonymous(
  signedIn: StorageAdapter,
  anonymous: StorageAdapter,
  onAnonymous: () => void,
): StorageAdapter {
  let open = false;
  const opened = (): void => {
    if (!open) onAnonymous();
    open = true;
  };
  const either = async <T>(call: (store: StorageAdapter) => Promise<T>): Promise<T> => {
    if (open) return call(anonymous);
    try {
      return await call(signedIn);
    } catch (error) {
      if (!isAmlError(error, "auth_failed")) throw error;
      const found = await call(anonymous).catch((second: unknown) => {
        throw isAmlError(second) && !isClosed(second.code) ? second : error;
      });
      opened();
      return found;
    }
  };
  return createLayer(signedIn, {
    stat: (path, options) => either((store) => store.stat(path, options)),
    read: (path, options) => either((store) => store.read(path, options)),
    async *list(folder, options): AsyncGenerator<FileStat> {
      const pages = await either(async (store) => {
        const items = store.list(folder, options)[Symbol.asyncIterator]();
        return { first: await items.next(), items };
      });
      try {
        for (let item = pages.first; !item.done; item = await pages.items.next()) yield item.value;
      } finally {
        await pages.items.return?.();
      }
    },
    async close() {
      await signedIn.close?.();
      await anonymous.close?.();
    },
  });
}

/** A store that is not public says so, or that there is nothing. */
function isClosed(code: string): boolean {
  return code === "auth_failed" || code === "permission_denied" || code === "not_found";
}
