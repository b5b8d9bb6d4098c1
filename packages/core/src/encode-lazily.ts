import type { TableFormat, TabularResult } from "./engine.ts";
import type { OperationOptions } from "./storage.ts";

/** A stream that opens its table at the first pull and disposes of it at the end. */
export function encodeLazily(
  open: () => Promise<TabularResult>,
  format: TableFormat,
  options?: OperationOptions,
): ReadableStream<Uint8Array> {
  let result: TabularResult | undefined;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const close = async (): Promise<void> => {
    await result?.[Symbol.asyncDispose]();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller): Promise<void> {
        try {
          result ??= await open();
          reader ??= result.encode(format, options).getReader();
          const chunk = await reader.read();
          if (!chunk.done) {
            controller.enqueue(chunk.value);
            return;
          }
        } catch (error) {
          await close();
          throw error;
        }
        await close();
        controller.close();
      },
      async cancel(reason): Promise<void> {
        await reader?.cancel(reason);
        await close();
      },
    },
    { highWaterMark: 0 },
  );
}
