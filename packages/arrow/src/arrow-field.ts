import { AmlError, type ArrowField, type ArrowType } from "@aml/core";
import { DataType, Precision, TimeUnit, type Field } from "apache-arrow";

const INTEGERS: readonly number[] = [8, 16, 32, 64];
const UNITS = ["s", "ms", "us", "ns"] as const;
/** Digits that the engine computes with exactly. */
const MOST_DIGITS = 38;

/**
 * The field that holds each value of an Arrow column.
 *
 * @throws `unsupported` with the column for a type that no field holds.
 */
export function fieldOf({ name, type, nullable }: Field, column: string = name): ArrowField {
  return { name, type: typeOf(type, column), nullable };
}

/** The type that holds each value. @throws as `fieldOf`. */
export function typeOf(type: DataType, column: string): ArrowType {
  if (DataType.isDictionary(type)) return typeOf(type.dictionary as DataType, column);
  if (DataType.isBool(type)) return { kind: "bool" };
  if (DataType.isInt(type) && INTEGERS.includes(type.bitWidth))
    return { kind: "int", bits: type.bitWidth, signed: type.isSigned };
  if (DataType.isFloat(type)) return { kind: "float", bits: type.precision === Precision.DOUBLE ? 64 : 32 };
  if (isText(type)) return { kind: "utf8" };
  if (isBytes(type)) return { kind: "binary" };
  if (DataType.isDate(type)) return { kind: "date" };
  if (DataType.isTime(type)) return { kind: "time", unit: type.unit === TimeUnit.NANOSECOND ? "ns" : "us" };
  if (DataType.isDecimal(type) && type.bitWidth === 128 && isHeld(type)) {
    return { kind: "decimal", precision: type.precision, scale: type.scale };
  }
  if (DataType.isTimestamp(type)) {
    const unit = UNITS[type.unit];
    if (unit !== undefined && !type.timezone) return { kind: "timestamp", unit };
    if (unit !== undefined) return { kind: "timestamp", unit: unit === "ns" ? "ns" : "us", timezone: "UTC" };
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) {
    return { kind: "list", item: fieldOf(type.valueField, column) };
  }
  if (DataType.isStruct(type) && type.children.length > 0) {
    return { kind: "struct", fields: type.children.map((child) => fieldOf(child, column)) };
  }
  if (DataType.isMap(type)) {
    const [key, value] = type.children[0]?.type.children ?? [];
    if (key && value) return { kind: "map", key: fieldOf(key, column), value: fieldOf(value, column) };
  }
  // Each type has one of its own, though the base class does not say so.
  const name = (type as { toString(): string }).toString();
  throw new AmlError(
    "unsupported",
    `Column ${column} is of Arrow's type ${name}, which tables here have not.`,
    {
      hint: "Convert it first, e.g. a duration to a number of seconds, a wide decimal to text.",
      context: { column, type: name },
    },
  );
}

function isHeld({ precision, scale }: { readonly precision: number; readonly scale: number }): boolean {
  return precision >= 1 && precision <= MOST_DIGITS && scale >= 0 && scale <= precision;
}

/** A column without any value is text, as of rows. */
function isText(type: DataType): boolean {
  return (
    DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type) || DataType.isNull(type)
  );
}

function isBytes(type: DataType): boolean {
  return (
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isBinaryView(type) ||
    DataType.isFixedSizeBinary(type)
  );
}
