import type { Cell, ColumnType } from "@aml/core/adapter";
import { parseArray, parseFields, parseJson, type Parser } from "./parse-literals.ts";
import { dateText, timestampDate, timestampText } from "./parse-times.ts";

/** How a type of the database is read. */
export interface Reader {
  readonly type: ColumnType;
  /** The server's name, without what the column adds. */
  readonly name: string;
  readonly parse: Parser;
  /** Instead of `parse`, where timestamps are asked for as text, and in nested values. */
  readonly text?: Parser;
}

const same: Parser = (text) => text;
const text = (name: string): Reader => ({ type: "string", name, parse: same });
const number = (type: "int32" | "float64", name: string): Reader => ({ type, name, parse: Number });

/** Types by their number, which is the same on every server. What is not here is looked up. */
const READERS: Readonly<Record<number, Reader>> = {
  16: { type: "boolean", name: "boolean", parse: (value) => value === "t" },
  17: { type: "bytes", name: "bytea", parse: (value) => new Uint8Array(Buffer.from(value.slice(2), "hex")) },
  18: text('"char"'),
  19: text("name"),
  20: { type: "int64", name: "bigint", parse: BigInt },
  21: number("int32", "smallint"),
  23: number("int32", "integer"),
  25: text("text"),
  26: { type: "int64", name: "oid", parse: BigInt },
  114: { type: "json", name: "json", parse: parseJson },
  700: number("float64", "real"),
  701: number("float64", "double precision"),
  // The session's lc_monetary is C: a dollar sign, commas, a point.
  790: { type: "decimal", name: "money", parse: (value) => value.replace(/[^\d.-]/g, "") },
  1042: text("character"),
  1043: text("character varying"),
  1082: { type: "date", name: "date", parse: dateText },
  1083: text("time without time zone"),
  1114: {
    type: "timestamp",
    name: "timestamp without time zone",
    parse: timestampDate,
    text: (value) => timestampText(value, ""),
  },
  1184: {
    type: "timestamp",
    name: "timestamp with time zone",
    parse: timestampDate,
    text: (value) => timestampText(value, "Z"),
  },
  1186: text("interval"),
  1266: text("time with time zone"),
  1700: { type: "decimal", name: "numeric", parse: same },
  2950: text("uuid"),
  3802: { type: "json", name: "jsonb", parse: parseJson },
};

/** A row of `pg_type`, with the columns of a row type. */
export interface CatalogType {
  readonly oid: number;
  readonly name: string;
  /** `b` base, `c` row, `d` domain, `e` enum, `r` and `m` ranges, `p` pseudo. */
  readonly kind: string;
  /** Of an array's items; 0 for what is no array. */
  readonly item: number;
  readonly base: number;
  readonly fields: readonly { readonly name: string; readonly oid: number }[];
}

/** Finds out how types are read; those of the database's own are looked up once. */
export interface TypeReaders {
  /** @param lookUp - asks the catalog about types by number. */
  find(
    oids: readonly number[],
    lookUp: (oids: readonly number[]) => Promise<readonly CatalogType[]>,
  ): Promise<readonly Reader[]>;
}

export function createTypeReaders(): TypeReaders {
  const known = new Map<number, Reader>(
    Object.entries(READERS).map(([oid, reader]) => [Number(oid), reader]),
  );
  return {
    async find(oids, lookUp) {
      const catalog = new Map<number, CatalogType>();
      let unknown = [...new Set(oids)].filter((oid) => !known.has(oid));
      while (unknown.length > 0) {
        const found = await lookUp(unknown);
        for (const type of found) catalog.set(type.oid, type);
        const needed = found.flatMap(({ item, base, fields }) => [
          item,
          base,
          ...fields.map(({ oid }) => oid),
        ]);
        unknown = [...new Set(needed)].filter((oid) => oid !== 0 && !known.has(oid) && !catalog.has(oid));
      }
      const reader = (oid: number): Reader => {
        const ready = known.get(oid);
        if (ready !== undefined) return ready;
        const made = readerOf(catalog.get(oid), reader);
        known.set(oid, made);
        return made;
      };
      return oids.map(reader);
    },
  };
}

function readerOf(type: CatalogType | undefined, reader: (oid: number) => Reader): Reader {
  if (type === undefined) return text("unknown");
  const { name, kind, item, base, fields } = type;
  if (kind === "d") return { ...reader(base), name };
  if (item !== 0) {
    const parse = nested(reader(item));
    return { type: "json", name, parse: (value) => parseArray(value, parse) };
  }
  if (kind !== "c") return text(name);
  const parsers = fields.map((field) => ({ name: field.name, parse: nested(reader(field.oid)) }));
  return {
    type: "json",
    name,
    parse: (value) => {
      const values = parseFields(value);
      const cells = parsers.map((field, at): [string, Cell] => {
        const part = values[at] ?? null;
        return [field.name, part === null ? null : field.parse(part)];
      });
      return Object.fromEntries(cells);
    },
  };
}

/** Within a list or a row there is no column to tell a timestamp's precision, so it keeps all of it. */
function nested({ parse, text: exact }: Reader): Parser {
  return exact ?? parse;
}

/** The type's name with what the column adds: `numeric(38,10)`, `character varying(20)`. */
export function nativeType({ name }: Reader, oid: number, modifier: number): string {
  if (modifier < 0) return name;
  if (oid === 1700) {
    const scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
    return `numeric(${((modifier - 4) >> 16) & 0xffff},${scale})`;
  }
  if (oid === 1042 || oid === 1043) return `${name}(${modifier - 4})`;
  if (oid === 1083 || oid === 1114 || oid === 1184 || oid === 1266)
    return name.replace(" ", `(${modifier}) `);
  return name;
}
