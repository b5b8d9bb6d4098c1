import { DuckDBInstance } from "@duckdb/node-api";

/** Fresh instances of DuckDB, for one table each: what is locked for a table's files cannot be unlocked for others. */
export interface InstancePool {
  take(): Promise<DuckDBInstance>;
  /** Makes the next instance in the background, once the engine has proved to open more than one table. */
  prepare(): void;
  close(): Promise<void>;
}

export interface InstanceOptions {
  readonly memoryLimit: string | undefined;
  readonly threads: number | undefined;
}

export function createInstancePool(options: InstanceOptions): InstancePool {
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
    prepare() {
      if (closed || taken < 2 || spare !== undefined) return;
      const made = createInstance(options);
      spare = made;
      // Whoever takes it would hear of the failure; if nobody did yet, the next one tries again.
      made.catch(() => {
        if (spare === made) spare = undefined;
      });
    },
    async close() {
      closed = true;
      const last = spare;
      spare = undefined;
      await last?.then(
        (instance) => instance.closeSync(),
        () => undefined,
      );
    },
  };
}

async function createInstance({ memoryLimit, threads }: InstanceOptions): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    preserve_insertion_order: "true",
    ...(memoryLimit === undefined ? {} : { memory_limit: memoryLimit }),
    ...(threads === undefined ? {} : { threads: String(threads) }),
  });
  const connection = await instance.connect();
  try {
    // Loads the calendar, which is most of what a new instance costs.
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
  } finally {
    connection.disconnectSync();
  }
  return instance;
}
