import fc from "fast-check";
import type { ColumnMetadata } from "tedious/lib/token/colmetadata-token-parser.js";
import { NotEnoughDataError } from "tedious/lib/token/helpers.js";
import streamParser from "tedious/lib/token/stream-parser.js";
import { TYPES } from "tedious";
import { expect, test } from "vitest";
import { loadRowParsing, rowStreamParserOf, type StreamParserClass } from "../src/read-rows.ts";
import { createRowReader } from "../src/row-reader.ts";
import type { DriverTime } from "../src/time-text.ts";

const Driver = streamParser as unknown as StreamParserClass;
const Own = rowStreamParserOf(Driver, NotEnoughDataError);

interface Kind {
  readonly column: Omit<Partial<ColumnMetadata>, "type"> & { readonly type: { readonly name: string } };
  /** Bytes of a value, without what tells its length. */
  readonly value: fc.Arbitrary<Uint8Array>;
  readonly prefix: 0 | 1 | 2 | "chunks";
}

const type = (name: string): { name: string } => ({ name });
const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const even = fc.uint8Array({ maxLength: 40 }).map((all) => all.subarray(0, all.length & ~1));
const clock = (scale: number): fc.Arbitrary<Uint8Array> => {
  const size = scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
  return fc.integer({ min: 0, max: 86_400 * 10 ** scale - 1 }).map((ticks) => {
    const buffer = Buffer.alloc(size);
    buffer.writeUIntLE(ticks, 0, size);
    return buffer;
  });
};
const day = fc.integer({ min: 0, max: 3_652_058 }).map((days) => {
  const buffer = Buffer.alloc(3);
  buffer.writeUIntLE(days, 0, 3);
  return buffer;
});
const joined = (...parts: fc.Arbitrary<Uint8Array>[]): fc.Arbitrary<Uint8Array> =>
  fc.tuple(...parts).map((all) => Buffer.concat(all));
const timed = (name: string, scale: number, ...behind: fc.Arbitrary<Uint8Array>[]): Kind => ({
  column: { type: type(name), scale },
  value: joined(clock(scale), ...behind),
  prefix: 1,
});
const CP1252 = { codepage: "CP1252" } as never;
const scales = [0, 1, 2, 3, 4, 5, 6, 7];

const kinds: readonly Kind[] = [
  ...(["Bit", "TinyInt"] as const).map((name): Kind => ({
    column: { type: type(name) },
    value: bytes(1),
    prefix: 0,
  })),
  { column: { type: type("SmallInt") }, value: bytes(2), prefix: 0 },
  ...["Int", "SmallMoney", "SmallDateTime", "Real"].map((name): Kind => ({
    column: { type: type(name) },
    value: bytes(4),
    prefix: 0,
  })),
  ...["BigInt", "Money", "DateTime", "Float"].map((name): Kind => ({
    column: { type: type(name) },
    value: bytes(8),
    prefix: 0,
  })),
  { column: { type: type("BitN") }, value: bytes(1), prefix: 1 },
  { column: { type: type("IntN") }, value: fc.constantFrom(1, 2, 4, 8).chain(bytes), prefix: 1 },
  ...["FloatN", "MoneyN", "DateTimeN"].map((name): Kind => ({
    column: { type: type(name) },
    value: fc.constantFrom(4, 8).chain(bytes),
    prefix: 1,
  })),
  ...[0, 4, 10, 38].map((scale): Kind => ({
    column: { type: type("DecimalN"), scale },
    value: fc.constantFrom(5, 9, 13, 17).chain(bytes),
    prefix: 1,
  })),
  { column: { type: type("UniqueIdentifier") }, value: bytes(16), prefix: 1 },
  { column: { type: type("Date") }, value: day, prefix: 1 },
  ...scales.map((scale) => timed("Time", scale)),
  ...scales.map((scale) => timed("DateTime2", scale, day)),
  ...scales.map((scale) => timed("DateTimeOffset", scale, day, bytes(2))),
  { column: { type: type("NVarChar"), dataLength: 80 }, value: even, prefix: 2 },
  { column: { type: type("VarChar"), dataLength: 80, collation: CP1252 }, value: fc.uint8Array(), prefix: 2 },
  { column: { type: type("VarBinary"), dataLength: 80 }, value: fc.uint8Array(), prefix: 2 },
  { column: { type: type("NVarChar"), dataLength: 0xffff }, value: even, prefix: "chunks" },
  {
    column: { type: type("VarChar"), dataLength: 0xffff, collation: CP1252 },
    value: fc.uint8Array(),
    prefix: "chunks",
  },
  { column: { type: type("VarBinary"), dataLength: 0xffff }, value: fc.uint8Array(), prefix: "chunks" },
  { column: { type: type("Xml") }, value: even, prefix: "chunks" },
];

/** A value as it is sent, or NULL. */
function sent({ value, prefix }: Kind): fc.Arbitrary<Uint8Array> {
  if (prefix === 0) return value;
  if (prefix === 1)
    return fc.oneof(
      fc.constant(Buffer.of(0)),
      value.map((all) => Buffer.concat([Buffer.of(all.length), all])),
    );
  const nothing = fc.constant(Buffer.alloc(prefix === 2 ? 2 : 8, 0xff));
  if (prefix === 2)
    return fc.oneof(
      nothing,
      value.map((all) => Buffer.concat([Buffer.from(Uint16Array.of(all.length).buffer), all])),
    );
  const word = (size: number): Buffer => Buffer.from(Uint32Array.of(size).buffer);
  const chunks = fc.tuple(value, fc.boolean(), fc.nat(20)).map(([all, isKnown, cut]) => {
    const parts = [all.subarray(0, cut), all.subarray(cut)].filter(({ length }) => length > 0);
    const length = isKnown ? [word(all.length), word(0)] : [word(0xff_ff_ff_fe), word(0xff_ff_ff_ff)];
    return Buffer.concat([...length, ...parts.flatMap((part) => [word(part.length), part]), word(0)]);
  });
  return fc.oneof(nothing, chunks);
}

/** Rows of some columns, each with what says whether it has a bitmap of its NULLs. */
const tables = fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 10 }).chain((columns) =>
  fc.record({
    columns: fc.constant(columns),
    rows: fc.array(
      fc.tuple(
        fc.boolean(),
        fc.array(fc.boolean(), { minLength: columns.length, maxLength: columns.length }),
        fc.tuple(...columns.map(sent)),
      ),
      { minLength: 1, maxLength: 5 },
    ),
    cuts: fc.array(fc.nat(300), { maxLength: 6 }),
  }),
);

function encoded([isSparse, nulls, cells]: readonly [
  boolean,
  readonly boolean[],
  readonly Uint8Array[],
]): Buffer {
  if (!isSparse) return Buffer.concat([Buffer.of(0xd1), ...cells]);
  const bitmap = Buffer.alloc(Math.ceil(cells.length / 8));
  for (const [at, isNull] of nulls.entries())
    if (isNull) bitmap[at >> 3] = (bitmap[at >> 3] ?? 0) | (1 << (at & 7));
  return Buffer.concat([Buffer.of(0xd2), bitmap, ...cells.filter((_, at) => !nulls[at])]);
}

/** As both can be compared: the driver's times are dates, its `bigint` is text. */
function plain(value: unknown): unknown {
  // Of bytes that no server sends; the driver makes an invalid date of it.
  const isFar = (ms: number): boolean => !(Math.abs(ms) <= 8.64e15);
  if (value instanceof Date)
    return isFar(value.getTime())
      ? "far"
      : { ms: value.getTime(), below: (value as { nanosecondsDelta?: number }).nanosecondsDelta ?? 0 };
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return [...value];
  if (value !== null && typeof value === "object")
    return isFar((value as DriverTime).ms) ? "far" : { ...value };
  return value;
}

type Rows = unknown[][];

function read(chunks: readonly Buffer[], columns: readonly ColumnMetadata[], own: boolean): Rows {
  const options = { lowerCaseGuids: true, useUTC: true, useColumnNames: false, tdsVersion: "7_4" };
  const parser = new (own ? Own : Driver)(options, columns);
  const rows: Rows = [];
  for (const chunk of chunks) {
    parser.write(chunk);
    for (let token = parser.read(); token !== undefined; token = parser.read()) {
      rows.push((token.columns ?? []).map(({ value }) => plain(value)));
    }
  }
  parser.end();
  return rows;
}

test("rows are read as the driver reads them, wherever their bytes are cut", () => {
  fc.assert(
    fc.property(tables, ({ columns, rows, cuts }) => {
      const metadata = columns.map(({ column }) => column as unknown as ColumnMetadata);
      const all = Buffer.concat(rows.map(encoded));
      const ends = [...new Set([...cuts.filter((cut) => cut < all.length), all.length])].toSorted(
        (a, b) => a - b,
      );
      const chunks = ends.map((end, at) => all.subarray(ends[at - 1] ?? 0, end));
      const ours = read(chunks, metadata, true);
      expect(ours).toHaveLength(rows.length);
      expect(ours).toEqual(read([all], metadata, false));
    }),
    { numRuns: 600 },
  );
});

test("values that are large or of unknown length are read as they come", () => {
  const metadata = [
    { type: type("IntN") },
    { type: type("VarBinary"), dataLength: 0xffff },
  ] as unknown as ColumnMetadata[];
  const word = (size: number): Buffer => Buffer.from(Uint32Array.of(size).buffer);
  const row = (id: number, size: number, isKnown: boolean): Buffer => {
    const parts = Array.from({ length: size / 1000 }, () =>
      Buffer.concat([word(1000), Buffer.alloc(1000, id)]),
    );
    const length = isKnown ? [word(size), word(0)] : [word(0xff_ff_ff_fe), word(0xff_ff_ff_ff)];
    return Buffer.concat([Buffer.of(0xd1, 1, id), ...length, ...parts, word(0)]);
  };
  const all = Buffer.concat([
    row(1, 200_000, true),
    row(2, 3000, false),
    row(3, 3000, true),
    row(4, 150_000, false),
  ]);
  for (const step of [777, 4096, all.length]) {
    const chunks = Array.from({ length: Math.ceil(all.length / step) }, (_, at) =>
      all.subarray(at * step, (at + 1) * step),
    );
    expect(read(chunks, metadata, true)).toEqual(read(chunks, metadata, false));
  }
});

test("other types and code pages are left to the driver", () => {
  for (const column of [
    { type: type("Variant") },
    { type: type("Text"), collation: CP1252 },
    { type: type("UDT") },
    { type: type("VarChar"), dataLength: 10, collation: { codepage: "CP932" } },
  ])
    expect(createRowReader([column as never])).toBeUndefined();
});

test("the driver's inside is as it must be for rows to be read here", async () => {
  const connection = { config: { options: {} }, createTokenStreamParser: () => undefined };
  const before = connection.createTokenStreamParser;
  (await loadRowParsing()).use(connection as never);
  expect(connection.createTokenStreamParser).not.toBe(before);
  expect(TYPES.Int.name).toBe("Int");
});
