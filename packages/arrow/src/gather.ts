import type { ArrowData, ArrowType, ArrowVector } from "@aml/core";

/** A value of one of several vectors. */
export interface Place {
  readonly vector: number;
  readonly at: number;
}

/** The values of some places, in their order; `undefined` is a null. The vectors are all of the type. */
export function gather(
  type: ArrowType,
  vectors: readonly ArrowVector[],
  places: readonly (Place | undefined)[],
): ArrowVector {
  const length = places.length;
  const found = places.map((place) => {
    const vector = vectors[place?.vector ?? -1];
    return vector !== undefined && isSet(vector.validity, place?.at ?? 0) ? place : undefined;
  });
  const nullCount = found.filter((place) => place === undefined).length;
  const validity = nullCount > 0 ? packed(length, (at) => found[at] !== undefined) : undefined;
  const common = { length, nullCount, validity };
  const child = (field: number): ArrowVector[] => vectors.map((one) => one.children?.[field] as ArrowVector);
  switch (type.kind) {
    case "bool":
      return { ...common, data: packed(length, (at) => isTrue(vectors, found[at])) };
    case "utf8":
    case "binary":
      return { ...common, ...joined(vectors, found) };
    case "struct":
      return { ...common, children: type.fields.map((field, at) => gather(field.type, child(at), found)) };
    case "list":
    case "map": {
      const item: ArrowType =
        type.kind === "list" ? type.item.type : { kind: "struct", fields: [type.key, type.value] };
      const items = found.flatMap((place) => itemsOf(vectors, place));
      return { ...common, offsets: offsetsOf(vectors, found), children: [gather(item, child(0), items)] };
    }
    default:
      return { ...common, data: fixed(vectors, found, type.kind === "decimal" ? 4 : 1) };
  }
}

/** Bits from any place on. */
export function bitsFrom(bits: Uint8Array, from: number, count: number): Uint8Array {
  const start = from >> 3;
  const shift = from & 7;
  const size = Math.ceil(count / 8);
  if (shift === 0) return bits.subarray(start, start + size);
  return Uint8Array.from({ length: size }, (_, at) => {
    const low = bits[start + at] ?? 0;
    const high = bits[start + at + 1] ?? 0;
    return ((low >> shift) | (high << (8 - shift))) & 255;
  });
}

function isSet(bits: Uint8Array | undefined, at: number): boolean {
  return bits === undefined || ((bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
}

function packed(length: number, isOne: (at: number) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (let at = 0; at < length; at += 1)
    if (isOne(at)) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
  return bits;
}

function boundsOf(vectors: readonly ArrowVector[], place: Place): readonly [number, number] {
  const { offsets } = vectors[place.vector] as ArrowVector;
  const start = offsets?.[place.at] ?? 0;
  return [start, offsets?.[place.at + 1] ?? start];
}

function offsetsOf(vectors: readonly ArrowVector[], places: readonly (Place | undefined)[]): Int32Array {
  const offsets = new Int32Array(places.length + 1);
  for (const [at, place] of places.entries()) {
    const [start, end] = place === undefined ? [0, 0] : boundsOf(vectors, place);
    offsets[at + 1] = (offsets[at] ?? 0) + end - start;
  }
  return offsets;
}

function itemsOf(vectors: readonly ArrowVector[], place: Place | undefined): readonly Place[] {
  if (place === undefined) return [];
  const [start, end] = boundsOf(vectors, place);
  return Array.from({ length: end - start }, (_, at) => ({ vector: place.vector, at: start + at }));
}

function joined(
  vectors: readonly ArrowVector[],
  places: readonly (Place | undefined)[],
): Pick<ArrowVector, "offsets" | "data"> {
  const offsets = offsetsOf(vectors, places);
  const data = new Uint8Array(offsets.at(-1) ?? 0);
  for (const [at, place] of places.entries()) {
    if (place === undefined) continue;
    const [start, end] = boundsOf(vectors, place);
    const bytes = vectors[place.vector]?.data;
    if (bytes !== undefined) data.set((bytes as Uint8Array).subarray(start, end), offsets[at]);
  }
  return { offsets, data };
}

function isTrue(vectors: readonly ArrowVector[], place: Place | undefined): boolean {
  return place !== undefined && isSet(vectors[place.vector]?.data as Uint8Array, place.at);
}

/** Values of some words each. */
function fixed(
  vectors: readonly ArrowVector[],
  places: readonly (Place | undefined)[],
  words: number,
): ArrowData {
  const sample = vectors[0]?.data ?? new Uint8Array(0);
  const values = new (sample.constructor as new (length: number) => ArrowData)(places.length * words);
  for (const [at, place] of places.entries()) {
    if (place === undefined) continue;
    const from = vectors[place.vector]?.data as ArrowData;
    for (let word = 0; word < words; word += 1)
      values[at * words + word] = from[place.at * words + word] as never;
  }
  return values;
}
