import { randomRuns } from "@aml/kit/runs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeLz4Frame } from "../src/lz4-frame.ts";

// Made by pyarrow's codec, from the texts beside them.
const WORDS =
  "BCJNGGBAgpgAAACzYXBwbGUgcGx1bSALADhlYXILAAEQAAIFAAAlAAEKAAIqAAIGAAcRAAELAAIFAAArAAMgAAALAAIVAAFKAAAPAAcaAAMLAAAb" +
  "AAILAAgGAAGXAAEFAAIWAAJHAAdCAAA3AAggAAwbAAwgAAAQAANLAA8rAAEDGwAAJgABVgABBQACFQACBgABEQACBQCgZWFyIGFwcGxlIAAAAAA=";
const TEXT =
  "apple plum apple pear apple pear pear pear plum pear apple apple pear apple pear pear plum apple plum pear pear plum " +
  "apple plum apple pear apple apple apple plum plum apple pear plum apple pear plum apple plum apple pear pear plum apple " +
  "pear apple plum apple pear pear apple pear plum plum apple apple plum plum pear apple ";
const RUN = "BCJNGGBAgh4AAAAfYQEA/////////////////////////4JQYWFhYWEAAAAA";
const EMPTY = "BCJNGGBAggAAAAA=";

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const decoded = (bytes: Uint8Array): string => Buffer.from(decodeLz4Frame(bytes)).toString("latin1");

test.each([
  ["words", WORDS, TEXT],
  ["a run, whose matches overlap", RUN, "a".repeat(5000)],
  ["nothing", EMPTY, ""],
])("%s", (_, frame, text) => {
  expect(decoded(bytesOf(frame))).toBe(text);
  // Behind other bytes of the same buffer.
  expect(decoded(Uint8Array.of(9, ...bytesOf(frame)).subarray(1))).toBe(text);
});

test("a size, checksums, blocks as they are, and matches in an earlier block", () => {
  const size = [12, 0, 0, 0, 0, 0, 0, 0];
  const plain = [4, 0, 0, 0x80, ...Buffer.from("abcd"), 1, 2, 3, 4];
  // No literal, a match of 4 + 4 bytes at a distance of 4, and no literal at the end.
  const repeated = [4, 0, 0, 0, 0x04, 4, 0, 0x00, 1, 2, 3, 4];
  const header = [4, 0x22, 0x4d, 0x18, 0b0101_1100, 0x40];
  const frame = Uint8Array.of(...header, ...size, 0, ...plain, ...repeated, 0, 0, 0, 0, 9, 9, 9, 9);
  expect(decoded(frame)).toBe("abcdabcdabcd");
  const other = frame.slice();
  other[6] = 13;
  expect(() => decodeLz4Frame(other)).toThrow("12");
});

test.each([
  ["no frame", (frame: Uint8Array) => frame.fill(7, 0, 4)],
  ["an older version", (frame: Uint8Array) => frame.fill(0b0010_0000, 4, 5)],
  ["a dictionary", (frame: Uint8Array) => frame.fill(0b0110_0001, 4, 5)],
  ["a size of blocks that there is not", (frame: Uint8Array) => frame.fill(0x30, 5, 6)],
  ["no distance", (frame: Uint8Array) => frame.fill(0, 13, 15)],
  ["a distance to before the start", (frame: Uint8Array) => frame.fill(255, 13, 15)],
])("%s is refused", (_, change) => {
  expect(() => decodeLz4Frame(change(bytesOf(RUN)))).toThrow(Error);
});

test("every frame that breaks off is refused", () => {
  for (const frame of [WORDS, RUN, EMPTY].map(bytesOf))
    for (let end = 0; end < frame.length; end++)
      expect(() => decodeLz4Frame(frame.subarray(0, end)), `${end} of ${frame.length}`).toThrow(Error);
});

test("whatever the bytes, the end comes soon and the result is no longer than it can be", () => {
  const change = fc.record({
    frame: fc.constantFrom(WORDS, RUN),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  });
  fc.assert(
    fc.property(change, ({ frame, place, bytes }) => {
      const damaged = bytesOf(frame);
      damaged.set(bytes, Math.floor(place * (damaged.length - bytes.length)));
      try {
        expect(decodeLz4Frame(damaged).length).toBeLessThanOrEqual(255 * damaged.length);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect((error as Error).name).not.toBe("TypeError");
      }
    }),
    randomRuns(20_000),
  );
});
