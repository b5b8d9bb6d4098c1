import { AmlError, type Cell } from "@aml/core/adapter";
import type { TypedParameter as Typed } from "mysql2";

/** A parameter's value as the driver binds it: integers as integers, moments to the millisecond in UTC. */
export function encodeValue(value: Cell, typed: Typed): unknown {
  switch (typeof value) {
    case "bigint":
      return integer(value, typed);
    case "number":
      return Number.isSafeInteger(value) ? typed.LONGLONG(value) : value;
    case "object":
      if (value === null || value instanceof Date) return value;
      if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      throw new AmlError("config_invalid", "A list or an object is no value of a MySQL parameter.", {
        operation: "query",
        hint: "Give JSON text, or one parameter for each value.",
      });
    default:
      return value;
  }
}

function integer(value: bigint, typed: Typed): unknown {
  if (BigInt.asIntN(64, value) === value) return typed.LONGLONG(value);
  if (BigInt.asUintN(64, value) === value) return typed.LONGLONG.unsigned(value);
  throw new AmlError("config_invalid", `${value} is beyond the integers of MySQL.`, {
    operation: "query",
    hint: "Give it as text and convert it: CAST(:name AS DECIMAL(65)).",
  });
}
