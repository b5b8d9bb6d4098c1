import { createSlots } from "@aml/core/adapter";

/** Lets at most `limit` tasks run at a time; the others wait in order. */
export interface Gate {
  /** @throws the signal's reason when it is aborted before the task's turn. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export function createGate(limit: number): Gate {
  const slots = createSlots(limit);
  return {
    async run(task, signal) {
      const leave = await slots.take(signal);
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
