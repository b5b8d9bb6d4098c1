import { isAmlError } from "./aml-error.ts";
import type { SqlSource } from "./sql-source.ts";
import { parseStorePath } from "./store-path.ts";
import { createPause, repeat } from "./retry-pause.ts";
import type { RetryOptions } from "./with-retry.ts";

/**
 * Repeats the start of a query that failed with a `retryable` error other than `timeout`, which is the caller's own. A
 * query whose rows have begun to flow is never repeated: its rows would mix two states of the data.
 *
 * @throws the last error.
 */
export function withSqlRetry(source: SqlSource, options: RetryOptions = {}): SqlSource {
  const pauseAfter = createPause(options, "query", source.uri, parseStorePath(""));
  return Object.freeze<SqlSource>({
    ...source,
    query: (statement, queryOptions) =>
      repeat(
        () => source.query(statement, queryOptions),
        (error, failures, signal) =>
          isAmlError(error, "timeout") ? Promise.reject(error) : pauseAfter(error, failures, signal),
        queryOptions?.signal,
      ),
  });
}
