import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { FileRef } from "@aml/core";
import { removeFile, type CacheFolder } from "./cache-folder.ts";
import type { RangeGate } from "./range-gate.ts";
import { createSparseStore, type SparseStore, type SparseStoreOptions } from "./sparse-store.ts";
import { createTransferMeter, type TransferMeter } from "./transfer-meter.ts";

export interface SparseUse {
  readonly path: string;
  readonly store: SparseStore;
  release(): Promise<void>;
}

/** The sparse files that are in use in this process, each shared by its users. */
export interface SparseFiles {
  use(key: string, file: FileRef): Promise<SparseUse>;
  close(): Promise<void>;
}

export interface SparseFilesOptions {
  readonly folder: string;
  readonly cache: () => Promise<CacheFolder>;
  readonly gate: RangeGate;
  /** What is not here is refused. */
  readonly offline: boolean;
  readonly stageWhole: SparseStoreOptions["stageWhole"];
}

interface Opened {
  readonly cache: CacheFolder;
  readonly path: string;
  readonly journal: string;
  readonly store: SparseStore;
}

interface Entry {
  readonly opened: Promise<Opened>;
  users: number;
}

/** Less than a request for its footer and one for a column would bring along. */
const LEAST_BYTES = 2 ** 20;

/** Whether it is of use, and safe, to keep a file in part: ranges of one version can be told from those of another. */
export function canBeSparse({ stat, storage }: FileRef): boolean {
  // NTFS fills what is in front of a write with zeros, unless it is told otherwise, which Node cannot.
  if (process.platform === "win32") return false;
  return stat.etag !== undefined && storage.capabilities.etags && stat.size > LEAST_BYTES;
}

export function createSparseFiles(options: SparseFilesOptions): SparseFiles {
  const { folder, cache, gate, offline, stageWhole } = options;
  const entries = new Map<string, Entry>();
  const meters = new Map<string, TransferMeter>();
  const meterOf = (uri: string): TransferMeter => {
    const meter = meters.get(uri) ?? createTransferMeter();
    meters.set(uri, meter);
    return meter;
  };
  const openEntry = async (key: string, file: FileRef): Promise<Opened> => {
    const kept = await cache();
    const path = join(kept.session, `${key.slice(0, 32)}-${randomUUID()}`);
    const journal = `${path}.ranges`;
    await kept.takeSparse(key, file.stat.size, { data: path, journal });
    const meter = meterOf(file.storage.uri);
    const own = { file, path, journal, cache: kept, meter };
    const store = createSparseStore({ ...own, gate, folder, offline, stageWhole });
    return { cache: kept, path, journal, store };
  };
  const leave = async (key: string, entry: Entry): Promise<void> => {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (entries.get(key) === entry) entries.delete(key);
    const { cache: kept, path, journal, store } = await entry.opened;
    await store.close();
    await removeFile(path);
    await removeFile(journal);
    if (!entries.has(key)) await kept.forget(key);
  };
  return {
    async use(key, file) {
      let entry = entries.get(key);
      if (entry === undefined) {
        const made: Entry = { opened: openEntry(key, file), users: 0 };
        made.opened.catch(() => entries.get(key) === made && entries.delete(key));
        entries.set(key, (entry = made));
      }
      entry.users += 1;
      const { path, store } = await entry.opened;
      const own = entry;
      let released = false;
      return {
        path,
        store,
        async release() {
          if (released) return;
          released = true;
          await leave(key, own);
        },
      };
    },
    async close() {
      for (const { opened } of entries.values())
        await opened.then(({ store }) => store.close()).catch(() => undefined);
      entries.clear();
    },
  };
}
