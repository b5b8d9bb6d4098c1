import { Secret } from "@aml/core/adapter";
import { AmlError, type StorageAdapter, type StorePath } from "@aml/core";
import { collect, join, streamOf, write } from "./expect.ts";

const SERVICE = "memory";

/** Gives a store what a service can do by itself: copy its files, and keep what has arrived of a write. */
export function withService(inner: StorageAdapter): StorageAdapter {
  const signed = new Map<string, StorePath>();
  /** By the ID of the write. */
  const kept = new Map<string, Uint8Array[]>();
  return Object.freeze<StorageAdapter>({
    ...inner,
    async write(path, body, { resume, ...options } = {}) {
      if (resume === undefined) return write(inner)(path, body, options);
      const before = join(kept.get(resume.id) ?? []).slice(0, resume.offset);
      const chunks = [before];
      kept.set(resume.id, chunks);
      const reader = body.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read())
        chunks.push(next.value.slice());
      kept.delete(resume.id);
      return write(inner)(path, streamOf(join(chunks)), options);
    },
    async keptBytes(_path, { id, stepBytes }) {
      const bytes = (kept.get(id) ?? []).reduce((sum, { byteLength }) => sum + byteLength, 0);
      return bytes - (bytes % stepBytes);
    },
    async dropKept(_path, { id }) {
      kept.delete(id);
    },
    async copySource(path) {
      const url = `memory://signed/${crypto.randomUUID()}`;
      signed.set(url, path);
      return { service: SERVICE, url: new Secret(url) };
    },
    async copyFrom({ service, url }, to, { sourceEtag, ifNoneMatch, onBytes }) {
      const path = signed.get(url.reveal());
      if (service !== SERVICE || path === undefined)
        throw new AmlError("unsupported", "It cannot be copied.");
      const { body, stat, properties } = await inner.read(path, { ifMatch: sourceEtag });
      const bytes = await collect(body);
      const { md5 } = stat ?? {};
      const copied = await write(inner)(to, streamOf(bytes), {
        ...properties,
        ...(md5 !== undefined && { md5: () => md5 }),
        ifNoneMatch,
      });
      onBytes?.(bytes.byteLength);
      return copied;
    },
  });
}
