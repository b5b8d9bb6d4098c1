import { AmlError, type Cell } from "@aml/core/adapter";
import type { TYPES } from "tedious";

type Types = typeof TYPES;

/** A parameter as the driver sends it. */
export interface Parameter {
  readonly type: Types[keyof Types];
  readonly value: unknown;
  readonly options?: { readonly length?: number; readonly scale?: number };
  /** As T-SQL declares it. */
  readonly declaration: string;
}

const INT64 = 2n ** 63n;

/** @throws `config_invalid` for a value that no type of the database holds. */
export function encodeParameter(cell: Cell, types: Types): Parameter {
  if (cell === null) return { type: types.NVarChar, value: null, declaration: "nvarchar(4000)" };
  switch (typeof cell) {
    case "boolean":
      return { type: types.Bit, value: cell, declaration: "bit" };
    case "bigint":
      if (cell < -INT64 || cell >= INT64) throw noType(`${cell} is beyond bigint.`);
      return { type: types.BigInt, value: cell, declaration: "bigint" };
    case "number":
      return number(cell, types);
    case "string":
      return textOf(cell, types);
    default:
  }
  if (cell instanceof Date) {
    if (Number.isNaN(cell.getTime())) throw noType("A parameter is a Date without a time.");
    return { type: types.DateTime2, value: cell, options: { scale: 3 }, declaration: "datetime2(3)" };
  }
  if (cell instanceof Uint8Array) {
    const value = Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength);
    return { type: types.VarBinary, value, ...sized(cell.length, 8000, "varbinary") };
  }
  return textOf(
    JSON.stringify(cell, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    types,
  );
}

function number(cell: number, types: Types): Parameter {
  if (!Number.isFinite(cell)) throw noType(`A parameter is ${cell}, which no number of SQL Server is.`);
  if (Number.isSafeInteger(cell) && !Object.is(cell, -0)) {
    return { type: types.BigInt, value: BigInt(cell), declaration: "bigint" };
  }
  return { type: types.Float, value: cell, declaration: "float" };
}

function textOf(value: string, types: Types): Parameter {
  return { type: types.NVarChar, value, ...sized(value.length, 4000, "nvarchar") };
}

/** One declaration for all short values: the server keeps a plan for each. */
function sized(length: number, limit: number, name: string): Pick<Parameter, "options" | "declaration"> {
  if (length <= limit) return { options: { length: limit }, declaration: `${name}(${limit})` };
  return { options: { length: Number.POSITIVE_INFINITY }, declaration: `${name}(max)` };
}

function noType(message: string): AmlError {
  return new AmlError("config_invalid", message, {
    operation: "query",
    hint: "Give it as text, and cast it in the statement.",
  });
}
