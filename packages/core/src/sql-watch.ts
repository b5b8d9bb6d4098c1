import { AmlError } from "./aml-error.ts";
import type { SqlQueryOptions } from "./sql-source.ts";

export interface SqlWatch {
  /** Aborts with the caller's signal, and when the time is up. */
  readonly signal: AbortSignal;
  /**
   * Waits for the database. Rejects with the signal's reason as soon as that aborts.
   *
   * @param late - gets what came after all.
   */
  within<T>(call: Promise<T>, late?: (result: T) => Promise<void>): Promise<T>;
  /** Lets the caller's signal go. */
  end(): void;
}

/** Counts the time that is spent waiting, against `timeoutMs`. */
export function createSqlWatch(uri: string, { signal: outer, timeoutMs }: SqlQueryOptions): SqlWatch {
  const controller = new AbortController();
  const { signal } = controller;
  const abort = (): void => controller.abort(outer?.reason);
  outer?.addEventListener("abort", abort, { once: true });
  let leftMs = timeoutMs ?? Number.POSITIVE_INFINITY;
  return {
    signal,
    end: () => outer?.removeEventListener("abort", abort),
    async within(call, late) {
      const began = performance.now();
      // Answers that are always quick would never meet the timer.
      if (leftMs <= 0) controller.abort(timedOut(uri, timeoutMs));
      const stopTimer = startTimer(leftMs, () => controller.abort(timedOut(uri, timeoutMs)));
      let over: (() => void) | undefined;
      const aborted = new Promise<never>((_resolve, reject) => {
        over = () => reject(signal.reason as Error);
        if (signal.aborted) over();
        else signal.addEventListener("abort", over, { once: true });
      });
      try {
        return await Promise.race([aborted, call]);
      } catch (error) {
        // A driver's complaint about its own cancelling is not what ended the query.
        call.then((result) => late?.(result)).catch(() => undefined);
        if (signal.aborted) throw signal.reason;
        throw error;
      } finally {
        stopTimer();
        if (over !== undefined) signal.removeEventListener("abort", over);
        leftMs -= performance.now() - began;
      }
    },
  };
}

/** The longest time that a timer takes. */
const LONGEST_MS = 2_147_483_647;

function startTimer(delayMs: number, callback: () => void): () => void {
  if (delayMs > LONGEST_MS) return () => undefined;
  const timer = setTimeout(callback, Math.max(0, delayMs));
  return () => clearTimeout(timer);
}

function timedOut(uri: string, timeoutMs: number | undefined): AmlError {
  return new AmlError("timeout", `The query to ${uri} took longer than ${timeoutMs} ms.`, {
    operation: "query",
    hint: "Allow more time, or ask for less.",
    context: { timeoutMs },
  });
}
