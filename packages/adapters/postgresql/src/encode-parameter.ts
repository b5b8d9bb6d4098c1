import type { Cell } from "@aml/core/adapter";

/** A parameter as the driver sends it: a text that the server reads as the type that it finds out itself, or bytes. */
export function encodeParameter(cell: Cell): string | Buffer | null {
  if (cell === null) return null;
  if (cell instanceof Date) return cell.toISOString();
  if (cell instanceof Uint8Array) return Buffer.from(cell);
  if (Array.isArray(cell)) return arrayLiteral(cell as readonly Cell[]);
  if (typeof cell === "object") {
    return JSON.stringify(cell, (_key, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
  }
  return String(cell);
}

function arrayLiteral(items: readonly Cell[]): string {
  const parts = items.map((item) => {
    if (item === null) return "NULL";
    if (Array.isArray(item)) return arrayLiteral(item as readonly Cell[]);
    const value = encodeParameter(item);
    const text = Buffer.isBuffer(value) ? `\\x${value.toString("hex")}` : String(value);
    return `"${text.replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${parts.join(",")}}`;
}
