export interface ParallelOptions<T> {
  /** Tasks at a time at most. */
  readonly limit: number;
  /** What the running tasks may weigh together; one that is heavier runs alone. */
  readonly budget?: number | undefined;
  readonly weight?: ((item: T) => number) | undefined;
  /** Aborted with the first failure, so that the other tasks can stop. */
  readonly failed: AbortController;
}

/**
 * Runs a task for each item, a few at a time, and takes an item only when its task can start. The first failure stops
 * the rest and is thrown when all have ended.
 */
export async function inParallel<T>(
  items: AsyncIterable<T> | Iterable<T>,
  task: (item: T) => Promise<void>,
  { limit, budget = Infinity, weight = () => 0, failed }: ParallelOptions<T>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let load = 0;
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    failed.abort(error);
  };
  try {
    for await (const item of items) {
      const heavy = weight(item);
      const fits = (): boolean => running.size < limit && load + heavy <= budget;
      while (running.size > 0 && !fits()) await Promise.race(running);
      if (failure !== undefined) break;
      load += heavy;
      const run = task(item)
        .catch(fail)
        .finally(() => {
          running.delete(run);
          load -= heavy;
        });
      running.add(run);
    }
  } catch (error) {
    fail(error);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
}
