import type { Cell, Column, ColumnProfile, Row, TableProfile } from "@aml/core";
import { printTable, type TableStyle } from "./print-table.ts";

/** A profile as a table of a line a column, with the histograms drawn in blocks, or plainly in ASCII. */
export function profileText({ rows, columns }: TableProfile, style: TableStyle): string {
  const head = FIELDS.map(([name, type]): Column => ({ name, type, nullable: true }));
  const drawn = columns.map((column): Row => {
    const cells = FIELDS.map(([name, , cell]): [string, Cell] => [name, cell(column, style.color)]);
    return Object.fromEntries(cells);
  });
  const sampled = columns.some((column) => column.sampled)
    ? ["~ from a sample or an estimate; of texts and bytes, mean, std, median and histogram are of lengths\n"]
    : [];
  return [
    `${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}\n`,
    printTable(head, drawn, style),
    ...sampled,
  ].join("");
}

type Field = readonly [
  name: string,
  type: Column["type"],
  cell: (column: ColumnProfile, blocks: boolean) => Cell,
];

const FIELDS: readonly Field[] = [
  ["column", "string", ({ name }) => name],
  ["type", "string", ({ type }) => type],
  ["missing", "int64", ({ missing }) => missing],
  ["errors", "int64", ({ errors }) => errors],
  ["distinct", "int64", ({ distinct, sampled }) => `${sampled ? "~" : ""}${distinct}`],
  ["histogram", "string", ({ distribution }, blocks) => sparkline(distribution?.histogram ?? [], blocks)],
  ["min", "float64", ({ min }) => min ?? ""],
  ["median", "float64", ({ distribution, sampled }) => median(distribution, sampled)],
  ["max", "float64", ({ max }) => max ?? ""],
  ["mean", "float64", ({ distribution }) => short(distribution?.mean)],
  ["std", "float64", ({ distribution }) => short(distribution?.std)],
  ["most frequent", "string", ({ top }) => (top[0] === undefined ? "" : top[0].value)],
];

function median(distribution: ColumnProfile["distribution"], sampled: boolean): Cell {
  const value = distribution?.quantiles.find(({ share }) => share === 0.5)?.value ?? "";
  return sampled && value !== "" ? `~${String(value)}` : value;
}

function short(value: number | null | undefined): Cell {
  return value === null || value === undefined ? "" : Number(value.toPrecision(6));
}

const BLOCKS = " ▁▂▃▄▅▆▇█";
const ASCII = " .:-=+*#@";

/** A character a count, its height by the greatest; what is not zero is never drawn as nothing. */
export function sparkline(counts: readonly number[], blocks: boolean): string {
  const most = Math.max(0, ...counts);
  const levels = [...(blocks ? BLOCKS : ASCII)];
  return counts
    .map((count) => levels[most === 0 ? 0 : Math.ceil((count / most) * (levels.length - 1))])
    .join("");
}
