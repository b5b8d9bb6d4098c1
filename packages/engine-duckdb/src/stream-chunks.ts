import { AmlError } from "@aml/core";
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { readFlag, readMask } from "./decode-chunk.ts";
import { toAmlError } from "./errors.ts";
import { MASK_BITS, type StreamQuery } from "./output-sql.ts";
import { GapFilled } from "./partial-files.ts";
import { READ_AHEAD, type Scope } from "./scope.ts";
import { startQuery, type Probe } from "./start-query.ts";

/**
 * With the 1 MB of DuckDB's own hardly two threads are ever at work. From this on no more is gained; the first row comes
 * when so much is there, a tenth of a second later.
 */
const AHEAD_OF_READER = "32MB";

/** How many values could not be converted and are null, by column. */
export type ConversionCounts = ReadonlyMap<string, number>;

/** Hears how many there are. */
export type OnConverted = (counts: ConversionCounts, signal: AbortSignal | undefined) => Promise<void>;

/** Finds out which file an error is about that does not say so, and throws an error that does. */
export type Locate = (error: AmlError, signal?: AbortSignal) => Promise<void>;

export interface StreamOptions {
  readonly scope: Scope;
  readonly query: StreamQuery;
  /** Counts how many of the source's first rows are kept, where it is worth to know. */
  readonly probe?: Probe | undefined;
  /** Whether threads go on parsing while a chunk is used: of texts, which take longer to parse than most readers take. */
  readonly readAhead?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when all rows were read. */
  readonly onConverted?: OnConverted | undefined;
  /** Finds out why a query ended early, by running it again to its end; gives nothing if it then succeeds. */
  readonly explain: (signal?: AbortSignal) => Promise<void>;
  /** Throws a better error than the given one, if there is one. */
  readonly locate: Locate;
  /** Throws when a file that was read is no longer the one that was listed. */
  readonly verify: (signal?: AbortSignal) => Promise<void>;
}

/** Rows by column in DuckDB's memory, which is theirs until the next chunk is asked for. */
export interface StreamedChunk {
  readonly chunk: DuckDBDataChunk;
  /** Its first row that was not given before. */
  readonly from: number;
  /** Its rows, with those in front of `from`, that are the query's: the sentinel is not. */
  readonly count: number;
}

/** The rows of a query, in chunks of up to 2048: of one that met a gap in a file, from where it left off. */
export async function* streamChunks(options: StreamOptions): AsyncGenerator<StreamedChunk> {
  for (let given = 0; ;) {
    try {
      let before = 0;
      for await (const { chunk, count } of streamOnce(options)) {
        const from = Math.min(count, Math.max(0, given - before));
        before += count;
        given = Math.max(given, before);
        if (from < count) yield { chunk, from, count };
      }
      return;
    } catch (error) {
      // The rows of a plan and their order are the same each time.
      if (!(error instanceof GapFilled)) throw error;
    }
  }
}

/**
 * Each stream has a connection of its own, since another statement would end it quietly (T2); a query runs within the
 * gate (T4). One chunk is fetched ahead, and DuckDB fills a buffer of a fixed size behind it.
 */
async function* streamOnce(options: StreamOptions): AsyncGenerator<Omit<StreamedChunk, "from">> {
  const { scope, query, signal } = options;
  signal?.throwIfAborted();
  const connection = await scope.connect();
  const interrupt = (): void => connection.interrupt();
  signal?.addEventListener("abort", interrupt, { once: true });
  const guarded = async <T>(task: () => Promise<T>): Promise<T> => {
    try {
      return await scope.call(task, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const failure = toAmlError(error, scope.origins(), [...new Set(scope.origins().values())]);
      await options.verify(signal);
      await options.locate(failure, signal);
      throw failure;
    } finally {
      signal?.throwIfAborted();
    }
  };
  let next: Promise<DuckDBDataChunk | null> | undefined;
  try {
    if (options.readAhead === true)
      await guarded(() => connection.run(`SET ${READ_AHEAD} = '${AHEAD_OF_READER}'`));
    const result = await startQuery(connection, query.sql, options.probe, guarded);
    const counter = createErrorCounter(query);
    const doneAt = query.columns.length + query.masks;
    const fetch = (): Promise<DuckDBDataChunk | null> => {
      const fetching = guarded(() => result.fetchChunk());
      // Heard of by whoever asks for the chunk, perhaps nobody.
      fetching.catch(() => undefined);
      return fetching;
    };
    next = fetch();
    for (let done = false; ;) {
      const chunk = await next;
      // It may have come before the abort, or before the table was disposed of.
      signal?.throwIfAborted();
      if (chunk === null || chunk.rowCount === 0) {
        if (!done) await fail(options);
        break;
      }
      if (done) throw new AmlError("internal", "The query gave rows behind its end.");
      done = readFlag(chunk, doneAt, chunk.rowCount - 1);
      // No end without knowing that all that was read is one version of the files.
      if (done) await options.verify(signal);
      const count = chunk.rowCount - (done ? 1 : 0);
      next = fetch();
      counter.add(chunk, count);
      if (count > 0) yield { chunk, count };
    }
    await options.onConverted?.(counter.errors(), signal);
  } finally {
    signal?.removeEventListener("abort", interrupt);
    connection.interrupt();
    await next?.catch(() => undefined);
    await scope.disconnect(connection);
  }
}

/** The stream ended without the sentinel: the query failed, or was cut off. */
async function fail({ explain, verify, signal }: StreamOptions): Promise<never> {
  await verify(signal);
  await explain(signal);
  throw new AmlError("query_failed", "The query ended early, and succeeded when it was run again.", {
    hint: "Try again; the files may have changed while they were read.",
  });
}

function createErrorCounter({ failing, columns, masks }: StreamQuery): {
  add(chunk: Parameters<typeof readMask>[0], count: number): void;
  errors(): ConversionCounts;
} {
  const counts = failing.map(() => 0);
  return {
    add(chunk, count) {
      for (let mask = 0; mask < masks; mask += 1) {
        const values = readMask(chunk, columns.length + mask, count);
        for (const value of values) if (value !== 0) addBits(counts, mask * MASK_BITS, value);
      }
    },
    errors() {
      const named = failing.map(({ name }, at): [string, number] => [name, counts[at] ?? 0]);
      return new Map(named.filter(([, count]) => count > 0));
    },
  };
}

function addBits(counts: number[], from: number, mask: number): void {
  for (let rest = mask, at = from; rest > 0; rest = Math.floor(rest / 2), at += 1) {
    if (rest % 2 === 1) counts[at] = (counts[at] ?? 0) + 1;
  }
}
