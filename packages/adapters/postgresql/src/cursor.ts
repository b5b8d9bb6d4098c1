import type { Cell, Column, Row } from "@aml/core/adapter";
import {
  columnNames,
  createRowBuilder,
  type BoundStatement,
  type SqlCursor,
  type SqlStartOptions,
} from "@aml/core/sql";
import type { FieldDef } from "pg";
import type { Fetched, TextRow } from "./fetch-rows.ts";
import { encodeParameters, type Session } from "./session.ts";
import { nativeType, type CatalogType, type Reader, type TypeReaders } from "./types.ts";

const DECLARE = "DECLARE aml_rows NO SCROLL CURSOR WITHOUT HOLD FOR ";

/**
 * A server-side cursor over a statement: the server makes rows as they are fetched. The declaration takes nothing but what
 * gives rows.
 *
 * @param prefix - characters of the bound text that are not of the statement as it was given.
 */
export async function openCursor(
  session: Session,
  bound: BoundStatement,
  { batchRows, timestamps }: Pick<SqlStartOptions, "batchRows" | "timestamps">,
  readers: TypeReaders,
): Promise<SqlCursor> {
  const statement = { bound, prefix: DECLARE.length };
  const fetch = <T>(toRow: (row: TextRow) => T): Promise<Fetched<T>> =>
    session.fetch(`FETCH FORWARD ${batchRows} FROM aml_rows`, toRow, statement);
  await session.run(DECLARE + bound.text, encodeParameters(bound), statement);
  // Its types may have to be looked up before a row can be made.
  const first = await fetch((row) => row);
  const found = await readers.find(
    first.fields.map(({ dataTypeID }) => dataTypeID),
    (oids) => lookUp(session, oids),
  );
  const columns = columnsOf(first.fields, found);
  const toRow = readerOf(columns, found, timestamps);
  let next: Promise<readonly Row[]> | undefined = Promise.resolve(first.rows.map(toRow));
  let over = false;
  return {
    schema: { columns },
    async read() {
      if (next === undefined) return undefined;
      const rows = await next;
      if (rows.length < batchRows || over) {
        next = undefined;
        await session.end();
      } else {
        // The server works on the next batch while the reader has this one.
        next = fetch(toRow).then((fetched) => fetched.rows);
        next.catch(() => undefined);
      }
      return rows.length === 0 ? undefined : rows;
    },
    async cancel() {
      over = true;
      await session.cancel();
    },
  };
}

function columnsOf(fields: readonly FieldDef[], readers: readonly Reader[]): readonly Column[] {
  const names = columnNames(fields.map(({ name }) => (name === "?column?" ? "" : name)));
  return fields.map(({ dataTypeID, dataTypeModifier }, at) => {
    const reader = readers[at] as Reader;
    const native = nativeType(reader, dataTypeID, dataTypeModifier);
    return Object.freeze({
      name: names[at] as string,
      type: reader.type,
      nullable: true,
      nativeType: native,
    });
  });
}

function readerOf(
  columns: readonly Column[],
  readers: readonly Reader[],
  timestamps: "date" | "text",
): (row: TextRow) => Row {
  const parsers = readers.map(({ parse, text }) => (timestamps === "text" ? (text ?? parse) : parse));
  const build = createRowBuilder(columns.map(({ name }) => name));
  let row: TextRow = [];
  const valueOf = (at: number): Cell => {
    const text = row[at] ?? null;
    return text === null ? null : (parsers[at] as Reader["parse"])(text);
  };
  return (texts) => {
    row = texts;
    return build(valueOf);
  };
}

const LOOK_UP = `
  SELECT t.oid, format_type(t.oid, NULL), t.typtype,
    CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END, t.typbasetype,
    (SELECT json_agg(json_build_array(a.attname, a.atttypid::bigint) ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
  FROM pg_catalog.pg_type t WHERE t.oid = ANY($1::oid[])`;

async function lookUp(session: Session, oids: readonly number[]): Promise<readonly CatalogType[]> {
  const { rows } = await session.run(LOOK_UP, [`{${oids.join(",")}}`]);
  return rows.map(([oid, name, kind, item, base, fields]) => ({
    oid: Number(oid),
    name: name ?? "",
    kind: kind ?? "",
    item: Number(item),
    base: Number(base),
    fields: ((JSON.parse(fields ?? "[]") as [string, number][] | null) ?? []).map(([field, type]) => ({
      name: field,
      oid: type,
    })),
  }));
}
