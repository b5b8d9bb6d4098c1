import type { Connection } from "mysql2";
import { command } from "./command.ts";
import type { Pool } from "./pool.ts";

/** How long a server may be silent before it is asked whether it still knows the connection. */
const SILENCE_MS = 3000;
const ASK_MS = 5000;

/**
 * Deno does not tell of the end of a TLS connection that was paused when the server ended it, not even when it is
 * written to (2.9, each time). So the server is asked, over another connection.
 */
const forgetsEnds: boolean = "Deno" in globalThis;

/**
 * Waits for what a connection brings, and looks meanwhile whether the server still has it.
 *
 * @param received - how much has come so far.
 * @param lost - called when the server does not know the connection any more.
 */
export async function watchServer(
  pool: Pool,
  connection: Connection,
  received: () => number,
  lost: () => void,
  wait: () => Promise<void>,
): Promise<void> {
  if (!forgetsEnds) return wait();
  let before = received();
  let asking = false;
  const look = async (): Promise<void> => {
    const silent = received() === before;
    before = received();
    if (!silent || asking) return;
    asking = true;
    if ((await isKnown(pool, connection)) === false && received() === before) lost();
    asking = false;
  };
  const timer = setInterval(() => void look(), SILENCE_MS);
  try {
    await wait();
  } finally {
    clearInterval(timer);
  }
}

/** @returns `undefined` when the server cannot be asked. */
async function isKnown(pool: Pool, { threadId }: Connection): Promise<boolean | undefined> {
  try {
    const helper = await pool.take(AbortSignal.timeout(ASK_MS));
    const rows = await command(helper, "SHOW PROCESSLIST").finally(() => pool.release(helper));
    return rows.some(([id]) => Number(id) === threadId);
  } catch {
    return undefined;
  }
}
