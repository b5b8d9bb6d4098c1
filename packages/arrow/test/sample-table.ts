import type { Row } from "@aml/core";
import {
  Bool,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  FixedSizeList,
  Float64,
  Int16,
  Int32,
  Int64,
  LargeUtf8,
  List,
  makeData,
  Map_,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMicrosecond,
  Uint8,
  Utf8,
  vectorFromArray,
  type Data,
  type DataType,
} from "apache-arrow";

const item = (type: DataType): Field => new Field("item", type, true);
const entries = new Struct<{ key: Utf8; value: Int32 }>([
  new Field("key", new Utf8(), false),
  new Field("value", new Int32(), true),
]);

/** Columns of many types, and their values in two batches. */
const COLUMNS: Readonly<Record<string, readonly [DataType, readonly unknown[], readonly unknown[]]>> = {
  flag: [new Bool(), [true, null, false], [null, true]],
  tiny: [new Uint8(), [255, null, 0], [1, 2]],
  small: [new Int16(), [-32768, 32767, null], [0, 1]],
  id: [new Int64(), [9007199254740993n, -9223372036854775808n, null], [0n, 1n]],
  fare: [new Float64(), [0.1, null, -1e300], [2.5, null]],
  text: [new Utf8(), ["é😀", null, ""], ["more than twelve bytes", "b"]],
  wide: [new LargeUtf8(), ["a", "more than twelve bytes", null], [null, ""]],
  price: [
    new Decimal(2, 10),
    [new Uint32Array([1234, 0, 0, 0]), null, null],
    [null, new Uint32Array([5, 0, 0, 0])],
  ],
  day: [
    new DateDay(),
    [new Date("2020-02-29"), null, new Date("1969-12-31")],
    [null, new Date("2026-11-26")],
  ],
  at: [new TimestampMicrosecond("UTC"), [1_600_000_000_000, null, -1], [0, 1]],
  city: [new Dictionary(new Utf8(), new Int32()), ["Oslo", "Bergen", null], ["Oslo", "Bodø"]],
  list: [new List(item(new Int32())), [[1, null, 3], null, []], [[4], [5, 6]]],
  pair: [
    new FixedSizeList(2, item(new Int32())),
    [[1, 2], null, [3, null]],
    [
      [4, 5],
      [6, 7],
    ],
  ],
  both: [
    new Struct([new Field("x", new Int32(), true), new Field("y z", new Utf8(), true)]),
    [{ x: 1, "y z": "a" }, null, { x: null, "y z": null }],
    [
      { x: 2, "y z": "b" },
      { x: 3, "y z": "c" },
    ],
  ],
  map: [
    new Map_(new Field("entries", entries, false)),
    [new Map([["a", 1]]), null, new Map()],
    [
      new Map([["b", null]]),
      new Map([
        ["c", 3],
        ["d", 4],
      ]),
    ],
  ],
};

const NO_VALUE = Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, null]));

/** The same as rows. */
export const SAMPLE_ROWS: readonly Row[] = [
  {
    flag: true,
    tiny: 255,
    small: -32768,
    id: 9007199254740993n,
    fare: 0.1,
    text: "é😀",
    wide: "a",
    price: "12.34",
    day: "2020-02-29",
    at: new Date("2020-09-13T12:26:40Z"),
    city: "Oslo",
    list: [1, null, 3],
    pair: [1, 2],
    both: { x: 1, "y z": "a" },
    map: { a: 1 },
  },
  { ...NO_VALUE, small: 32767, id: -9223372036854775808n, wide: "more than twelve bytes", city: "Bergen" },
  {
    ...NO_VALUE,
    flag: false,
    tiny: 0,
    fare: -1e300,
    text: "",
    day: "1969-12-31",
    at: new Date(-1),
    list: [],
    pair: [3, null],
    both: { x: null, "y z": null },
    map: {},
  },
  {
    ...NO_VALUE,
    tiny: 1,
    small: 0,
    id: 0n,
    fare: 2.5,
    text: "more than twelve bytes",
    at: new Date(0),
    city: "Oslo",
    list: [4],
    pair: [4, 5],
    both: { x: 2, "y z": "b" },
    map: { b: null },
  },
  {
    flag: true,
    tiny: 2,
    small: 1,
    id: 1n,
    fare: null,
    text: "b",
    wide: "",
    price: "0.05",
    day: "2026-11-26",
    at: new Date(1),
    city: "Bodø",
    list: [5, 6],
    pair: [6, 7],
    both: { x: 3, "y z": "c" },
    map: { c: 3, d: 4 },
  },
];

/** Many types, nulls among them, in two batches. */
export function sampleTable(): Table {
  const names = Object.keys(COLUMNS);
  const typeOf = (name: string): DataType => COLUMNS[name]?.[0] as DataType;
  const schema = new Schema(names.map((name) => new Field(name, typeOf(name), true)));
  const batches = ([1, 2] as const).map((part) => {
    const columns = names.map((name) =>
      vectorFromArray((COLUMNS[name]?.[part] ?? []) as never[], typeOf(name)),
    );
    const children = columns.map(({ data }) => data[0] as Data);
    const length = columns[0]?.length ?? 0;
    return new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }),
    );
  });
  return new Table(schema, batches);
}
