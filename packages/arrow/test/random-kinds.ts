import {
  BinaryView,
  DateUnit,
  Date_,
  FixedSizeBinary,
  Float,
  Int,
  LargeBinary,
  LargeUtf8,
  makeData,
  Null,
  Precision,
  Time,
  Timestamp,
  TimeUnit,
  Binary,
  Bool,
  Decimal,
  Utf8,
  Utf8View,
  type Data,
  type DataType,
} from "apache-arrow";
import fc from "fast-check";
import type { Plain } from "./values.ts";

/** A type with how its arrays are laid out, and values for it. */
export interface Kind {
  readonly type: DataType;
  /** As `plainRows` gives it, but times of day and timestamps as nanoseconds. */
  readonly value: fc.Arbitrary<Plain>;
  /** What stands under a null is anything. */
  array(values: readonly Plain[]): Data;
}

const bitmap = (bits: readonly boolean[]): Uint8Array => {
  const out = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [at, bit] of bits.entries()) if (bit) out[at >> 3] = (out[at >> 3] ?? 0) | (1 << (at & 7));
  return out;
};
const validity = (values: readonly Plain[]): object =>
  values.includes(null) ? { nullBitmap: bitmap(values.map((value) => value !== null)) } : {};
export const build = (type: DataType, values: readonly Plain[], more: object): Data =>
  makeData({ type, length: values.length, ...validity(values), ...more } as never);

export type Numbers = new (values: ArrayLike<never>) => ArrayBufferView;

/** A buffer of values of a fixed length; all bits set under a null. */
function fixed<T extends Plain>(type: DataType, value: fc.Arbitrary<T>, stored: (value: T) => unknown): Kind {
  const array = type.ArrayType as Numbers;
  const zero = array.name.startsWith("Big") ? -1n : -1;
  return {
    type,
    value,
    array: (values) => {
      const data = values.map((one) => (one === null ? zero : stored(one as T)));
      return build(type, values, { data: new array(data as never) });
    },
  };
}

export const ints: readonly Kind[] = [true, false].flatMap((signed) =>
  ([8, 16, 32, 64] as const).map((bits) => {
    const min = signed ? -(2n ** BigInt(bits - 1)) : 0n;
    const range = fc.bigInt({ min, max: min + 2n ** BigInt(bits) - 1n });
    const value = range.map((one): Plain => (bits === 64 ? String(one) : Number(one)));
    return fixed(new Int(signed, bits), value, (one) => (bits === 64 ? BigInt(String(one)) : one));
  }),
);

const numberOf = (value: number): Plain => (Number.isNaN(value) ? "NaN" : value);

/** Every bit pattern of half a float: 5 bits of exponent, 10 of fraction. */
function halfOf(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction));
}
const halves = new Map(Array.from({ length: 2 ** 16 }, (_, bits) => [numberOf(halfOf(bits)), bits]));
// A map has one key for both zeros.
const halfBits = (value: Plain): number => (Object.is(value, -0) ? 2 ** 15 : (halves.get(value) ?? 0));

const floats = [
  fixed(
    new Float(Precision.HALF),
    fc.nat({ max: 2 ** 16 - 1 }).map((bits) => numberOf(halfOf(bits))),
    halfBits,
  ),
  fixed(new Float(Precision.SINGLE), fc.float().map(numberOf), Number),
  fixed(new Float(Precision.DOUBLE), fc.double().map(numberOf), Number),
];

const DAY_MS = 86_400_000;
const days = fc.integer({ min: -700_000, max: 2_900_000 });
const NANOS = [1_000_000_000n, 1_000_000n, 1000n, 1n] as const;
const UNITS = [TimeUnit.SECOND, TimeUnit.MILLISECOND, TimeUnit.MICROSECOND, TimeUnit.NANOSECOND] as const;
const nanos = (unit: TimeUnit, min: bigint, max: bigint): fc.Arbitrary<string> => {
  const size = NANOS[unit];
  return fc.bigInt({ min: min / size, max: max / size }).map((value) => String(value * size));
};
const inUnits = (value: Plain, unit: TimeUnit): bigint => BigInt(String(value)) / NANOS[unit];
/** The years 1700 to 2200, which nanoseconds hold. */
const [EARLY, LATE] = [-8_520_336_000_000_000_000n, 7_258_118_400_000_000_000n];

const times = [
  fixed(new Date_(DateUnit.DAY), days, Number),
  fixed(new Date_(DateUnit.MILLISECOND), days, (value) => BigInt(value) * BigInt(DAY_MS)),
  ...UNITS.map((unit) => {
    const type = new Time(unit, unit < TimeUnit.MICROSECOND ? 32 : 64);
    const value = nanos(unit, 0n, 86_399_999_999_999n);
    return fixed(type, value, (one) =>
      type.bitWidth === 32 ? Number(inUnits(one, unit)) : inUnits(one, unit),
    );
  }),
  ...UNITS.map((unit) =>
    fixed(new Timestamp(unit as never), nanos(unit, EARLY, LATE), (one) => inUnits(one, unit)),
  ),
  ...UNITS.map((unit) =>
    fixed(new Timestamp(unit as never, "Europe/Oslo"), nanos(unit, EARLY, LATE), (one) => inUnits(one, unit)),
  ),
];

const decimals = [1, 4, 5, 9, 10, 18, 19, 38].map((precision): Kind => {
  const most = 10n ** BigInt(precision) - 1n;
  const type = new Decimal(Math.min(precision, 3), precision);
  return {
    type,
    value: fc.bigInt({ min: -most, max: most }).map(String),
    array(values) {
      const words = new BigInt64Array(values.length * 2).fill(-1n);
      for (const [at, value] of values.entries()) {
        if (value === null) continue;
        words[at * 2] = BigInt.asIntN(64, BigInt(value as string));
        words[at * 2 + 1] = BigInt(value as string) >> 64n;
      }
      return build(type, values, { data: new Uint32Array(words.buffer) });
    },
  };
});

const bools: Kind = {
  type: new Bool(),
  value: fc.boolean(),
  array: (values) => build(new Bool(), values, { data: bitmap(values.map((value) => value !== false)) }),
};
const nothing: Kind = {
  type: new Null(),
  value: fc.constant(null),
  array: (values) => makeData({ type: new Null(), length: values.length }),
};

const bytesOf = (value: Plain, isText: boolean): Buffer =>
  Buffer.from(value as string, isText ? "utf8" : "hex");
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.string({ unit: "binary", minLength: 12, maxLength: 40 }),
);
const hex = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("hex"));

/** Bytes one after another, from a place that is not the first; a null has some, too. */
export function joined(type: DataType, isText: boolean, wide: boolean): Kind {
  return {
    type,
    value: isText ? text : hex,
    array(values) {
      const parts = [
        Buffer.of(255),
        ...values.map((value) => (value === null ? Buffer.of(255) : bytesOf(value, isText))),
      ];
      const ends = parts.reduce<number[]>((all, part) => [...all, (all.at(-1) ?? 0) + part.length], []);
      const valueOffsets = wide ? BigInt64Array.from(ends, BigInt) : Int32Array.from(ends);
      return build(type, values, { valueOffsets, data: new Uint8Array(Buffer.concat(parts)) });
    },
  };
}

/** Views of 16 bytes: short values in them, long ones in one of two buffers. */
function viewed(type: DataType, isText: boolean): Kind {
  return {
    type,
    value: isText ? text : hex,
    array(values) {
      const buffers: Buffer[] = [Buffer.of(255), Buffer.alloc(0)];
      const views = Buffer.alloc(values.length * 16, 255);
      for (const [at, value] of values.entries()) {
        if (value === null) continue;
        const bytes = bytesOf(value, isText);
        const view = views.subarray(at * 16, at * 16 + 16).fill(0);
        view.writeInt32LE(bytes.length, 0);
        bytes.copy(view, 4, 0, bytes.length > 12 ? 4 : 12);
        if (bytes.length <= 12) continue;
        const buffer = buffers[at % 2] ?? Buffer.alloc(0);
        view.writeInt32LE(at % 2, 8);
        view.writeInt32LE(buffer.length, 12);
        buffers[at % 2] = Buffer.concat([buffer, bytes]);
      }
      const variadicBuffers = buffers.map((buffer) => new Uint8Array(buffer));
      return build(type, values, { views: new Uint8Array(views), variadicBuffers });
    },
  };
}

const fixedBytes = (size: number): Kind => {
  const type = new FixedSizeBinary(size);
  return {
    type,
    value: fc
      .uint8Array({ minLength: size, maxLength: size })
      .map((bytes) => Buffer.from(bytes).toString("hex")),
    array: (values) => {
      const parts = values.map((value) => (value === null ? Buffer.alloc(size, 255) : bytesOf(value, false)));
      return build(type, values, { data: new Uint8Array(Buffer.concat(parts)) });
    },
  };
};

export const leaves: readonly Kind[] = [
  ...ints,
  ...floats,
  ...times,
  ...decimals,
  bools,
  nothing,
  joined(new Utf8(), true, false),
  joined(new LargeUtf8(), true, true),
  joined(new Binary(), false, false),
  joined(new LargeBinary(), false, true),
  fixedBytes(1),
  fixedBytes(16),
];

export const views: readonly Kind[] = [viewed(new Utf8View(), true), viewed(new BinaryView(), false)];
