import { AmlError } from "@aml/core/adapter";
import type { Connection } from "mysql2";
import type { Connector } from "./connect.ts";
import type { Facts } from "./errors.ts";
import { command } from "./command.ts";

/** Connections that wait for the next query. mysql2's own pool keeps the process alive and cannot end a query. */
export interface Pool {
  readonly facts: Facts;
  /** One that is alive, a new one if need be. */
  take(signal: AbortSignal): Promise<Connection>;
  /** Hands one back after its statement is over. */
  release(connection: Connection): void;
  /** Closes one that is of no more use. */
  drop(connection: Connection): void;
  /** Ends one in the middle of a statement, on the server too. Never rejects. */
  kill(connection: Connection): Promise<void>;
  close(): Promise<void>;
}

const IDLE_MS = 30_000;
const IDLE_AT_MOST = 4;
const KILL_MS = 5_000;
const KILL_TRIES = 3;
const NO_SUCH_THREAD = 1094;

interface Idle {
  readonly connection: Connection;
  readonly timer: ReturnType<typeof setTimeout>;
}

export function createPool({ facts, connect }: Connector): Pool {
  const idle: Idle[] = [];
  const busy = new Set<Connection>();
  const dropped = new WeakSet<Connection>();
  let closed = false;
  const drop = (connection: Connection): void => {
    if (dropped.has(connection)) return;
    dropped.add(connection);
    const at = idle.findIndex((one) => one.connection === connection);
    for (const { timer } of at < 0 ? [] : idle.splice(at, 1)) clearTimeout(timer);
    busy.delete(connection);
    connection.destroy();
    // The driver leaves whoever is reading from it waiting.
    connection.emit("error", Object.assign(new Error("it was closed on this side"), { code: "ECONNRESET" }));
  };
  const open = async (signal?: AbortSignal): Promise<Connection> => {
    const made = await connect(signal);
    // Told by the server or the network, maybe while nobody uses it.
    made.on("error", () => drop(made));
    made.on("end", () => drop(made));
    if (!closed) return made;
    made.destroy();
    throw isClosed(facts);
  };
  const pool: Pool = {
    facts,
    async take(signal) {
      if (closed) throw isClosed(facts);
      const last = idle.pop();
      if (last !== undefined) clearTimeout(last.timer);
      const connection = last?.connection ?? (await open(signal));
      socketOf(connection).ref();
      busy.add(connection);
      return connection;
    },
    release(connection) {
      busy.delete(connection);
      if (closed || idle.length >= IDLE_AT_MOST) return drop(connection);
      if (dropped.has(connection)) return;
      socketOf(connection).unref();
      const timer = setTimeout(() => drop(connection), IDLE_MS);
      timer.unref();
      idle.push({ connection, timer });
    },
    drop,
    async kill(connection) {
      const { threadId } = connection;
      drop(connection);
      if (closed || typeof threadId !== "number") return;
      const signal = AbortSignal.timeout(KILL_MS);
      for (let tries = 0; tries < KILL_TRIES; tries += 1) {
        // Else the server goes on until it finds that nobody listens: there is no other way to tell it.
        if (await isKilled(threadId, pool, signal)) return;
      }
    },
    async close() {
      closed = true;
      for (let one = idle[0]; one !== undefined; one = idle[0]) drop(one.connection);
      const reading = [...busy];
      for (const connection of reading) drop(connection);
      const ids = reading.flatMap(({ threadId }) => (typeof threadId === "number" ? [threadId] : []));
      if (ids.length === 0) return;
      const helper = await connect(AbortSignal.timeout(KILL_MS)).catch(() => undefined);
      for (const id of helper === undefined ? [] : ids)
        await command(helper as Connection, `KILL ${id}`).catch(() => undefined);
      helper?.destroy();
    },
  };
  return pool;
}

/** Over another connection, which may be lost itself. */
async function isKilled(threadId: number, pool: Pool, signal: AbortSignal): Promise<boolean> {
  let helper: Connection | undefined;
  try {
    helper = await pool.take(signal);
    await command(helper, `KILL ${threadId}`);
  } catch (error) {
    // It has ended by itself; everything else is about the helper.
    if (helper === undefined || (error as { readonly errno?: unknown }).errno !== NO_SUCH_THREAD) {
      if (helper !== undefined) pool.drop(helper);
      return false;
    }
  }
  pool.release(helper);
  return true;
}

function socketOf(connection: Connection): { ref(): void; unref(): void } {
  const { stream } = connection as unknown as { stream: { ref?(): void; unref?(): void } };
  return { ref: () => stream.ref?.(), unref: () => stream.unref?.() };
}

function isClosed({ uri }: Facts): AmlError {
  return new AmlError("query_failed", `${uri} was closed.`, { operation: "query" });
}
