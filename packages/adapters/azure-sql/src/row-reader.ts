import type { ColumnMetadata } from "tedious/lib/token/colmetadata-token-parser.js";
import type { DriverTime } from "./time-text.ts";

/** A cell as the driver hands it on. Those of a row are good until the next one is read. */
export interface DriverCell {
  value: unknown;
  readonly metadata: ColumnMetadata;
}

/** Reads rows of one result. */
export interface RowReader {
  readonly cells: readonly DriverCell[];
  /**
   * Fills the cells from what stands at `at`, behind the byte that says what it is.
   *
   * @returns where the row ends; or, if it is not all there, the negative of how many bytes are needed at least; or 0 for
   *   one that is better read bit by bit.
   */
  read(buffer: Buffer, at: number, isSparse: boolean): number;
}

/** How the length of a value is told: by its type, by one or two bytes before it, or by those before each of its chunks. */
type Prefix = 0 | 1 | 2 | "chunks";

interface Layout {
  readonly prefix: Prefix;
  /** Without a prefix. */
  readonly size: number;
  read(buffer: Buffer, at: number, length: number): unknown;
}

const NULL_LENGTH = 0xff_ff;
const MAX_LENGTH = 0xff_ff;

/**
 * A reader that makes nothing but the values: the driver's own makes a kilobyte of objects for each row, and V8's room for
 * garbage grows with that. Values are the driver's, but for `bigint` (no text) and times (`DriverTime`).
 *
 * @returns undefined if a column is of a type that is left to the driver: an old or a variant one, of another code page than 1252.
 * @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds – 2.2.7.19 ROW, 2.2.7.13 NBCROW, read 2026-11
 */
export function createRowReader(columns: readonly ColumnMetadata[]): RowReader | undefined {
  const layouts: Layout[] = [];
  for (const column of columns) {
    const layout = layoutOf(column);
    if (layout === undefined) return undefined;
    layouts.push(layout);
  }
  const cells = columns.map((metadata): DriverCell => ({ value: null, metadata }));
  const bitmapBytes = Math.ceil(columns.length / 8);
  return {
    cells,
    read(buffer, start, isSparse) {
      const end = buffer.length;
      let at = start;
      if (isSparse) at += bitmapBytes;
      if (at > end) return -at;
      for (let index = 0; index < layouts.length; index += 1) {
        const layout = layouts[index] as Layout;
        const cell = cells[index] as DriverCell;
        cell.value = null;
        if (isSparse && ((buffer[start + (index >> 3)] as number) & (1 << (index & 7))) !== 0) continue;
        let { size } = layout;
        if (layout.prefix === "chunks") {
          const value = chunked(buffer, at);
          if (typeof value === "number") return value;
          at = value.end;
          if (value.bytes !== null) cell.value = layout.read(value.bytes, 0, value.bytes.length);
          continue;
        }
        if (layout.prefix === 1) {
          if (at >= end) return -(at + 1);
          size = buffer[at] as number;
          at += 1;
          if (size === 0) continue;
        } else if (layout.prefix === 2) {
          if (at + 2 > end) return -(at + 2);
          size = buffer.readUInt16LE(at);
          at += 2;
          if (size === NULL_LENGTH) continue;
        }
        if (at + size > end) return -(at + size);
        cell.value = layout.read(buffer, at, size);
        at += size;
      }
      return at;
    },
  };
}

const WHOLE_WORD = 0xff_ff_ff_ff;
const UNKNOWN_WORD = 0xff_ff_ff_fe;
/** A value that is not all there is read again from its beginning, so a large one is none of ours. */
const LARGEST_WAITED_FOR = 65_536;

interface Chunked {
  readonly bytes: Buffer | null;
  readonly end: number;
}

/** A value of any length: its length, if it is known, and chunks up to an empty one. Or what `RowReader.read` gives. */
function chunked(buffer: Buffer, start: number): Chunked | number {
  const first = start + 8;
  if (first > buffer.length) return -first;
  const low = buffer.readUInt32LE(start);
  const high = buffer.readUInt32LE(start + 4);
  if (high === WHOLE_WORD && low === WHOLE_WORD) return { bytes: null, end: first };
  const announced = high === WHOLE_WORD && low === UNKNOWN_WORD ? undefined : high * 2 ** 32 + low;
  const waitFor = (bytes: number): number =>
    announced === undefined || announced > LARGEST_WAITED_FOR ? 0 : -bytes;
  const chunks: Buffer[] = [];
  let length = 0;
  for (let at = first; ;) {
    if (at + 4 > buffer.length) return waitFor(at + 4);
    const size = buffer.readUInt32LE(at);
    at += 4;
    if (size === 0) {
      if (announced !== undefined && length !== announced)
        throw new Error(`A value has ${length} bytes, not the ${announced} announced`);
      return { bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks), end: at };
    }
    // The empty one follows.
    if (at + size + 4 > buffer.length) return waitFor(at + size + 4);
    chunks.push(buffer.subarray(at, at + size));
    length += size;
    at += size;
  }
}

const DAY_MS = 86_400_000;
const SINCE_1900 = Date.UTC(1900, 0, 1);
/** Days from year 1 to 1970. */
const DAYS_TO_1970 = 719_162;

function layoutOf({ type, dataLength, scale = 0, collation }: ColumnMetadata): Layout | undefined {
  const fixed = (size: number, read: Layout["read"]): Layout => ({ prefix: 0, size, read });
  const short = (read: Layout["read"]): Layout => ({ prefix: 1, size: 0, read });
  const sized = (read: Layout["read"]): Layout => ({
    prefix: dataLength === MAX_LENGTH ? "chunks" : 2,
    size: 0,
    read,
  });
  switch (type.name) {
    case "Bit":
      return fixed(1, bit);
    case "BitN":
      return short(bit);
    case "TinyInt":
      return fixed(1, integer);
    case "SmallInt":
      return fixed(2, integer);
    case "Int":
      return fixed(4, integer);
    case "BigInt":
      return fixed(8, integer);
    case "IntN":
      return short(integer);
    case "Real":
      return fixed(4, float);
    case "Float":
      return fixed(8, float);
    case "FloatN":
      return short(float);
    case "SmallMoney":
      return fixed(4, money);
    case "Money":
      return fixed(8, money);
    case "MoneyN":
      return short(money);
    case "DecimalN":
    case "NumericN":
      return short(decimals(scale));
    case "SmallDateTime":
      return fixed(4, dateTimes());
    case "DateTime":
      return fixed(8, dateTimes());
    case "DateTimeN":
      return short(dateTimes());
    case "Date":
      return short(times(undefined, 0));
    case "Time":
      return short(times(scale, undefined));
    case "DateTime2":
      return short(times(scale, 0));
    case "DateTimeOffset":
      return short(times(scale, 2));
    case "UniqueIdentifier":
      return short(uniqueIdentifier);
    case "NChar":
    case "NVarChar":
      return sized(wideText);
    case "Xml":
      return { prefix: "chunks", size: 0, read: wideText };
    case "Char":
    case "VarChar":
      return collation?.codepage === "CP1252" ? sized(narrowText) : undefined;
    case "Binary":
    case "VarBinary":
      return sized(bytes);
    default:
      return undefined;
  }
}

function bit(buffer: Buffer, at: number): boolean {
  return buffer[at] !== 0;
}

function integer(buffer: Buffer, at: number, size: number): number | bigint {
  if (size === 8) return buffer.readBigInt64LE(at);
  if (size === 4) return buffer.readInt32LE(at);
  return size === 2 ? buffer.readInt16LE(at) : (buffer[at] as number);
}

function float(buffer: Buffer, at: number, size: number): number {
  return size === 8 ? buffer.readDoubleLE(at) : buffer.readFloatLE(at);
}

function money(buffer: Buffer, at: number, size: number): number {
  if (size === 4) return buffer.readInt32LE(at) / 10_000;
  return (buffer.readUInt32LE(at + 4) + 2 ** 32 * buffer.readInt32LE(at)) / 10_000;
}

/** A double, as the driver makes it: columns of more digits are sent as text. */
function decimals(scale: number): Layout["read"] {
  const divisor = 10 ** scale;
  return (buffer, at, size) => {
    let value = 0;
    for (let word = 0; 4 * word + 1 < size; word += 1)
      value += buffer.readUInt32LE(at + 1 + 4 * word) * 2 ** (32 * word);
    return ((buffer[at] === 1 ? 1 : -1) * value) / divisor;
  };
}

/** The first three of its parts are numbers, least byte first. */
function uniqueIdentifier(buffer: Buffer, at: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
  const first = hex(buffer.readUInt32LE(at), 8);
  const rest = buffer.toString("hex", at + 8, at + 16);
  const [second, third] = [buffer.readUInt16LE(at + 4), buffer.readUInt16LE(at + 6)];
  return `${first}-${hex(second, 4)}-${hex(third, 4)}-${rest.slice(0, 4)}-${rest.slice(4)}`;
}

function wideText(buffer: Buffer, at: number, size: number): string {
  return buffer.toString("utf16le", at, at + size);
}

const CODE_PAGE_1252 = new TextDecoder("windows-1252");

function narrowText(buffer: Buffer, at: number, size: number): string {
  for (let index = at; index < at + size; index += 1) {
    // Elsewhere the code page is Latin 1.
    if (((buffer[index] as number) & 0xe0) !== 0x80) continue;
    // Five bytes of it are no characters.
    return CODE_PAGE_1252.decode(buffer.subarray(at, at + size)).replaceAll(
      /[\u0081\u008D\u008F\u0090\u009D]/g,
      "\uFFFD",
    );
  }
  return buffer.toString("latin1", at, at + size);
}

function bytes(buffer: Buffer, at: number, size: number): Uint8Array {
  return new Uint8Array(buffer.subarray(at, at + size));
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** `datetime` in 300ths of a second, `smalldatetime` in minutes, both since 1900. */
function dateTimes(): Layout["read"] {
  const time: Writable<DriverTime> = { ms: 0, below: 0 };
  return (buffer, at, size) => {
    time.ms =
      SINCE_1900 +
      (size === 4
        ? buffer.readUInt16LE(at) * DAY_MS + buffer.readUInt16LE(at + 2) * 60_000
        : buffer.readInt32LE(at) * DAY_MS + Math.round(buffer.readInt32LE(at + 4) * (3 + 1 / 3)));
    return time;
  };
}

/**
 * Times since midnight and days since year 1, in this order.
 *
 * @param scale - digits of the second; undefined where there is no time.
 * @param behind - bytes behind the day, of an offset; undefined where there is no day.
 */
function times(scale: number | undefined, behind: number | undefined): Layout["read"] {
  const time: Writable<DriverTime> = { ms: 0, below: 0 };
  const dayBytes = behind === undefined ? 0 : 3 + behind;
  const factor = 10 ** (7 - (scale ?? 7));
  return (buffer, at, size) => {
    const clockBytes = size - dayBytes;
    const ticks = clockBytes === 0 ? 0 : buffer.readUIntLE(at, clockBytes) * factor;
    const days = dayBytes === 0 ? 0 : buffer.readUIntLE(at + clockBytes, 3) - DAYS_TO_1970;
    time.ms = days * DAY_MS + Math.trunc(ticks / 10_000);
    time.below = (ticks % 10_000) / 1e7;
    return time;
  };
}
