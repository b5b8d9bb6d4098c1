/**
 * A body that runs well for `afterBytes`, then does what `fault` does: reject, hang, end (`undefined`), or give a
 * last chunk. A body that is shorter meets its fault at its end.
 */
export function faultyBody(
  body: ReadableStream<Uint8Array>,
  afterBytes: number,
  fault: () => Promise<Uint8Array | undefined>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let left = afterBytes;
  let over = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (over) return controller.close();
        const next = left > 0 ? await reader.read() : undefined;
        const chunk = next?.value?.subarray(0, left);
        if (chunk !== undefined) {
          left -= chunk.byteLength;
          return controller.enqueue(chunk);
        }
        over = true;
        void reader.cancel().catch(() => undefined);
        const last = await fault();
        if (last === undefined) controller.close();
        else controller.enqueue(last);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
