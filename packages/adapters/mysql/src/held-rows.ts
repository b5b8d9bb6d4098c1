import type { Packet } from "./read-row.ts";

/** Packets of rows that are still bytes, in order. */
export interface HeldRows {
  readonly count: number;
  push(packet: Packet): void;
  /** The first one, which is good until the next is taken. There must be one. */
  take(): Packet;
}

/** Packets that follow each other in what the socket gave. */
interface Run {
  readonly buffer: Buffer;
  /** Where the next packet begins: with three bytes of length and one of sequence. */
  start: number;
  end: number;
  count: number;
}

/**
 * Holds rows without an object for each: a row takes many times the memory of its bytes, and what lives while V8 looks for
 * garbage makes its young generation grow.
 */
export function createHeldRows(): HeldRows {
  const runs: Run[] = [];
  let count = 0;
  let reused: Packet | undefined;
  return {
    get count() {
      return count;
    },
    push(packet) {
      reused ??= packet.clone();
      count += 1;
      const { buffer, start, end } = packet;
      const last = runs.at(-1);
      if (last !== undefined && last.buffer === buffer && last.end === start) {
        last.end = end;
        last.count += 1;
      } else runs.push({ buffer, start, end, count: 1 });
    },
    take() {
      const run = runs[0] as Run;
      const packet = reused as Packet;
      packet.buffer = run.buffer;
      packet.start = run.start;
      packet.offset = run.start + 4;
      count -= 1;
      run.count -= 1;
      if (run.count === 0) runs.shift();
      else run.start += 4 + run.buffer.readUIntLE(run.start, 3);
      return packet;
    },
  };
}
