import { isAmlError, type ColumnType } from "@aml/core";
import type { FolderWorkspace } from "../../src/index.ts";
import type { Cell } from "./judge.ts";

export interface OurFrame {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The table that we read, in the words of `judge.py`, or the code of our error. */
export type OurAnswer = OurFrame | { readonly error: string; readonly message?: string };

export async function readOurs(workspace: FolderWorkspace, folder: string): Promise<OurAnswer> {
  try {
    const source = await workspace.openSource(folder);
    if (source.kind !== "tabular") throw new Error(`${folder} is no table`);
    await using table = await source.open();
    const columns = table.schema.columns.map(({ name, type }) => ({ name, type }));
    const rows: Cell[][] = [];
    for await (const batch of table.batches())
      for (const row of batch) rows.push(columns.map(({ name, type }) => cell(row[name], type)));
    return { columns, rows };
  } catch (error) {
    if (!isAmlError(error)) throw error;
    return { error: error.code, message: error.message };
  }
}

function cell(value: unknown, type?: ColumnType): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return { i: String(value) };
  if (typeof value === "number") {
    if (type === "int32" || (type !== "float64" && Number.isInteger(value))) return { i: String(value) };
    return {
      f: Number.isNaN(value)
        ? "nan"
        : Number.isFinite(value)
          ? Object.is(value, -0)
            ? "-0"
            : String(value)
          : value > 0
            ? "inf"
            : "-inf",
    };
  }
  if (value instanceof Date) return { t: value.toISOString().slice(0, -1) };
  if (value instanceof Uint8Array) return { b: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map((item) => cell(item));
  return { o: Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cell(item)])) };
}
