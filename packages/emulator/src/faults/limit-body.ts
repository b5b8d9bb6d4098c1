/** A body that runs for `afterBytes`, then does what `end` does: reject, hang, or end. A shorter one does so at its end. */
export function limitBody(
  body: ReadableStream<Uint8Array>,
  afterBytes: number,
  end: () => Promise<void>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let left = afterBytes;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = left > 0 ? (await reader.read()).value?.subarray(0, left) : undefined;
        if (chunk !== undefined) {
          left -= chunk.byteLength;
          controller.enqueue(chunk);
          return;
        }
        await reader.cancel();
        await end();
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
