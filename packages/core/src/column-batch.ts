/** The type of a column in the terms of Apache Arrow, with what its values lie in. */
export type ArrowType =
  /** Bits, the first in the lowest. */
  | { readonly kind: "bool" }
  /** A typed array of that width and sign. */
  | { readonly kind: "int"; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: "float"; readonly bits: 32 | 64 }
  /** Of 128 bits: four words of a `Uint32Array` each, the lowest first. */
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  /** UTF-8 bytes, and where each value starts and ends. */
  | { readonly kind: "utf8" }
  | { readonly kind: "binary" }
  /** Days since 1970 in an `Int32Array`. */
  | { readonly kind: "date" }
  /** Since midnight, in a `BigInt64Array`. */
  | { readonly kind: "time"; readonly unit: "us" | "ns" }
  /** Since 1970 in a `BigInt64Array`: an instant with `timezone`, what a clock and a calendar show without. */
  | {
      readonly kind: "timestamp";
      readonly unit: "s" | "ms" | "us" | "ns";
      readonly timezone?: "UTC" | undefined;
    }
  | { readonly kind: "list"; readonly item: ArrowField }
  | { readonly kind: "struct"; readonly fields: readonly ArrowField[] }
  /** A list of structs of `key`, which is never null, and `value`. */
  | { readonly kind: "map"; readonly key: ArrowField; readonly value: ArrowField };

export interface ArrowField {
  readonly name: string;
  readonly type: ArrowType;
  readonly nullable: boolean;
}

export type ArrowData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** The values of a column in buffers of Arrow's layout. Buffers may go on behind `length`; a null's value is zero. */
export interface ArrowVector {
  readonly length: number;
  readonly nullCount: number;
  /** Bits of the values that are there, the first in the lowest; absent when all are. */
  readonly validity?: Uint8Array | undefined;
  /** Of texts, bytes, lists and maps: the start of each value in the data or the child, and the end of the last. */
  readonly offsets?: Int32Array | undefined;
  /** Absent from lists, structs and maps. */
  readonly data?: ArrowData | undefined;
  /** The items of a list, the fields of a struct; of a map one struct of keys and values. */
  readonly children?: readonly ArrowVector[] | undefined;
}

/** Rows by column. It owns its buffers: nobody writes to them again. */
export interface ColumnBatch {
  /** The same in all batches of a table. */
  readonly fields: readonly ArrowField[];
  readonly rowCount: number;
  /** As many as `fields`. */
  readonly columns: readonly ArrowVector[];
}
