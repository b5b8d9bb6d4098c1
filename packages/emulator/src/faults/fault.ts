/** Which requests a fault is for; all unless narrowed. */
export interface FaultMatch {
  /** `GET`, `PUT` …, in capitals. */
  readonly method?: string | undefined;
  /** Regular expression, found anywhere in path and query as they came: `^/devstoreaccount1/trips/.*comp=list`. */
  readonly path?: string | undefined;
  /** Names of headers that the request must have. */
  readonly headers?: readonly string[] | undefined;
}

interface Rule {
  /** Name of the emulated service (`files`, `dfs`, `key-vault` …); any unless given. */
  readonly service?: string | undefined;
  readonly match?: FaultMatch | undefined;
  /** The first request of those that match to meet it, counted from 1. */
  readonly call?: number | undefined;
  /** How many requests in a row meet it: one with `call`, every one without. */
  readonly times?: number | undefined;
}

/** Answers this status; the service is not asked. Without a body, the service's own for that status is made up. */
export interface StatusFault extends Rule {
  readonly does: "status";
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as it is; an object as JSON. */
  readonly body?: unknown;
  /** The service's error code in a made-up body, e.g. `ServerBusy`; the usual one of the status unless given. */
  readonly code?: string | undefined;
}

/** Asks the service only after a wait. */
export interface DelayFault extends Rule {
  readonly does: "delay";
  readonly delayMs: number;
}

/**
 * - `cut`: the connection is closed after `afterBytes` of the body
 * - `truncate`: the body ends after `afterBytes`, and its `Content-Length` says so too
 * - `stall`: nothing more comes after `afterBytes`; without it, not even the head
 */
export interface BodyFault extends Rule {
  readonly does: "cut" | "truncate" | "stall";
  readonly afterBytes?: number | undefined;
}

/**
 * - `reset`: the connection is reset before an answer
 * - `change_etag`: the answer has another ETag; with `If-Match` it is the service's 412
 */
export interface PlainFault extends Rule {
  readonly does: "reset" | "change_etag";
}

/** `Date` and `Last-Modified` are off by so many milliseconds; positive is the future. */
export interface ClockFault extends Rule {
  readonly does: "clock_skew";
  readonly skewMs: number;
}

/** One thing that goes wrong with a request, when its turn comes. */
export type Fault = StatusFault | DelayFault | BodyFault | PlainFault | ClockFault;
