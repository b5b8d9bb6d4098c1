import type { Cell, Row } from "./table.ts";

/**
 * Makes rows of one shape. Copying a row that has all keys gives every row the same hidden class, and makes `__proto__`
 * a key like any other.
 */
export function createRowBuilder(names: readonly string[]): (valueOf: (column: number) => Cell) => Row {
  const empty: Row = Object.fromEntries(names.map((name) => [name, null]));
  return (valueOf) => {
    const row: Record<string, Cell> = { ...empty };
    for (let column = 0; column < names.length; column += 1) row[names[column] as string] = valueOf(column);
    return row;
  };
}

/** Names that tell columns apart: an empty one is called by its place, `Column3`; one that is there already, `id_1`. */
export function columnNames(given: readonly string[]): string[] {
  const all = new Set(given);
  const used = new Set<string>();
  return given.map((own, at) => {
    const base = own === "" ? `Column${at + 1}` : own;
    let name = base;
    for (let count = 1; used.has(name) || (name !== own && all.has(name)); count += 1)
      name = `${base}_${count}`;
    used.add(name);
    return name;
  });
}
