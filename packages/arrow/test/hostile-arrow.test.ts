import { fromArrow, toArrow, toArrowIpc, type ArrowSource } from "@aml/arrow";
import { isAmlError } from "@aml/core";
import { randomRuns } from "@aml/kit/runs";
import { Decimal, Int, tableFromArrays, tableToIPC, TimeUnit, Timestamp, type DataType } from "apache-arrow";
import fc from "fast-check";
import { expect, test } from "vitest";
import { typeOf } from "../src/arrow-field.ts";
import { MessageFrames } from "../src/message-frames.ts";
import { everything } from "./everything.ts";
import { createWorkbench } from "./workbench.ts";

const bench = await createWorkbench();
const { workspace } = bench;

const one = tableFromArrays({ a: Int32Array.from({ length: 100 }, (_, at) => at) });
const twoBatches = one.concat(one);

async function rowsOf(source: ArrowSource): Promise<number> {
  let rows = 0;
  for await (const batch of fromArrow(source)) rows += batch.rowCount;
  return rows;
}

/** Where the messages of an IPC stream begin: its schema, its batches, its end. */
function messagesOf(stream: Uint8Array): number[] {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const starts: number[] = [];
  for (let at = 0; at < stream.length - 7; at += 8)
    if (view.getInt32(at, true) === -1 && view.getInt32(at + 4, true) < 1000) starts.push(at);
  return starts;
}

/** Other bytes at a place. */
function changed(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

const asOne = (bytes: Uint8Array): ArrowSource => bytes;
async function* bytewise(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (const byte of bytes) yield Uint8Array.of(byte);
}

test.each([
  ["at once", asOne],
  ["byte by byte", bytewise],
])("a stream whose lengths are damaged loses no batch without a word: %s", async (_, source) => {
  const stream = tableToIPC(twoBatches, "stream");
  expect(await rowsOf(source(stream))).toBe(200);
  const starts = messagesOf(stream);
  expect(starts).toHaveLength(4);
  const minus = (length: number): number[] => [256 - length, 255, 255, 255];
  for (const start of starts.slice(0, 3)) {
    for (const length of [
      [0, 0, 0, 0],
      minus(1),
      minus(8),
      minus(start + 8),
      [255, 255, 255, 127],
      [8, 0, 0, 0],
    ])
      await expect(rowsOf(source(changed(stream, start + 4, ...length)))).rejects.toMatchObject({
        code: "parse_failed",
      });
  }
  const behind = new Uint8Array([...stream, ...stream.subarray(starts[1])]);
  await expect(rowsOf(source(behind))).rejects.toMatchObject({ code: "parse_failed" });
});

test.each([
  ["a stream", []],
  ["a file", [...Buffer.from("ARROW1\0\0")]],
  [
    "a file whose messages begin at a multiple of 64",
    [...Buffer.from("ARROW1"), ...new Array<number>(58).fill(0)],
  ],
])("the batches of %s are counted, however its bytes come", (_, head) => {
  const bytes = Uint8Array.of(...head, ...tableToIPC(twoBatches, "stream"));
  for (const step of [1, 7, 64, bytes.length]) {
    const frames = new MessageFrames();
    for (let at = 0; at < bytes.length; at += step) frames.push(bytes.subarray(at, at + step));
    expect(frames).toMatchObject({ batches: 2, isFile: head.length > 0, ended: head.length === 0 });
  }
});

test("a file loses no batch either, and is read to its end or not at all", async () => {
  const file = tableToIPC(twoBatches, "file");
  expect(await rowsOf(file)).toBe(200);
  // A message of no kind, in which apache-arrow alone looks for a batch for ever.
  const [, ...batches] = messagesOf(file);
  for (const start of batches.slice(0, 2)) {
    const nothing = changed(file, start + 8, ...new Array<number>(40).fill(0));
    await expect(rowsOf(nothing)).rejects.toMatchObject({ code: "parse_failed" });
  }
  // A footer with one batch: the number in front of its two blocks of 24 bytes.
  const footer =
    file.length - 10 - new DataView(file.buffer, file.byteOffset).getInt32(file.length - 10, true);
  const counts = Array.from({ length: (file.length - footer) / 4 - 3 }, (_, at) => footer + at * 4).filter(
    (at) => new DataView(file.buffer, file.byteOffset).getInt32(at, true) === 2,
  );
  const outcomes = await Promise.all(
    counts.map((at) =>
      rowsOf(changed(file, at, 1)).catch((error: unknown) => isAmlError(error, "parse_failed")),
    ),
  );
  expect(outcomes).toContain(true);
  expect(outcomes).not.toContain(100);
});

test("bytes with damage anywhere are all rows, or an error with a code", async () => {
  await bench.parquet("all.parquet", everything(300));
  const dataset = workspace.tabular.fromParquetFiles("all.parquet");
  const [stream, file] = await Promise.all(
    (["stream", "file"] as const).map(
      async (format) => new Uint8Array(await new Response(toArrowIpc(dataset, { format })).arrayBuffer()),
    ),
  );
  const damage = fc.record({
    good: fc.constantFrom(stream as Uint8Array, file as Uint8Array),
    // More of it in what is told of the data than in the data.
    part: fc.constantFrom("start", "end", "anywhere"),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.oneof(
      fc.constantFrom([0xff], [0], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0], new Array<number>(40).fill(0)),
      fc.array(fc.nat(255), { minLength: 1, maxLength: 40 }),
    ),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ good, part, place, bytes }) => {
      const last = good.length - bytes.length;
      const range = part === "anywhere" ? last : Math.min(last, 12_000);
      const at = Math.floor(place * range) + (part === "end" ? last - range : 0);
      try {
        const rows = await toArrow(
          await workspace.tabular.fromColumnBatches(fromArrow(changed(good, at, ...bytes)), "in"),
        );
        expect(rows.numRows).toBe(300);
      } catch (error) {
        if (!isAmlError(error)) throw error;
        expect(["parse_failed", "schema_mismatch", "unsupported"]).toContain(error.code);
      }
    }),
    randomRuns(300),
  );
}, 600_000);

test.each<[string, DataType]>([
  ["decimals without a digit", new Decimal(0, 0)],
  ["numbers of 24 bits", new Int(true, 24 as 32)],
  ["instants of an unknown unit", Object.assign(new Timestamp(TimeUnit.SECOND), { unit: 7 })],
])("%s are of a type that tables have not", (_, type) => {
  expect(() => typeOf(type, "odd")).toThrow(
    expect.objectContaining({ code: "unsupported", context: expect.objectContaining({ column: "odd" }) }),
  );
});
