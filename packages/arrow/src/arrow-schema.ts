import type { ArrowField, ArrowType } from "@aml/core";
import {
  Binary,
  Bool,
  DataType,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int,
  List,
  Map_,
  Schema,
  Struct,
  TimeMicrosecond,
  TimeNanosecond,
  TimeUnit,
  Timestamp,
  Utf8,
} from "apache-arrow";

const UNITS = {
  s: TimeUnit.SECOND,
  ms: TimeUnit.MILLISECOND,
  us: TimeUnit.MICROSECOND,
  ns: TimeUnit.NANOSECOND,
} as const;

/** The schema of batches; `metadata` are the schema's own key-value pairs. */
export function arrowSchema(
  fields: readonly ArrowField[],
  metadata: Readonly<Record<string, string>> = {},
): Schema {
  return new Schema(fields.map(arrowField), new Map(Object.entries(metadata)));
}

function arrowField({ name, type, nullable }: ArrowField): Field {
  return new Field(name, dataType(type), nullable);
}

function dataType(type: ArrowType): DataType {
  switch (type.kind) {
    case "bool":
      return new Bool();
    case "int":
      return new Int(type.signed, type.bits);
    case "float":
      return type.bits === 32 ? new Float32() : new Float64();
    case "decimal":
      return new Decimal(type.scale, type.precision);
    case "utf8":
      return new Utf8();
    case "binary":
      return new Binary();
    case "date":
      return new DateDay();
    case "time":
      return type.unit === "us" ? new TimeMicrosecond() : new TimeNanosecond();
    case "timestamp":
      return new Timestamp(UNITS[type.unit], type.timezone);
    case "list":
      return new List(arrowField(type.item));
    case "struct":
      return new Struct(type.fields.map(arrowField));
    case "map": {
      const entries = new Struct<{ key: DataType; value: DataType }>([
        arrowField(type.key),
        arrowField(type.value),
      ]);
      return new Map_(new Field("entries", entries, false));
    }
  }
}
