import { noise } from "./expect.ts";

/** Gives a first chunk, then fails. */
export function failing(reason: unknown): ReadableStream<Uint8Array> {
  let sent = false;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent) return controller.error(reason);
        sent = true;
        controller.enqueue(noise(100_000));
      },
    },
    { highWaterMark: 0 },
  );
}

/** A body that waits between its two chunks until it is opened. */
export function gated(
  first: Uint8Array,
  second: Uint8Array,
): { readonly body: ReadableStream<Uint8Array>; readonly taken: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  let tell: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const taken = new Promise<void>((resolve) => (tell = resolve));
  let count = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        count += 1;
        if (count === 1) return controller.enqueue(first);
        tell();
        await opened;
        controller.enqueue(second);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { body, taken, open };
}

/** Ends a body after so many bytes, and tells so: reading on for ever would be no refusal. */
export function limitedTo(
  body: ReadableStream<Uint8Array>,
  bytes: number,
  done: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let left = bytes;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value } = await reader.read();
        left -= value?.byteLength ?? left;
        if (left > 0 && value !== undefined) return controller.enqueue(value);
        done();
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
