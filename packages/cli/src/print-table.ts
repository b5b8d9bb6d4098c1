import type { Cell, Column, Row } from "@aml/core";
import { stripVTControlCharacters, styleText } from "node:util";
import { jsonText } from "./json-text.ts";

const WIDEST = 40;
const NUMBERS = new Set(["int32", "int64", "float64", "decimal"]);

export interface TableStyle {
  /** Characters to a line. */
  readonly width: number;
  readonly color: boolean;
}

/** A table for people: names, types below them, rows; numbers to the right, wide values and excess columns cut with …. */
export function printTable(columns: readonly Column[], rows: readonly Row[], style: TableStyle): string {
  const cells = rows.map((row) => columns.map(({ name }) => cellText(row[name] ?? null)));
  const wanted = columns.map(({ name, type }, index) =>
    Math.max(...[oneLine(name), type, ...cells.map((row) => row[index] ?? "")].map(textWidth)),
  );
  const widths: number[] = [];
  let left = style.width;
  for (const width of wanted) {
    const fits = Math.min(width, WIDEST, style.width);
    if (fits + 4 > left && widths.length > 0 && fits > left) break;
    widths.push(fits);
    left -= fits + 2;
  }
  const line = (texts: readonly string[]): string =>
    widths.map((width, index) => fit(texts[index] ?? "", width, NUMBERS.has(columns[index]?.type ?? ""))).join("  ");
  const paint = (format: "bold" | "dim", text: string): string =>
    style.color ? styleText(format, text, { validateStream: false }) : text;
  const hidden = columns.slice(widths.length).map(({ name }) => oneLine(name));
  return [
    paint("bold", line(columns.map(({ name }) => oneLine(name))).trimEnd()),
    paint("dim", line(columns.map(({ type }) => type)).trimEnd()),
    ...cells.map((row) => line(row).trimEnd()),
    ...(hidden.length > 0 ? [paint("dim", `… and ${hidden.length} more columns: ${hidden.join(", ")}`)] : []),
    "",
  ].join("\n");
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
