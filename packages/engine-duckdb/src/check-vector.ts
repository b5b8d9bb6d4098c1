import { AmlError, type ArrowType, type ArrowVector } from "@aml/core";

/**
 * Holds a column to its layout: DuckDB copies from its buffers without looking where they end.
 *
 * @throws `parse_failed` with the column, for buffers that are shorter than its values need, and for places outside of them.
 */
export function checkVector(name: string, type: ArrowType, column: ArrowVector): void {
  const { length, nullCount, validity, offsets, data, children = [] } = column;
  if (nullCount > 0 && (validity?.length ?? 0) * 8 < length) throw damaged(name);
  switch (type.kind) {
    case "utf8":
    case "binary":
      return checkOffsets(name, length, offsets, data?.length ?? 0);
    case "list":
    case "map":
      return checkOffsets(name, length, offsets, children[0]?.length ?? 0);
    case "struct":
      if (children.length < type.fields.length || children.some((child) => child.length < length))
        throw damaged(name);
      return;
    default:
      if ((data?.byteLength ?? 0) * 8 < length * bitsOf(type)) throw damaged(name);
  }
}

function checkOffsets(name: string, length: number, offsets: Int32Array | undefined, end: number): void {
  if (offsets === undefined && length === 0) return;
  let last = 0;
  for (let at = 0; at <= length; at += 1) {
    const offset = offsets?.[at] ?? -1;
    if (offset < last || offset > end) throw damaged(name);
    last = offset;
  }
}

function bitsOf(type: ArrowType): number {
  switch (type.kind) {
    case "bool":
      return 1;
    case "int":
    case "float":
      return type.bits;
    case "date":
      return 32;
    case "decimal":
      return 128;
    default:
      return 64;
  }
}

function damaged(column: string): AmlError {
  return new AmlError("parse_failed", `Column ${column} is damaged: its buffers do not hold its values.`, {
    hint: "Write the data anew.",
    context: { column },
  });
}
