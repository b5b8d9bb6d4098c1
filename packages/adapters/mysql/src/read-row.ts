import type { Cell, Row } from "@aml/core/adapter";
import { createRowBuilder } from "@aml/core/sql";
import type { Field, ReadColumn } from "./columns.ts";

/** What the server sent of one row, and the driver's ways to read on in it. */
export interface Packet {
  buffer: Buffer;
  start: number;
  readonly end: number;
  /** Where it is read next. */
  offset: number;
  readInt8(): number;
  readSInt8(): number;
  readInt16(): number;
  readSInt16(): number;
  readInt32(): number;
  readSInt32(): number;
  readFloat(): number;
  readDouble(): number;
  readTimeString(): string;
  readLengthCodedString(encoding: string): string;
  readLengthCodedBuffer(): Uint8Array;
  /** The driver has one packet for all rows. */
  clone(): Packet;
}

type Read = (packet: Packet) => unknown;

const BINARY = 63;

/**
 * Makes rows of a prepared statement's packets, each value at once the cell that it becomes. The driver's own reader
 * makes two objects of each value on the way, and some ten of a time: four fifths of all that it took to read a table.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html, read 2026-11
 *
 * @throws what a column's `convert` throws; the rest of the packet is then left unread.
 */
export function createRowReader(
  fields: readonly Field[],
  columns: readonly ReadColumn[],
): (packet: Packet) => Row {
  const reads = fields.map(readerOf);
  const build = createRowBuilder(columns.map(({ column }) => column.name));
  const bitmapBytes = (fields.length + 9) >> 3;
  let packet: Packet;
  let bitmap = 0;
  const valueOf = (at: number): Cell => {
    // The first two bits stand for nothing.
    const isNull = ((packet.buffer[bitmap + ((at + 2) >> 3)] as number) >> ((at + 2) & 7)) & 1;
    return isNull === 1 ? null : (columns[at] as ReadColumn).convert((reads[at] as Read)(packet));
  };
  return (row) => {
    packet = row;
    bitmap = row.offset + 1;
    row.offset = bitmap + bitmapBytes;
    return build(valueOf);
  };
}

function readerOf(field: Field): Read {
  const unsigned = (field.flags & 32) !== 0;
  switch (field.columnType) {
    case 1:
      return unsigned ? (packet) => packet.readInt8() : (packet) => packet.readSInt8();
    case 2:
      return unsigned ? (packet) => packet.readInt16() : (packet) => packet.readSInt16();
    case 3:
    case 9:
      return unsigned ? (packet) => packet.readInt32() : (packet) => packet.readSInt32();
    case 13:
      return (packet) => packet.readInt16();
    case 4:
      return (packet) => packet.readFloat();
    case 5:
      return (packet) => packet.readDouble();
    case 6:
      return () => null;
    case 8:
      return unsigned ? unsignedBigint : signedBigint;
    case 11:
      return (packet) => packet.readTimeString();
    case 0:
    case 245:
    case 246:
      return text("utf8");
    case 7:
    case 10:
    case 12:
    case 14:
    case 16:
    case 242:
    case 255:
      return (packet) => packet.readLengthCodedBuffer();
    default:
      if (field.extendedFormat !== "json" && field.characterSet === BINARY)
        return (packet) => packet.readLengthCodedBuffer();
      return text(field.encoding);
  }
}

function unsignedBigint(packet: Packet): bigint {
  packet.offset += 8;
  return packet.buffer.readBigUInt64LE(packet.offset - 8);
}

function signedBigint(packet: Packet): bigint {
  packet.offset += 8;
  return packet.buffer.readBigInt64LE(packet.offset - 8);
}

function text(encoding: string): Read {
  return (packet) => packet.readLengthCodedString(encoding);
}
