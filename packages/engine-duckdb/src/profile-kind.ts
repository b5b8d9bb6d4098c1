import type { ColumnType, ProfileValue } from "@aml/core";
import { columnTypeOf, type PlanColumn } from "./plan-column.ts";
import { dateText, instant, isoText, plainValue } from "./output-sql.ts";
import { quoteIdentifier } from "./sql-text.ts";

/** How a column is profiled: SQL about its value, which is the column `v` of some table. */
export interface ProfileKind {
  readonly type: ColumnType;
  /** The value itself, of a column of the plan. */
  readonly value: string;
  /** False for NaN and infinities. */
  readonly finite: string;
  readonly notANumber: string;
  /** What quantiles are of: the value, or its length; undefined where there are none. */
  readonly measure: string | undefined;
  /** Whether the measure is the value. */
  readonly of: "values" | "lengths";
  /** The distance of a measure from a constant measure, as DOUBLE. */
  readonly distance: (measure: string, from: string) => string;
  readonly hasMoments: boolean;
  /** Whether values have an order that means something. */
  readonly ordered: boolean;
  /** The exact text of a value; `read` makes the value of it. */
  readonly text: (value: string) => string;
  readonly read: (text: string) => ProfileValue;
}

const asText = (value: string): string => `${value}::VARCHAR`;
const same = (text: string): ProfileValue => text;

/** How a column of the plan is profiled. */
export function profileKind(column: PlanColumn): ProfileKind {
  const { sqlType } = column;
  const type = columnTypeOf(sqlType);
  const base = {
    type,
    value: plainValue(column),
    finite: "true",
    notANumber: "false",
    of: "values" as const,
    distance: (value: string, from: string) => `(${value}::DOUBLE - ${from}::DOUBLE)`,
    hasMoments: true,
    ordered: true,
    text: asText,
    read: same,
  };
  switch (type) {
    case "boolean":
      return { ...base, measure: undefined, hasMoments: false, read: (text) => text === "true" };
    case "int32":
      return { ...base, measure: "v", read: Number };
    case "int64":
      // As doubles, neighbours beyond 2⁵³ would be the same number.
      return { ...base, measure: "v", distance: exactDistance, read: BigInt };
    case "decimal":
      return { ...base, value: quoteIdentifier(column.id), measure: "v", distance: distanceOf(sqlType) };
    case "float64":
      return { ...base, measure: "v", finite: "isfinite(v)", notANumber: "isnan(v)", read: numberOf };
    case "date":
    case "timestamp":
      return timeKind(column, base);
    case "string":
      return { ...base, measure: "length(v)", of: "lengths" };
    case "bytes":
      return { ...base, measure: "octet_length(v)", of: "lengths", ordered: false, ...base64() };
    case "json":
      return { ...base, measure: undefined, hasMoments: false, ordered: false };
  }
}

type Base = Omit<ProfileKind, "measure">;

function timeKind({ id, sqlType }: PlanColumn, base: Base): ProfileKind {
  const name = quoteIdentifier(id);
  const time = { ...base, measure: "v", finite: "isfinite(v)", hasMoments: false };
  if (sqlType === "DATE") {
    return {
      ...time,
      value: name,
      text: dateText,
      distance: (value, from) => `(${value} - ${from})::DOUBLE`,
    };
  }
  const nanos = sqlType === "TIMESTAMP_NS";
  return {
    ...time,
    value: nanos ? name : instant(name, sqlType),
    text: (value) => isoText(value, nanos ? "%n" : "%f"),
    distance: (value, from) => `(epoch_us(${value})::DOUBLE - epoch_us(${from})::DOUBLE)`,
  };
}

function exactDistance(value: string, from: string): string {
  return `(${value}::HUGEINT - ${from}::HUGEINT)::DOUBLE`;
}

/** Decimals and wide integers: exact where 38 digits hold the difference, else of doubles. */
function distanceOf(sqlType: string): (value: string, from: string) => string {
  if (sqlType === "UBIGINT") return exactDistance;
  const [, digits, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(sqlType) ?? [];
  if (digits !== undefined && Number(digits) < 38) {
    const wider = `DECIMAL(38,${scale})`;
    return (value, from) => `(${value}::${wider} - ${from}::${wider})::DOUBLE`;
  }
  return (value, from) => `(${value}::DOUBLE - ${from}::DOUBLE)`;
}

function numberOf(text: string): number {
  if (text === "inf") return Infinity;
  return text === "-inf" ? -Infinity : Number(text);
}

function base64(): Pick<ProfileKind, "text" | "read"> {
  return {
    text: (value) => `to_base64(${value})`,
    read: (text) => new Uint8Array(Buffer.from(text, "base64")),
  };
}
