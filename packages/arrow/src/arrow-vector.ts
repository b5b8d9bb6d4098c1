import { AmlError, type ArrowData, type ArrowVector } from "@aml/core";
import {
  BinaryView,
  DataType,
  DateUnit,
  Precision,
  TimeUnit,
  Vector,
  type Data,
  type Dictionary,
} from "apache-arrow";
import { typeOf } from "./arrow-field.ts";
import { bitsFrom, gather } from "./gather.ts";

/**
 * The values of an Arrow array in the layout of a column batch: as they are where layouts agree, else converted exactly.
 *
 * @throws `parse_failed` with the column, for an instant that no microsecond holds, and for a date with a time
 * of day; `resource_exhausted` for 2 GiB of text in one batch.
 */
export function vectorOf(data: Data, column: string): ArrowVector {
  const { type, length } = data;
  if (DataType.isNull(type)) {
    return {
      length,
      nullCount: length,
      validity: zeros(length),
      offsets: new Int32Array(length + 1),
      data: NO_BYTES,
    };
  }
  if (DataType.isDictionary(type)) return ofDictionary(data, column);
  const nulls = data.nullCount;
  const common = {
    length,
    nullCount: nulls,
    ...(nulls > 0 && { validity: bitsFrom(data.nullBitmap, data.offset, length) }),
  };
  if (DataType.isBool(type))
    return { ...common, data: bitsFrom(data.values as Uint8Array, data.offset, length) };
  if (DataType.isStruct(type))
    return { ...common, children: data.children.map((child) => vectorOf(child, column)) };
  if (DataType.isFixedSizeList(type)) {
    return {
      ...common,
      offsets: steps(length, type.listSize),
      children: [vectorOf(data.children[0] as Data, column)],
    };
  }
  if (DataType.isFixedSizeBinary(type)) {
    return { ...common, offsets: steps(length, type.byteWidth), data: data.values as Uint8Array };
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    return {
      ...common,
      offsets: narrow(data, column),
      children: [vectorOf(data.children[0] as Data, column)],
    };
  }
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) return { ...common, ...ofViews(data) };
  if (data.valueOffsets !== undefined) {
    return { ...common, offsets: narrow(data, column), data: (data.values ?? NO_BYTES) as Uint8Array };
  }
  return { ...common, data: valuesOf(data, column) };
}

const NO_BYTES = new Uint8Array(0);

const zeros = (length: number): Uint8Array => new Uint8Array(Math.ceil(length / 8));

function steps(length: number, size: number): Int32Array {
  return Int32Array.from({ length: length + 1 }, (_, at) => at * size);
}

/** Offsets of 32 bits. */
function narrow({ valueOffsets, length }: Data, column: string): Int32Array {
  const offsets = valueOffsets as unknown as Int32Array | BigInt64Array | undefined;
  if (offsets === undefined || offsets.length === 0) return new Int32Array(length + 1);
  if (offsets instanceof Int32Array) return offsets;
  if (Number(offsets[length]) < 2 ** 31)
    return Int32Array.from({ length: length + 1 }, (_, at) => Number(offsets[at]));
  throw new AmlError("resource_exhausted", `Column ${column} has 2 GiB or more in one batch.`, {
    hint: "Write batches of fewer rows.",
    context: { column },
  });
}

/** Of views, which lie anywhere, the bytes one after another. */
function ofViews(data: Data): Pick<ArrowVector, "offsets" | "data"> {
  const bytes = new Vector([data.clone(new BinaryView() as DataType) as Data<BinaryView>]);
  const offsets = new Int32Array(data.length + 1);
  for (let at = 0; at < data.length; at += 1)
    offsets[at + 1] = (offsets[at] ?? 0) + (bytes.get(at)?.length ?? 0);
  const joined = new Uint8Array(offsets.at(-1) ?? 0);
  for (let at = 0; at < data.length; at += 1) joined.set(bytes.get(at) ?? NO_BYTES, offsets[at]);
  return { offsets, data: joined };
}

/** Each value in its place. */
function ofDictionary(data: Data, column: string): ArrowVector {
  const { length, dictionary } = data;
  const values = (dictionary?.data ?? []).map((one: Data) => vectorOf(one, column));
  const starts = [0];
  for (const one of values) starts.push((starts.at(-1) ?? 0) + one.length);
  const indices = data.values as Int32Array;
  const places = Array.from({ length }, (_, at) => {
    if (!data.getValid(at)) return undefined;
    const index = Number(indices[at]);
    if (!(index >= 0 && index < (starts.at(-1) ?? 0)))
      throw lost(column, String(index), "A dictionary has no such value", "Write the data anew.");
    const chunk = starts.findLastIndex((start) => start <= index);
    return { vector: Math.min(chunk, values.length - 1), at: index - (starts[chunk] ?? 0) };
  });
  return gather(typeOf((data.type as Dictionary).dictionary as DataType, column), values, places);
}

/** One buffer of values of a fixed length. */
function valuesOf(data: Data, column: string): ArrowData {
  const { type, length } = data;
  const values = data.values as ArrowData;
  if (DataType.isFloat(type) && type.precision === Precision.HALF) {
    const vector = new Vector([data]);
    return Float32Array.from({ length }, (_, at) => Number(vector.get(at) ?? 0));
  }
  if (DataType.isDate(type) && type.unit === DateUnit.MILLISECOND) return days(data, column);
  if (DataType.isTime(type) && type.unit < TimeUnit.MICROSECOND) {
    const factor = type.unit === TimeUnit.SECOND ? 1_000_000n : 1000n;
    return BigInt64Array.from({ length }, (_, at) => BigInt(values[at] ?? 0) * factor);
  }
  if (DataType.isTimestamp(type) && type.timezone && type.unit < TimeUnit.MICROSECOND) {
    return instants(data, column, type.unit);
  }
  return values;
}

/** Days of dates that are milliseconds: two words each, or one of 64 bits. */
function days(data: Data, column: string): Int32Array {
  const { values } = data;
  const millis = new BigInt64Array(values.buffer, values.byteOffset, data.length);
  return Int32Array.from({ length: data.length }, (_, at) => {
    const value = data.getValid(at) ? (millis[at] ?? 0n) : 0n;
    if (value % 86_400_000n === 0n) return Number(value / 86_400_000n);
    throw lost(column, `${value} ms`, "A date has a time of day", "Make it a timestamp.");
  });
}

function instants(data: Data, column: string, unit: TimeUnit): BigInt64Array {
  const values = data.values as BigInt64Array;
  const factor = unit === TimeUnit.SECOND ? 1_000_000n : 1000n;
  return BigInt64Array.from({ length: data.length }, (_, at) => {
    const value = data.getValid(at) ? (values[at] ?? 0n) * factor : 0n;
    if (BigInt.asIntN(64, value) === value) return value;
    const what = "An instant is beyond what microseconds hold";
    throw lost(column, String(values[at]), what, "Leave such rows out.");
  });
}

function lost(column: string, value: string, what: string, hint: string): AmlError {
  return new AmlError("parse_failed", `${what}: ${value} in column ${column}.`, {
    hint,
    context: { column },
  });
}
