import type { Cell, Column, Row } from "@aml/core";
import { stripVTControlCharacters, styleText } from "node:util";
import { jsonText } from "./json-text.ts";

/** Characters of a column that is not the last one, where lines have an end. */
const WIDEST = 40;
const NUMBERS = new Set(["int32", "int64", "float64", "decimal"]);

export interface TableStyle {
  /** Characters to a line; a pipe has no limit, and nothing is cut. */
  readonly width: number;
  readonly color: boolean;
  /** Prints the types below the names. */
  readonly types: boolean;
}

/** A table for people: names, types, rows; numbers to the right, wide values and excess columns cut with …. */
export function printTable(columns: readonly Column[], rows: readonly Row[], style: TableStyle): string {
  const head = [
    columns.map(({ name }) => oneLine(name)),
    ...(style.types ? [columns.map(({ type }) => type)] : []),
  ];
  const cells = rows.map((row) => columns.map(({ name }) => cellText(row[name] ?? null)));
  const widths = columnWidths([...head, ...cells], columns.length, style.width);
  const line = (texts: readonly string[]): string =>
    widths
      .map((width, index) => fit(texts[index] ?? "", width, NUMBERS.has(columns[index]?.type ?? "")))
      .join("  ")
      .trimEnd();
  const paint = (format: "bold" | "dim", text: string): string =>
    style.color ? styleText(format, text, { validateStream: false }) : text;
  const hidden = columns.slice(widths.length).map(({ name }) => oneLine(name));
  const more =
    hidden.length === 0
      ? []
      : [
          paint(
            "dim",
            `… and ${hidden.length} more column${hidden.length === 1 ? "" : "s"}: ${hidden.join(", ")}`,
          ),
        ];
  if (columns.length === 0) return `${paint("dim", "(no columns)")}\n`;
  const none = rows.length === 0 && style.types ? [paint("dim", "(no rows)")] : [];
  const [names = "", ...types] = head.map(line);
  return [
    paint("bold", names),
    ...types.map((text) => paint("dim", text)),
    ...cells.map(line),
    ...none,
    ...more,
    "",
  ].join("\n");
}

/** As many columns as fit side by side, at least one. */
function columnWidths(
  lines: readonly (readonly string[])[],
  count: number,
  width: number,
): readonly number[] {
  const widths: number[] = [];
  let left = width;
  for (let index = 0; index < count; index++) {
    const wanted = lines.reduce((widest, texts) => Math.max(widest, textWidth(texts[index] ?? "")), 0);
    const last = index === count - 1;
    const fits = Math.min(
      wanted,
      last ? Math.max(WIDEST, left) : width === Infinity ? Infinity : WIDEST,
      width,
    );
    if (fits > left && !(last && left >= 8) && index > 0) break;
    widths.push(Math.min(fits, left));
    left -= fits + 2;
  }
  return widths;
}

function cellText(value: Cell): string {
  if (value === null) return "null";
  if (value instanceof Date) return value.toISOString();
  return oneLine(typeof value === "object" ? jsonText(value) : String(value));
}

/** Control characters of data never reach the terminal. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

const textWidth = (text: string): number => [...text].length;

function fit(text: string, width: number, right: boolean): string {
  const characters = [...text];
  if (characters.length > width) return `${characters.slice(0, width - 1).join("")}…`;
  const space = " ".repeat(width - characters.length);
  return right ? space + text : text + space;
}
