import type { PgField, PgRow } from "./pg-portal.ts";
import { openPortal } from "./pg-portal.ts";
import { Cancelled, type ConnectionState } from "./connection-state.ts";
import { resultNames } from "./display-names.ts";
import type { ResultColumn } from "./result-column.ts";
import { conversions } from "./result-sets.ts";
import type { Response } from "./response.ts";
import { SqlError } from "./sql-error.ts";
import type { TdsFault } from "./tds-faults.ts";
import type { Translation } from "./translate.ts";
import { writeTypeInfo } from "./type-info.ts";
import { writeNull, writeValue } from "./write-value.ts";

const COLUMNS = 0x81;
const ROW = 0xd1;
const ROW_WITH_BITMAP = 0xd2;
const NULLABLE = 0x01;
/** Bytes of PostgreSQL's answer that are held at a time, about. */
const CHUNK = 128 * 1024;
const MOST_ROWS = 2000;

/** Runs one translated statement; writes its columns and rows. Holds only some rows at a time. */
export async function runQuery(
  state: ConnectionState,
  translation: Translation,
  response: Response,
  fault?: TdsFault,
): Promise<{ readonly count: number; readonly query: boolean }> {
  const portal = await state.onPg(() => openPortal(state.client, translation.text, translation.values));
  let rows = 0;
  try {
    const found = await describe(state, translation, portal.fields);
    const columns = found.length > 0 ? (state.resultSets ?? found) : found;
    const convert = columns === found ? undefined : conversions(found, columns);
    if (columns.length > 0) writeColumns(response, columns);
    for (let limit = 32; ;) {
      const fetched = await state.onPg(() => portal.fetch(limit));
      let size = 0;
      for (const row of fetched.rows) {
        if (fault?.afterRows === rows) fail(state, fault);
        size += writeRow(response, columns, convert ? converted(row, convert) : row);
        rows++;
        if (!response.full) continue;
        await response.flush();
        if (state.cancelled) throw new Cancelled();
      }
      if (fetched.count !== undefined) return { count: fetched.count, query: columns.length > 0 };
      const average = Math.max(1, size / Math.max(1, fetched.rows.length));
      limit = Math.max(1, Math.min(MOST_ROWS, Math.ceil(CHUNK / average)));
    }
  } finally {
    await portal.close();
  }
}

function converted(row: PgRow, convert: readonly ((text: string) => string)[]): PgRow {
  return row.map((value, index) => (value === null ? null : (convert[index]?.(value) ?? value)));
}

export function fail(state: ConnectionState, { effect }: TdsFault): void {
  if (effect === "disconnect") {
    state.disconnect();
    throw new Cancelled();
  }
  throw new SqlError(effect.number, effect.severity, effect.message, effect.line, effect.state);
}

/** The columns of a result, as SQL Server would describe them. */
export async function describe(
  state: ConnectionState,
  translation: Translation,
  fields: readonly PgField[],
): Promise<ResultColumn[]> {
  const known = await tableColumns(state, fields);
  const names = resultNames(
    translation.names,
    fields.map((field) => known.get(`${field.tableID}.${field.columnID}`)?.name ?? field.name),
  );
  return fields.map((field, index) => ({
    name: names[index] ?? field.name,
    type: state.typeOf(field.dataTypeID, field.dataTypeModifier),
    nullable: translation.outer || !known.get(`${field.tableID}.${field.columnID}`)?.required,
  }));
}

interface TableColumn {
  readonly key: string;
  readonly name: string | null;
  readonly required: boolean;
}

/** What the tables behind the columns know: whether they may be NULL, and how they were written. */
async function tableColumns(
  state: ConnectionState,
  fields: readonly PgField[],
): Promise<Map<string, TableColumn>> {
  const tables = [...new Set(fields.map(({ tableID }) => tableID).filter((table) => table !== 0))];
  if (tables.length === 0) return new Map();
  const found = await state.lookUp<TableColumn>(
    `select attrelid::text || '.' || attnum as key, col_description(attrelid, attnum) as name, attnotnull as required
     from pg_catalog.pg_attribute where attrelid = any($1::oid[]) and attnum > 0`,
    [tables],
  );
  return new Map(found.map((column) => [column.key, column]));
}

export function writeColumns({ out }: Response, columns: readonly ResultColumn[]): void {
  out.u8(COLUMNS).u16(columns.length);
  for (const { name, type, nullable } of columns) {
    out.u32(0).u16(nullable ? NULLABLE : 0);
    writeTypeInfo(out, type);
    out.shortText(name);
  }
}

/** @returns characters of the row. */
export function writeRow({ out }: Response, columns: readonly ResultColumn[], row: PgRow): number {
  const start = out.length;
  try {
    return writeCells(out, columns, row);
  } catch (error) {
    // Half a row would be read as part of what follows.
    out.rewind(start);
    throw error;
  }
}

function writeCells(out: Response["out"], columns: readonly ResultColumn[], row: PgRow): number {
  let size = 0;
  const sparse = row.includes(null);
  out.u8(sparse ? ROW_WITH_BITMAP : ROW);
  if (sparse) out.bytes(bitmap(row));
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index];
    const value = row[index];
    if (!column) continue;
    if (value !== null && value !== undefined) {
      writeValue(out, column.type, value);
      size += value.length;
    } else if (!sparse) writeNull(out, column.type);
  }
  return size;
}

function bitmap(row: PgRow): Buffer {
  const bits = Buffer.alloc(Math.ceil(row.length / 8));
  for (let index = 0; index < row.length; index++) {
    if (row[index] === null) bits.writeUInt8(bits.readUInt8(index >> 3) | (1 << (index & 7)), index >> 3);
  }
  return bits;
}
