import {
  Dictionary,
  Field,
  FixedSizeList,
  Int,
  LargeList,
  List,
  makeData,
  Map_,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Utf8,
  Vector,
  type DataType,
} from "apache-arrow";
import fc from "fast-check";
import { build, ints, joined, leaves, views, type Kind, type Numbers } from "./random-kinds.ts";
import type { Plain } from "./values.ts";

const orNull = (value: fc.Arbitrary<Plain>): fc.Arbitrary<Plain> =>
  fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) });

/** Items one after another; a null has two of them. */
function lists(item: Kind, wide: boolean): Kind {
  const field = new Field("item", item.type, true);
  const type: DataType = wide ? new LargeList(field) : new List(field);
  return {
    type,
    value: fc.array(orNull(item.value), { maxLength: 4 }),
    array(values) {
      const parts = [[null], ...values.map((value) => (value ?? [null, null]) as readonly Plain[])];
      const ends = parts.reduce<number[]>((all, part) => [...all, (all.at(-1) ?? 0) + part.length], []);
      const valueOffsets = wide ? BigInt64Array.from(ends, BigInt) : Int32Array.from(ends);
      return build(type, values, { valueOffsets, child: item.array(parts.flat()) });
    },
  };
}

function fixedLists(item: Kind, size: number): Kind {
  const type = new FixedSizeList(size, new Field("item", item.type, true));
  return {
    type,
    value: fc.array(orNull(item.value), { minLength: size, maxLength: size }),
    array: (values) => {
      const items = values.flatMap((value) => (value ?? Array.from({ length: size }, () => null)) as Plain[]);
      return build(type, values, { child: item.array(items) });
    },
  };
}

/** A null has the fields of the row before it. */
function structs(kinds: readonly Kind[]): Kind {
  const type = new Struct(kinds.map((kind, at) => new Field(`f ${at}`, kind.type, true)));
  return {
    type,
    value: fc.tuple(...kinds.map((kind) => orNull(kind.value))),
    array(values) {
      let last: readonly Plain[] = kinds.map(() => null);
      const rows = values.map((value) => (last = (value ?? last) as readonly Plain[]));
      const children = kinds.map((kind, at) => kind.array(rows.map((row) => row[at] ?? null)));
      return build(type, values, { children });
    },
  };
}

/** A null has the entries of the row before it. */
function maps(key: Kind, item: Kind): Kind {
  const fields = [new Field("key", key.type, false), new Field("value", item.type, true)];
  const entry = new Struct<{ key: DataType; value: DataType }>(fields as never);
  const type = new Map_(new Field("entries", entry, false));
  const entries = fc.uniqueArray(fc.tuple(key.value, orNull(item.value)), {
    maxLength: 3,
    selector: ([one]) => JSON.stringify(one),
  });
  return {
    type,
    value: entries,
    array(values) {
      let last: readonly (readonly Plain[])[] = [];
      const rows = values.map((value) => (last = (value ?? last) as typeof last));
      const ends = rows.reduce<number[]>((all, row) => [...all, (all.at(-1) ?? 0) + row.length], [0]);
      const children = [key, item].map((kind, at) => kind.array(rows.flat().map((pair) => pair[at] ?? null)));
      const child = makeData({ type: entry, length: ends.at(-1) ?? 0, children } as never);
      return build(type, values, { valueOffsets: Int32Array.from(ends), child });
    },
  };
}

/** Values of one dictionary, of two chunks; those of a null are not in it. */
function dictionaries(of: Kind, entries: readonly Plain[], bits: 8 | 16 | 32, signed: boolean): Kind {
  const indexType = new Int(signed, bits);
  const type = new Dictionary(of.type, indexType as never);
  const chunks = [entries.slice(0, 2), entries.slice(2)].filter((part) => part.length > 0);
  const dictionary = new Vector(chunks.map((part) => of.array(part)));
  const array = indexType.ArrayType as unknown as Numbers;
  return {
    type,
    value: fc.constantFrom(...entries),
    array(values) {
      const texts = entries.map((entry) => JSON.stringify(entry));
      const indices = values.map((value) => {
        const at = texts.indexOf(JSON.stringify(value));
        return at < 0 ? 99 : at;
      });
      const known = values.map((value, at) => (indices[at] === 99 ? null : (value ?? 0)));
      return build(type, known, { data: new array(indices as never), dictionary });
    },
  };
}

const dictionary = (of: fc.Arbitrary<Kind>): fc.Arbitrary<Kind> =>
  of.chain((kind) =>
    fc
      .tuple(
        fc.uniqueArray(orNull(kind.value), {
          minLength: 1,
          maxLength: 4,
          selector: (one) => JSON.stringify(one),
        }),
        fc.constantFrom(8, 16, 32),
        fc.boolean(),
      )
      .map(([entries, bits, signed]) => dictionaries(kind, entries, bits as 8, signed)),
  );
const nested = (of: fc.Arbitrary<Kind>): fc.Arbitrary<Kind> =>
  fc.oneof(
    of.map((kind) => lists(kind, false)),
    of.map((kind) => lists(kind, true)),
    fc.tuple(of, fc.integer({ min: 1, max: 3 })).map(([kind, size]) => fixedLists(kind, size)),
    fc.array(of, { minLength: 1, maxLength: 3 }).map(structs),
    fc
      .tuple(fc.constantFrom(joined(new Utf8(), true, false), ...ints), of)
      .map(([key, item]) => maps(key, item)),
  );
/** A column: its kind, and the few values that its rows have. */
function columnOf(kinds: readonly Kind[]): fc.Arbitrary<readonly [Kind, readonly Plain[]]> {
  const leaf = fc.constantFrom(...kinds);
  const inner = fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 1, arbitrary: dictionary(leaf) });
  const deep = nested(fc.oneof({ weight: 2, arbitrary: inner }, { weight: 1, arbitrary: nested(inner) }));
  const kind = fc.oneof({ weight: 4, arbitrary: inner }, { weight: 2, arbitrary: deep });
  return kind.chain((of) =>
    fc.tuple(fc.constant(of), fc.array(orNull(of.value), { minLength: 1, maxLength: 9 })),
  );
}

export interface RandomTable {
  readonly table: Table;
  /** The values of each row. */
  readonly rows: readonly (readonly Plain[])[];
}

/** A record batch, cut out of a longer one. */
const cut = fc.record({
  size: fc.oneof(
    { weight: 8, arbitrary: fc.nat({ max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 2040, max: 4100 }) },
  ),
  before: fc.nat({ max: 17 }),
  behind: fc.nat({ max: 9 }),
});

/** Tables of these kinds, in batches of several sizes, which may begin in the middle of bytes and lists. */
const tables = (kinds: readonly Kind[]): fc.Arbitrary<RandomTable> =>
  fc
    .tuple(
      fc.array(columnOf(kinds), { minLength: 1, maxLength: 5 }),
      fc.array(cut, { maxLength: 4 }),
      fc.nat({ max: 100 }),
    )
    .map(([columns, cuts, seed]) => {
      const schema = new Schema(columns.map(([{ type }], at) => new Field(`c${at}`, type, true)));
      const rows: Plain[][] = [];
      const batches = cuts.map(({ size, before, behind }, number) => {
        const length = before + size + behind;
        const values = columns.map(([, pool]) =>
          Array.from(
            { length },
            (_, row) => pool[(row * 7 + (row >> 3) + number + seed) % pool.length] ?? null,
          ),
        );
        for (let row = before; row < before + size; row += 1)
          rows.push(values.map((all) => all[row] ?? null));
        const children = columns.map(([of], at) => of.array(values[at] ?? []));
        const data = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children });
        return new RecordBatch(schema, data).slice(before, before + size);
      });
      return { table: new Table(schema, batches), rows };
    });

/** Of all types that are read. */
export const randomTable: fc.Arbitrary<RandomTable> = tables([...leaves, ...views]);

/** Without views: apache-arrow 21.2 writes those wrong that do not begin at the first. */
export const writableTable: fc.Arbitrary<RandomTable> = tables(leaves);
