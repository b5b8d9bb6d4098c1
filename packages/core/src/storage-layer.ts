import { AmlError } from "./aml-error.ts";
import type { StorageAdapter } from "./storage.ts";

/** The verbs of an adapter that a layer replaces. */
export type LayerVerbs = Partial<
  Pick<
    Required<StorageAdapter>,
    | "stat"
    | "list"
    | "read"
    | "write"
    | "keptBytes"
    | "dropKept"
    | "delete"
    | "copySource"
    | "copyFrom"
    | "pathRights"
    | "close"
  >
>;

/**
 * Puts a layer's verbs in the place of an adapter's own. Name, URI and capabilities stay as they are; verbs that
 * the adapter lacks stay absent, also when the layer has them.
 */
export function createLayer(inner: StorageAdapter, verbs: LayerVerbs): StorageAdapter {
  const { contract, type, uri, capabilities } = inner;
  return Object.freeze({
    contract,
    type,
    uri,
    capabilities,
    stat: verbs.stat ?? inner.stat.bind(inner),
    list: verbs.list ?? inner.list.bind(inner),
    read: verbs.read ?? inner.read.bind(inner),
    ...(inner.write && { write: verbs.write ?? inner.write.bind(inner) }),
    ...(inner.keptBytes && { keptBytes: verbs.keptBytes ?? inner.keptBytes.bind(inner) }),
    ...(inner.dropKept && { dropKept: verbs.dropKept ?? inner.dropKept.bind(inner) }),
    ...(inner.delete && { delete: verbs.delete ?? inner.delete.bind(inner) }),
    ...(inner.copySource && { copySource: verbs.copySource ?? inner.copySource.bind(inner) }),
    ...(inner.copyFrom && { copyFrom: verbs.copyFrom ?? inner.copyFrom.bind(inner) }),
    ...(inner.pathRights && { pathRights: verbs.pathRights ?? inner.pathRights.bind(inner) }),
    ...(inner.close && { close: verbs.close ?? inner.close.bind(inner) }),
  });
}

/** A stream that asks `pull` for a chunk only when its reader does, and for none ahead. */
export function pullStream(
  pull: () => Promise<Uint8Array | undefined>,
  cancel: (reason: unknown) => void | Promise<void>,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await pull();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel,
    },
    { highWaterMark: 0 },
  );
}

/** An optional verb of an adapter. @throws `unsupported` when it has none. */
export function verb<K extends "copySource" | "copyFrom">(
  inner: StorageAdapter,
  name: K,
): NonNullable<StorageAdapter[K]> {
  const found = inner[name];
  if (found !== undefined) return found.bind(inner) as NonNullable<StorageAdapter[K]>;
  throw new AmlError("unsupported", `The store ${inner.uri} does not copy by itself.`, { operation: "copy" });
}

/** An adapter's `write`. @throws `unsupported` when it has none. */
export function writable(inner: StorageAdapter): NonNullable<StorageAdapter["write"]> {
  if (inner.write === undefined) {
    throw new AmlError("unsupported", `The store ${inner.uri} is read-only.`, { operation: "write" });
  }
  return inner.write.bind(inner);
}
