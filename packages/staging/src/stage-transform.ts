import type { FileRef } from "@aml/core";

/**
 * Changes bytes on their way into the cache.
 *
 * `id` names the change and all of its parameters: together with a file's URI, etag and size it is the cache key, so
 * two transforms that give other bytes must have other ids.
 */
export interface StageTransform {
  readonly id: string;
  apply(chunks: AsyncIterable<Uint8Array>, file: FileRef): AsyncIterable<Uint8Array>;
}

/** Applies transforms one after the other; `undefined` when there is none to apply. */
export function chainTransforms(
  ...transforms: readonly (StageTransform | undefined)[]
): StageTransform | undefined {
  const present = transforms.filter((transform) => transform !== undefined);
  if (present.length < 2) return present[0];
  return {
    id: present.map((transform) => transform.id).join("|"),
    apply: (chunks, file) => present.reduce((stream, transform) => transform.apply(stream, file), chunks),
  };
}
