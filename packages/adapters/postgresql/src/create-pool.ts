import type { Client, ClientConfig, Pool, PoolConfig } from "pg";

/** The driver's pool, and a way to call off connections that are still being made, which it has not. */
export interface OpenPool {
  readonly pool: Pool;
  /** Whoever waits for a connection gets an error. */
  callOff(): void;
}

export async function createPool(config: PoolConfig): Promise<OpenPool> {
  const { Pool: PgPool, Client: PgClient } = (await import("pg")).default;
  const connecting = new Set<Client>();
  class Connecting extends PgClient {
    constructor(clientConfig?: ClientConfig) {
      super(clientConfig);
      connecting.add(this);
      this.once("end", () => connecting.delete(this));
    }
  }
  const pool = new PgPool({ ...config, Client: Connecting as unknown as PoolConfig["Client"] });
  // Whoever uses a connection hears of its end by its query; one that nobody uses is dropped.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => {
    connecting.delete(client);
    client.on("error", () => undefined);
  });
  return {
    pool,
    callOff() {
      for (const client of connecting) socketOf(client)?.destroy();
      connecting.clear();
    },
  };
}

/** The driver's own, which its types do not tell. */
function socketOf(client: Client): { destroy(): void } | undefined {
  return (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection?.stream;
}
