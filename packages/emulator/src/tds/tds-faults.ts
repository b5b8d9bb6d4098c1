import type { SqlServerError } from "./sql-error.ts";

/** What shall go wrong, once or always. */
export interface TdsFault {
  readonly on: "login" | "query";
  /** Which login or query since the start, from 1; every one unless given. */
  readonly call?: number | undefined;
  /** For queries: after so many rows of the result. At its start unless given. */
  readonly afterRows?: number | undefined;
  /** The connection breaks, or an error is answered (40613 with severity 20, say). */
  readonly effect: "disconnect" | SqlServerError;
}

/** A fault script that is being played. */
export interface TdsFaults {
  /** Counts a login or a query, and tells what shall happen to it. */
  next(on: TdsFault["on"]): TdsFault | undefined;
  /** Replaces the script; counting starts anew. */
  set(script: readonly TdsFault[]): void;
}

export function createTdsFaults(initial: readonly TdsFault[] = []): TdsFaults {
  let script = initial;
  let counts = { login: 0, query: 0 };
  return {
    next(on) {
      counts[on]++;
      return script.find(
        (fault) => fault.on === on && (fault.call === undefined || fault.call === counts[on]),
      );
    },
    set(next) {
      script = next;
      counts = { login: 0, query: 0 };
    },
  };
}
