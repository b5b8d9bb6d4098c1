import { isAmlError } from "./aml-error.ts";
import type { SqlSource } from "./sql-source.ts";
import type { OperationOptions, StorageAdapter } from "./storage.ts";
import { parseStorePath } from "./store-path.ts";

/**
 * Proves that a store is there and lets us read: a listing where there is one, a query where it is a database.
 *
 * @throws `not_found`, `auth_failed`, `permission_denied`, `unavailable`, `timeout`.
 */
export async function checkAccess(
  store: StorageAdapter | SqlSource,
  options: OperationOptions = {},
): Promise<void> {
  if (store.contract === "aml.sql/1") {
    const result = await store.query({ text: "SELECT 1" }, { ...options, timeoutMs: 60_000 });
    for await (const _ of result.batches);
    return;
  }
  const root = parseStorePath("");
  // A listing proves rights; an empty one proves nothing, so the root is looked up as well.
  if (store.capabilities.list) {
    for await (const _ of store.list(root, options)) return;
  }
  try {
    await store.stat(root, options);
  } catch (error) {
    // A web host need not have a page at its root to serve the files below.
    if (store.capabilities.list || !isAmlError(error, "not_found")) throw error;
  }
}
