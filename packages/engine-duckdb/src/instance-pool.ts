import { rm } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { quoteText } from "./sql-text.ts";

/** An instance that was locked for some files, and the folder that it may write to. */
export interface LockedInstance {
  readonly instance: DuckDBInstance;
  readonly folder: string;
}

/**
 * Instances of DuckDB, for one table each: what is locked for a table's files cannot be unlocked for others. A table
 * over the same files may take over the instance of one that is closed, for as long as that is kept.
 */
export interface InstancePool {
  /** A fresh one. */
  take(): Promise<DuckDBInstance>;
  /** One that was locked under this key and is in nobody's use. */
  takeLocked(key: string): LockedInstance | undefined;
  /** Hands in an instance that no connection uses any more. */
  keep(key: string, locked: LockedInstance): Promise<void>;
  /** Makes the next instance in the background: the first, and more once the engine has proved to open several tables. */
  prepare(): void;
  close(): Promise<void>;
}

export interface InstanceOptions {
  readonly memoryLimit: string | undefined;
  readonly tempLimit?: string | undefined;
  readonly threads: number | undefined;
}

/** Long enough for a program that looks at a table's types, then at its rows. */
const KEPT_MS = 10_000;
const KEPT_AT_MOST = 2;

export function createInstancePool(options: InstanceOptions): InstancePool {
  const kept = new Map<string, LockedInstance & { readonly timer: ReturnType<typeof setTimeout> }>();
  const takeKept = (key: string): LockedInstance | undefined => {
    const found = kept.get(key);
    if (found === undefined) return undefined;
    clearTimeout(found.timer);
    kept.delete(key);
    return found;
  };
  const drop = async (key: string): Promise<void> => {
    const found = takeKept(key);
    if (found !== undefined) await endLocked(found);
  };
  let spare: Promise<DuckDBInstance> | undefined;
  let taken = 0;
  let closed = false;
  return {
    take() {
      const next = spare ?? createInstance(options);
      spare = undefined;
      taken += 1;
      return next;
    },
    takeLocked: takeKept,
    async keep(key, locked) {
      const [oldest = key] = kept.size < KEPT_AT_MOST ? [] : kept.keys();
      await drop(oldest);
      await drop(key);
      if (closed) return endLocked(locked);
      const timer = setTimeout(() => void drop(key), KEPT_MS);
      timer.unref();
      kept.set(key, { ...locked, timer });
    },
    prepare() {
      if (closed || taken === 1 || spare !== undefined) return;
      const made = createInstance(options);
      spare = made;
      // Whoever takes it would hear of the failure; if nobody did yet, the next one tries again.
      made.catch(() => {
        if (spare === made) spare = undefined;
      });
    },
    async close() {
      closed = true;
      for (const key of kept.keys()) await drop(key);
      const last = spare;
      spare = undefined;
      await last?.then(
        (instance) => instance.closeSync(),
        () => undefined,
      );
    },
  };
}

/** Ends an instance and removes what it has written. */
export async function endLocked({ instance, folder }: LockedInstance): Promise<void> {
  instance.closeSync();
  await rm(folder, { recursive: true, force: true });
}

async function createInstance({ memoryLimit, tempLimit, threads }: InstanceOptions): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    preserve_insertion_order: "true",
    // Of no use for local files that the system caches, and an instance that is kept would hold on to it.
    enable_external_file_cache: "false",
    ...(memoryLimit === undefined ? {} : { memory_limit: memoryLimit }),
    ...(threads === undefined ? {} : { threads: String(threads) }),
  });
  const connection = await instance.connect();
  try {
    // Loads the calendar, which is most of what a new instance costs.
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
    // Given above it would be shown and not obeyed.
    if (tempLimit !== undefined)
      await connection.run(`SET max_temp_directory_size = ${quoteText(tempLimit)}`);
  } finally {
    connection.disconnectSync();
  }
  return instance;
}
