/** Places for a number at a time: whoever comes when all are taken waits for one, in the order of coming. */
export interface Slots {
  /** @returns what gives the place back; only its first call counts. @throws the reason of the signal. */
  take(signal?: AbortSignal): Promise<() => void>;
  /** Lets everybody in, now and from now on: they find out themselves that nothing is there any more. */
  open(): void;
}

export function createSlots(most: number): Slots {
  const waiting: (() => void)[] = [];
  let taken = 0;
  let isOpen = false;
  const leave = (): void => {
    taken -= 1;
    waiting.shift()?.();
  };
  const turn = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener("abort", abort);
        // At once, so that nobody takes it who comes in between.
        taken += 1;
        resolve();
      };
      const abort = (): void => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", abort, { once: true });
      waiting.push(enter);
    });
  return {
    async take(signal) {
      signal?.throwIfAborted();
      if (isOpen || taken < most) taken += 1;
      else await turn(signal);
      let isGivenBack = false;
      return () => {
        if (isGivenBack) return;
        isGivenBack = true;
        leave();
      };
    },
    open() {
      isOpen = true;
      for (const enter of waiting.splice(0)) enter();
    },
  };
}
