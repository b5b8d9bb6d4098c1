import { AmlError } from "@aml/core/adapter";
import type { BoundStatement } from "@aml/core/sql";
import { encodeParameter } from "./encode-parameter.ts";
import { fetchRows, type Fetched, type TextRow } from "./fetch-rows.ts";
import { quoteName } from "./quote-name.ts";
import { toError, type Attempt } from "./errors.ts";
import type { Connection, Connections } from "./pool.ts";

/** A read-only transaction of its own connection. It is never committed. */
export interface Session {
  /** Rows as lists of the texts that the server wrote. */
  run(
    text: string,
    values?: readonly (string | Buffer | null)[],
    statement?: Attempt["statement"],
  ): Promise<Answer>;
  /** Makes rows of what a statement without values gives, as it comes. */
  fetch<T>(text: string, toRow: (row: TextRow) => T, statement: Attempt["statement"]): Promise<Fetched<T>>;
  /** Ends what is running, and then the session, from outside. */
  cancel(): Promise<void>;
  /** Gives the connection back. */
  end(): Promise<void>;
}

export type Answer = Fetched<TextRow>;

export interface SessionOptions {
  readonly schema?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Of another session, whose state of the data this one shall see. */
  readonly snapshot?: string | undefined;
}

/** How long a server may take to end what was cancelled, before its connection is closed. */
const PATIENCE_MS = 5000;

/** What the server writes must not depend on the role's, the database's or the server's own settings. */
const SETTINGS: Readonly<Record<string, string>> = {
  DateStyle: "ISO, YMD",
  IntervalStyle: "iso_8601",
  TimeZone: "UTC",
  bytea_output: "hex",
  extra_float_digits: "1",
  lc_monetary: "C",
  client_encoding: "UTF8",
  // The planner shall prepare for a reader of all rows.
  cursor_tuple_fraction: "1",
};

export async function openSession(
  connections: Connections,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  for (;;) {
    const connection = await connections.take(signal);
    const session = sessionOf(connection, { ...connections.attempt, timeoutMs: options.timeoutMs });
    try {
      await session.run(opening(options));
      return session;
    } catch (error) {
      connection.release(true);
      // It was lost while nobody used it: the next one may be fresh.
      if (!(connection.used && error instanceof AmlError && error.code === "unavailable")) throw error;
    }
  }
}

function opening({ schema, timeoutMs, snapshot }: SessionOptions): string {
  const lines = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"];
  if (snapshot !== undefined) lines.push(`SET TRANSACTION SNAPSHOT ${quoteText(snapshot)}`);
  for (const [name, value] of Object.entries(SETTINGS)) lines.push(`SET LOCAL ${name} = ${quoteText(value)}`);
  if (timeoutMs !== undefined)
    lines.push(`SET LOCAL statement_timeout = ${Math.ceil(Math.min(timeoutMs, 2 ** 31 - 1))}`);
  if (schema !== undefined) lines.push(`SET LOCAL search_path = ${quoteName(schema)}`);
  return lines.join("; ");
}

function sessionOf({ client, cancel, release }: Connection, attempt: Attempt): Session {
  let running: Promise<unknown> | undefined;
  let over: Promise<void> | undefined;
  const raw = { getTypeParser: () => (text: string) => text };
  const settled = async <T>(begin: () => Promise<T>, statement: Attempt["statement"]): Promise<T> => {
    // The connection may be somebody else's by now.
    if (over !== undefined)
      throw new AmlError("query_failed", "The query was ended.", { operation: "query" });
    const asking = begin();
    running = asking;
    try {
      return await asking;
    } catch (error) {
      throw toError(error, { ...attempt, statement });
    } finally {
      running = undefined;
    }
  };
  const run: Session["run"] = (text, values, statement) =>
    settled(async () => {
      const query = { text, rowMode: "array" as const, types: raw as never };
      // With values the extended protocol is used, which takes one statement and no more.
      const answer = await client.query(
        values === undefined ? query : ({ ...query, values: [...values], queryMode: "extended" } as never),
      );
      // Of several statements the last one counts.
      return [answer].flat().at(-1) as unknown as Answer;
    }, statement);
  const end = async (): Promise<void> => {
    let broken = false;
    try {
      await client.query("ROLLBACK");
    } catch {
      broken = true;
    }
    release(broken);
  };
  return {
    run,
    fetch: (text, toRow, statement) => settled(() => fetchRows(client, text, toRow), statement),
    end: () => (over ??= end()),
    cancel: () =>
      (over ??= (async () => {
        if (running !== undefined) {
          const ended = running.then(
            () => true,
            () => true,
          );
          if (!(await cancelled(cancel, ended))) return release(true);
        }
        await end();
      })()),
  };
}

/** Asks until it has ended: a request that comes before its statement does is for nothing. */
async function cancelled(cancel: () => Promise<void>, settled: Promise<boolean>): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  for (let wait = 50; performance.now() < end; wait *= 2) {
    await cancel();
    if (await within(wait, settled)) return true;
  }
  return false;
}

async function within(waitMs: number, settled: Promise<boolean>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  const inTime = await Promise.race([settled, late]);
  clearTimeout(timer);
  return inTime;
}

export function encodeParameters({ values }: BoundStatement): readonly (string | Buffer | null)[] {
  return values.map(encodeParameter);
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
