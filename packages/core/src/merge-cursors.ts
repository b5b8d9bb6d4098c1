import type { SqlCursor } from "./create-sql-source.ts";
import type { Row } from "./table.ts";

/** One cursor over the rows of several, each batch as it comes: one read of each is under way at a time. */
export function mergeCursors(cursors: readonly SqlCursor[]): SqlCursor {
  const waiting = new Map<SqlCursor, Promise<Arrived>>();
  let live: readonly SqlCursor[] = cursors;
  const cancel = async (): Promise<void> => {
    live = [];
    for (const arriving of waiting.values()) arriving.catch(() => undefined);
    waiting.clear();
    await Promise.all(cursors.map((cursor) => cursor.cancel()));
  };
  return {
    schema: cursors[0]?.schema ?? { columns: [] },
    async read() {
      while (live.length > 0) {
        for (const cursor of live) {
          if (!waiting.has(cursor)) waiting.set(cursor, next(cursor));
        }
        const { cursor, rows } = await Promise.race(waiting.values());
        waiting.delete(cursor);
        if (rows !== undefined) return rows;
        live = live.filter((other) => other !== cursor);
      }
      return undefined;
    },
    cancel,
  };
}

interface Arrived {
  readonly cursor: SqlCursor;
  readonly rows: readonly Row[] | undefined;
}

async function next(cursor: SqlCursor): Promise<Arrived> {
  return { cursor, rows: await cursor.read() };
}
