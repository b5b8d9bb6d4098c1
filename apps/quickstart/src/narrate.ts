import { styleText } from "node:util";
import type { Cell, Row } from "@aml/core";

/** Prints the line of code that a step shows, then runs the step, which prints what it gave. */
export async function step<T>(title: string, code: string, run: () => Promise<T>): Promise<T> {
  console.log(`\n${styleText("bold", title)}\n${styleText("cyan", code.replace(/^/gm, "  › "))}`);
  return run();
}

/** Prints rows as an aligned table. */
export function printRows(rows: readonly Row[]): void {
  const names = Object.keys(rows[0] ?? {});
  const text = rows.map((row) => names.map((name) => cellText(row[name])));
  const widths = names.map((name, i) => Math.max(name.length, ...text.map((cells) => cells[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `    ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd();
  console.log(styleText("dim", line(names)));
  for (const cells of text) console.log(line(cells));
}

export function say(text: string): void {
  console.log(text.replace(/^/gm, "    "));
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function cellText(value: Cell | undefined): string {
  if (value === null || value === undefined) return "·";
  return value instanceof Date
    ? value.toISOString().replace(".000Z", "Z")
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);
}
