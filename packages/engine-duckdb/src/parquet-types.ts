/** A column of timestamps that have nanoseconds, as the footer of a Parquet file describes it. */
export interface NanosecondColumn {
  /** Its place among the columns without children. */
  readonly leaf: number;
  /** Nanoseconds as instants or as times of no zone, or the old timestamps of 96 bits. */
  readonly kind: "instant" | "local" | "int96";
  /** DuckDB may read fewer digits than there are. */
  readonly isCut: boolean;
  /** Where in the footer the byte stands that says so. */
  readonly at: number;
}

/** Types of Thrift's compact protocol. A Boolean is its own value. */
const [TRUE, FALSE, I32, BINARY, LIST, SET, MAP, STRUCT] = [1, 2, 5, 8, 9, 10, 11, 12] as const;

/** Structures within structures: a footer may say anything. */
const DEEPEST = 32;

/** Fields of `FileMetaData`, `KeyValue`, `SchemaElement`, `LogicalType`, `DecimalType`, `TimestampType` and `TimeUnit`. */
const [SCHEMA, KEY_VALUES, CREATED_BY] = [2, 5, 6] as const;
const KEY = 1;
const [TYPE, TYPE_LENGTH, NUM_CHILDREN, PRECISION, LOGICAL_TYPE] = [1, 2, 5, 8, 10] as const;
const [DECIMAL, TIMESTAMP] = [5, 8] as const;
const DECIMAL_PRECISION = 2;
const [IS_ADJUSTED_TO_UTC, UNIT] = [1, 2] as const;
const NANOS = 3;

/** Physical types, and the length of the second, as they are written: twice the number. */
const [INT96, FIXED_BYTES, TWELVE] = [3 * 2, 7 * 2, 12 * 2] as const;

/** Timestamps of Spark have microseconds, whatever holds them. Others may keep its key, but have a library of their own. */
const SPARK = { key: "org.apache.spark.version", createdBy: "parquet-mr" } as const;

/**
 * The columns of a footer that hold nanoseconds. DuckDB tells of them, but not of the place where the footer does, which
 * is what a library of Thrift would not tell either.
 *
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 * @returns none for what is no footer.
 */
export function nanosecondColumns(footer: Uint8Array): readonly NanosecondColumn[] {
  const found: Omit<NanosecondColumn, "isCut">[] = [];
  const isOfSpark = readLeaves(
    footer,
    ({ column }, leaf) => {
      if (column !== undefined) found.push({ leaf, ...column });
    },
    () => found.some(({ kind }) => kind === "int96"),
  );
  if (isOfSpark === undefined) return [];
  return found.map((column) => {
    const { kind } = column;
    return { ...column, isCut: kind === "instant" || (kind === "int96" && !isOfSpark) };
  });
}

/** The digits of decimals that have more than DuckDB's, which it reads as other numbers; by their places as above. */
export function wideDecimals(footer: Uint8Array): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  readLeaves(footer, ({ precision }, leaf) => {
    if (precision > MOST_DIGITS) found.set(leaf, precision);
  });
  return found;
}

const MOST_DIGITS = 38;

/**
 * Goes through the columns without children.
 *
 * @param goesOn - whether what the file's writer said of itself is of use, too.
 * @returns whether Spark wrote it, as far as that was looked for; undefined for what is no footer.
 */
function readLeaves(
  footer: Uint8Array,
  onLeaf: (element: Element, leaf: number) => void,
  goesOn: () => boolean = () => false,
): boolean | undefined {
  const reader: Reader = { bytes: footer, at: 0 };
  let hasKey = false;
  let createdBy = "";
  let leaf = 0;
  try {
    readStruct(reader, (id, type) => {
      if (id === KEY_VALUES && type === LIST) {
        readList(reader, () => {
          const key = readKey(reader);
          hasKey ||= key === SPARK.key;
        });
        return "read";
      }
      if (id === CREATED_BY && type === BINARY) {
        createdBy = new TextDecoder().decode(readBytes(reader));
        return "read";
      }
      if (id !== SCHEMA || type !== LIST) return "skip";
      readList(reader, () => {
        const element = readElement(reader);
        if (element.hasChildren) return;
        onLeaf(element, leaf);
        leaf += 1;
      });
      return goesOn() ? "read" : "end";
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
  return hasKey && createdBy.startsWith(SPARK.createdBy);
}

interface Element {
  readonly hasChildren: boolean;
  readonly column: Column | undefined;
  /** Digits of a decimal; of others 0. */
  readonly precision: number;
}

type Column = Pick<NanosecondColumn, "kind" | "at">;

function readElement(reader: Reader): Element {
  let hasChildren = false;
  let column: Column | undefined;
  let precision = 0;
  readStruct(reader, (id, type) => {
    if (id === TYPE && type === I32) {
      const { at } = reader;
      if (readVarint(reader) === INT96 && hasRoom(reader.bytes, at)) column = { kind: "int96", at };
    } else if (id === NUM_CHILDREN && type === I32) hasChildren = readVarint(reader) > 0;
    else if (id === PRECISION && type === I32) precision = readVarint(reader) / 2;
    else if (id === LOGICAL_TYPE && type === STRUCT) {
      readStruct(reader, (kind, of) => {
        if (of !== STRUCT) return "skip";
        if (kind === TIMESTAMP) column = readTimestamp(reader);
        else if (kind === DECIMAL) precision = readPrecision(reader);
        else return "skip";
        return "read";
      });
    } else return "skip";
    return "read";
  });
  return { hasChildren, column, precision };
}

function readTimestamp(reader: Reader): Column | undefined {
  let column: Column | undefined;
  let isNanos = false;
  readStruct(reader, (id, type, at) => {
    if (id === IS_ADJUSTED_TO_UTC) column = { kind: type === TRUE ? "instant" : "local", at };
    if (id !== UNIT || type !== STRUCT) return "skip";
    readStruct(reader, (unit) => {
      isNanos = unit === NANOS;
      return "skip";
    });
    return "read";
  });
  return isNanos ? column : undefined;
}

function readPrecision(reader: Reader): number {
  let precision = 0;
  readStruct(reader, (id, type) => {
    if (id !== DECIMAL_PRECISION || type !== I32) return "skip";
    precision = readVarint(reader) / 2;
    return "read";
  });
  return precision;
}

function readKey(reader: Reader): string {
  let key = "";
  readStruct(reader, (id, type) => {
    if (id !== KEY || type !== BINARY) return "skip";
    key = new TextDecoder().decode(readBytes(reader));
    return "read";
  });
  return key;
}

/** Whether a type's length can be put behind it: the next field is that, or one further on. */
function hasRoom(footer: Uint8Array, at: number): boolean {
  const delta = (footer[at + 1] ?? 0) >> 4;
  return (
    delta >= 2 || (footer[at + 1] === ((TYPE_LENGTH - TYPE) << 4) + I32 && (footer[at + 2] ?? 0xff) < 0x80)
  );
}

/** A footer in which instants are times of no zone and these are instants, and times of 96 bits are bytes. */
export function withOtherTypes(footer: Uint8Array, columns: readonly NanosecondColumn[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { kind, at } of columns.toSorted((one, other) => one.at - other.at)) {
    parts.push(footer.subarray(from, at));
    const [byte = 0, next = 0] = footer.subarray(at, at + 2);
    from = at + 1;
    if (kind !== "int96") {
      parts.push(Uint8Array.of((byte & 0xf0) | (kind === "instant" ? FALSE : TRUE)));
      continue;
    }
    const length = [((TYPE_LENGTH - TYPE) << 4) + I32, TWELVE];
    const hasLength = next === length[0];
    parts.push(Uint8Array.of(FIXED_BYTES, ...length, ...(hasLength ? [] : [next - 0x10])));
    from += hasLength ? 2 : 1;
  }
  return Buffer.concat([...parts, footer.subarray(from)]);
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function readByte(reader: Reader): number {
  const byte = reader.bytes[reader.at];
  if (byte === undefined) throw new RangeError("The footer ends in the midst of a value.");
  reader.at += 1;
  return byte;
}

/** An unsigned number of up to 64 bits; of signed ones twice the number, or one less for negative ones. */
function readVarint(reader: Reader): number {
  let value = 0;
  for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
    const byte = readByte(reader);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
  throw new RangeError("A number of the footer has too many bytes.");
}

function readBytes(reader: Reader): Uint8Array {
  const length = readVarint(reader);
  if (length > reader.bytes.length - reader.at) throw new RangeError("A text goes beyond the footer.");
  reader.at += length;
  return reader.bytes.subarray(reader.at - length, reader.at);
}

/** @param onField - whether it has read the field's value; or that nothing behind it is of use. */
function readStruct(
  reader: Reader,
  onField: (id: number, type: number, at: number) => "read" | "skip" | "end",
  depth = 0,
): void {
  for (let id = 0; ;) {
    const { at } = reader;
    const header = readByte(reader);
    if (header === 0) return;
    const delta = header >> 4;
    id = delta === 0 ? readVarint(reader) / 2 : id + delta;
    const type = header & 0x0f;
    const done = onField(id, type, at);
    if (done === "end") return;
    if (done === "skip") skip(reader, type, depth + 1);
  }
}

function readList(reader: Reader, onItem: (type: number) => void): void {
  const header = readByte(reader);
  const short = header >> 4;
  const size = short === 15 ? readVarint(reader) : short;
  for (let item = 0; item < size; item += 1) onItem(header & 0x0f);
}

function skip(reader: Reader, type: number, depth: number): void {
  if (depth > DEEPEST) throw new RangeError("The footer has too many structures within each other.");
  switch (type) {
    case TRUE:
    case FALSE:
      return;
    case 3:
      readByte(reader);
      return;
    case 4:
    case I32:
    case 6:
      readVarint(reader);
      return;
    case 7:
      for (let byte = 0; byte < 8; byte += 1) readByte(reader);
      return;
    case BINARY:
      readBytes(reader);
      return;
    case LIST:
    case SET:
      // A Boolean that is an item has a byte of its own.
      return readList(reader, (item) => skip(reader, item <= FALSE ? 3 : item, depth + 1));
    case MAP: {
      const size = readVarint(reader);
      const types = size === 0 ? 0 : readByte(reader);
      for (let entry = 0; entry < size; entry += 1) {
        for (const item of [types >> 4, types & 0x0f]) skip(reader, item <= FALSE ? 3 : item, depth + 1);
      }
      return;
    }
    case STRUCT:
      return readStruct(reader, () => "skip", depth);
    default:
      throw new RangeError(`The footer has a value of the unknown type ${type}.`);
  }
}
