import { AmlError, type ArrowData, type ArrowType, type ArrowVector } from "@aml/core";
import duckdb from "@duckdb/node-bindings";
import { checkedOffset, growingBuffer } from "./growing-buffer.ts";
import { createTextBuilder } from "./text-builder.ts";
import { createValidity } from "./validity.ts";

export type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/** Collects values of DuckDB's vectors in buffers of Arrow's layout. */
export interface VectorBuilder {
  /** Copies values out of DuckDB's memory, which goes with the chunk. */
  append(vector: Vector, from: number, count: number): void;
  /** Of what was collected. */
  bytes(): number;
  /** Gives what was collected, and starts anew. */
  take(): ArrowVector;
}

export function createVectorBuilder(type: ArrowType): VectorBuilder {
  switch (type.kind) {
    case "bool":
      return boolBuilder();
    case "int":
      return fixedBuilder(type.bits / 8, INTEGERS[`${type.signed ? "int" : "uint"}${type.bits}`]);
    case "float":
      return type.bits === 32
        ? fixedBuilder(4, (buffer, length) => new Float32Array(buffer, 0, length))
        : fixedBuilder(8, (buffer, length) => new Float64Array(buffer, 0, length));
    case "decimal":
      return decimalBuilder(type.precision);
    case "utf8":
    case "binary":
      return createTextBuilder();
    case "date":
      return fixedBuilder(4, (buffer, length) => new Int32Array(buffer, 0, length), refuseEndlessDates);
    case "time":
      return fixedBuilder(8, (buffer, length) => new BigInt64Array(buffer, 0, length));
    case "timestamp":
      return fixedBuilder(8, (buffer, length) => new BigInt64Array(buffer, 0, length), refuseEndlessTimes);
    case "list":
      return listBuilder(createVectorBuilder(type.item.type));
    case "map":
      return listBuilder(
        structBuilder([type.key, type.value].map((field) => createVectorBuilder(field.type))),
      );
    case "struct":
      return structBuilder(type.fields.map((field) => createVectorBuilder(field.type)));
  }
}

type View = (buffer: ArrayBuffer, length: number) => ArrowData;

const INTEGERS = {
  int8: (buffer: ArrayBuffer, length: number) => new Int8Array(buffer, 0, length),
  int16: (buffer: ArrayBuffer, length: number) => new Int16Array(buffer, 0, length),
  int32: (buffer: ArrayBuffer, length: number) => new Int32Array(buffer, 0, length),
  int64: (buffer: ArrayBuffer, length: number) => new BigInt64Array(buffer, 0, length),
  uint8: (buffer: ArrayBuffer, length: number) => new Uint8Array(buffer, 0, length),
  uint16: (buffer: ArrayBuffer, length: number) => new Uint16Array(buffer, 0, length),
  uint32: (buffer: ArrayBuffer, length: number) => new Uint32Array(buffer, 0, length),
  uint64: (buffer: ArrayBuffer, length: number) => new BigUint64Array(buffer, 0, length),
} satisfies Record<string, View>;

/** Values that Arrow has as DuckDB has them. */
function fixedBuilder(
  width: number,
  view: View,
  check?: (data: Uint8Array<ArrayBuffer>, from: number, to: number) => void,
): VectorBuilder {
  const data = growingBuffer(width);
  const validity = createValidity();
  let length = 0;
  return {
    append(vector, from, count) {
      const bytes = data.reserve(length + count);
      bytes.set(
        duckdb.vector_get_data(vector, (from + count) * width).subarray(from * width),
        length * width,
      );
      // What lies under a null is a value of who knows which row.
      validity.append(vector, from, count, length, (at) => bytes.fill(0, at * width, (at + 1) * width));
      check?.(bytes, length, length + count);
      length += count;
    },
    bytes: () => length * width,
    take() {
      const taken = { length, ...validity.take(length), data: view(data.take(length).buffer, length) };
      length = 0;
      return taken;
    },
  };
}

function boolBuilder(): VectorBuilder {
  const data = growingBuffer(1);
  const validity = createValidity();
  let length = 0;
  return {
    append(vector, from, count) {
      const source = duckdb.vector_get_data(vector, from + count);
      const bits = data.reserve((length + count + 7) >> 3);
      for (let row = from, at = length; row < from + count; row += 1, at += 1) {
        if (source[row] === 1) bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7));
      }
      validity.append(vector, from, count, length, (at) => {
        bits[at >> 3] = (bits[at >> 3] as number) & ~(1 << (at & 7));
      });
      length += count;
    },
    bytes: () => (length + 7) >> 3,
    take() {
      const taken = { length, ...validity.take(length), data: data.take((length + 7) >> 3) };
      length = 0;
      return taken;
    },
  };
}

const WIDTH = 16;

function decimalBuilder(precision: number): VectorBuilder {
  if (precision > 18) return fixedBuilder(WIDTH, (buffer, length) => new Uint32Array(buffer, 0, length * 4));
  const width = precision <= 4 ? 2 : precision <= 9 ? 4 : 8;
  const data = growingBuffer(WIDTH);
  const validity = createValidity();
  let length = 0;
  return {
    append(vector, from, count) {
      const bytes = data.reserve(length + count);
      const words = new Int32Array(bytes.buffer);
      const copy = new Uint8Array(count * width);
      copy.set(duckdb.vector_get_data(vector, (from + count) * width).subarray(from * width));
      const source = width === 2 ? new Int16Array(copy.buffer) : new Int32Array(copy.buffer);
      const step = width === 8 ? 2 : 1;
      for (let row = 0, word = length * 4; row < count; row += 1, word += 4) {
        const low = source[row * step] as number;
        const next = step === 2 ? (source[row * 2 + 1] as number) : low >> 31;
        words[word] = low;
        words[word + 1] = next;
        words[word + 2] = words[word + 3] = next >> 31;
      }
      validity.append(vector, from, count, length, (at) => words.fill(0, at * 4, at * 4 + 4));
      length += count;
    },
    bytes: () => length * WIDTH,
    take() {
      const taken = {
        length,
        ...validity.take(length),
        data: new Uint32Array(data.take(length).buffer, 0, length * 4),
      };
      length = 0;
      return taken;
    },
  };
}

function structBuilder(fields: readonly VectorBuilder[]): VectorBuilder {
  const validity = createValidity();
  let length = 0;
  return {
    append(vector, from, count) {
      for (const [at, field] of fields.entries())
        field.append(duckdb.struct_vector_get_child(vector, at), from, count);
      validity.append(vector, from, count, length);
      length += count;
    },
    bytes: () => fields.reduce((sum, field) => sum + field.bytes(), 0),
    take() {
      const taken = { length, ...validity.take(length), children: fields.map((field) => field.take()) };
      length = 0;
      return taken;
    },
  };
}

/** An entry is a start and a length of 64 bits each; the items of a chunk need neither be in order nor all in use. */
function listBuilder(items: VectorBuilder): VectorBuilder {
  const offsets = growingBuffer(4);
  const validity = createValidity();
  let length = 0;
  let total = 0;
  return {
    append(vector, from, count) {
      const ends = new Int32Array(offsets.reserve(length + count + 1).buffer);
      const words = new Uint32Array(count * 4);
      const source = duckdb.vector_get_data(vector, (from + count) * 16).subarray(from * 16);
      new Uint8Array(words.buffer).set(source);
      validity.append(vector, from, count, length, (at) =>
        words.fill(0, (at - length) * 4, (at - length) * 4 + 4),
      );
      const child = duckdb.list_vector_get_child(vector);
      let start = 0;
      let size = 0;
      for (let row = 0; row < count; row += 1) {
        const own = words[row * 4 + 2] as number;
        if (own > 0) {
          const first = words[row * 4] as number;
          if (size > 0 && first !== start + size) {
            items.append(child, start, size);
            size = 0;
          }
          if (size === 0) start = first;
          size += own;
          total = checkedOffset(total + own);
        }
        ends[length + row + 1] = total;
      }
      if (size > 0) items.append(child, start, size);
      length += count;
    },
    bytes: () => items.bytes() + length * 4,
    take() {
      const starts = new Int32Array(offsets.take(length + 1).buffer, 0, length + 1);
      const taken = { length, ...validity.take(length), offsets: starts, children: [items.take()] };
      length = total = 0;
      return taken;
    },
  };
}

function refuseEndlessDates(data: Uint8Array<ArrayBuffer>, from: number, to: number): void {
  const days = new Int32Array(data.buffer);
  for (let at = from; at < to; at += 1) {
    if (Math.abs(days[at] as number) === 2_147_483_647) throw endless();
  }
}

/** ±(2⁶³ − 1), whatever the unit. */
function refuseEndlessTimes(data: Uint8Array<ArrayBuffer>, from: number, to: number): void {
  const words = new Int32Array(data.buffer);
  for (let word = from * 2 + 1; word < to * 2; word += 2) {
    const high = words[word] as number;
    if (high === 0x7fff_ffff ? words[word - 1] === -1 : high === -0x8000_0000 && words[word - 1] === 1)
      throw endless();
  }
}

function endless(): AmlError {
  return new AmlError("parse_failed", "A date or timestamp is infinite, which Arrow does not have.", {
    hint: "Convert the column to string with convert_column_types, or filter such rows out.",
  });
}
