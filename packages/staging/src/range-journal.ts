import { appendFile, readFile } from "node:fs/promises";
import type { ByteRange } from "./byte-ranges.ts";

/** A range that somebody has written whole, and the CRC-32 of its bytes. */
export interface WrittenRange extends ByteRange {
  readonly crc: number;
}

/**
 * Reads which ranges of a sparse file its writers said to have written. A line is a claim to check, since a power cut
 * may keep it and lose the bytes, and since the file may be another one's; what is no whole line is left out.
 */
export async function readJournal(path: string, size: number): Promise<readonly WrittenRange[]> {
  const out: WrittenRange[] = [];
  for (const line of (await readFile(path, "latin1")).split("\n")) {
    const found = /^(\d{1,16}) (\d{1,16}) ([\da-f]{8});$/.exec(line);
    if (found === null) continue;
    const [start, end] = [Number(found[1]), Number(found[2])];
    if (start < end && end <= size) out.push({ start, end, crc: Number.parseInt(found[3] ?? "", 16) });
  }
  return out;
}

/** Adds ranges in one write. A line begins with its line break: behind one that was cut off it is still a line. */
export async function appendJournal(path: string, ranges: readonly WrittenRange[]): Promise<void> {
  const lines = ranges.map(
    ({ start, end, crc }) => `\n${start} ${end} ${crc.toString(16).padStart(8, "0")};`,
  );
  await appendFile(path, `${lines.join("")}\n`, "latin1");
}
