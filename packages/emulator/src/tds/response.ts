import { ByteWriter } from "./byte-writer.ts";
import type { Transport } from "./transport.ts";

const HEADER = 8;
const HIGH_WATER = 32 * 1024;

/** The answer to one request: tokens that leave in packets as they fill up. */
export interface Response {
  readonly out: ByteWriter;
  /** True when enough is gathered: `await flush()` then. */
  readonly full: boolean;
  flush(): Promise<void>;
  end(): Promise<void>;
}

export function createResponse(transport: Transport): Response {
  const out = new ByteWriter();
  return {
    out,
    get full() {
      return out.length >= HIGH_WATER;
    },
    async flush() {
      const data = out.take();
      const room = transport.packetSize - HEADER;
      // Only whole packets: the last one of a message carries its mark.
      const whole = Math.floor((data.length - 1) / room) * room;
      if (whole > 0) await transport.send(data.subarray(0, whole), false);
      out.bytes(data.subarray(Math.max(0, whole)));
    },
    async end() {
      await transport.send(out.take(), true);
    },
  };
}
