import type { InferredColumn, InferredTypes, Row, ValuePlace } from "@aml/core";
import { oneLine, printTable, type TableStyle } from "./print-table.ts";

export interface TypesStyle extends TableStyle {
  /** Values are written as JSON. */
  readonly json: boolean;
  readonly shown: (uri: string) => string;
}

/** Inferred types as a table of a line a column, with the value that forced each, and what is doubtful about them. */
export function typesText({ rows, complete, columns }: InferredTypes, style: TypesStyle): string {
  const { json, shown } = style;
  const place = ({ uri, row, value }: ValuePlace): string => {
    const text = short(value);
    return `${json ? text : JSON.stringify(text)} in ${shown(uri)}, row ${row}`;
  };
  const lines = columns.map((column): Row => {
    return { column: column.name, type: typeText(column.type), because: reasonOf(column, place) };
  });
  const doubts = columns.flatMap((column) => doubtsOf(column, json, place));
  const text = (name: string) => ({ name, type: "string", nullable: false }) as const;
  const looked = complete ? `all ${rows.toLocaleString("en")}` : `the first ${rows.toLocaleString("en")}`;
  return [
    `From ${looked} rows:\n`,
    printTable([text("column"), text("type"), text("because")], lines, style),
    ...doubts.map((doubt) => `! ${oneLine(doubt)}\n`),
  ].join("");
}

function typeText(type: InferredColumn["type"]): string {
  if (typeof type === "string") return type;
  if ("datetime" in type) return `datetime ${type.datetime.formats.join(" | ")}`;
  return JSON.stringify(type);
}

function reasonOf(
  { type, by, values, forcedBy, ruledOut, dates }: InferredColumn,
  place: (at: ValuePlace) => string,
): string {
  if (by === "override") return "the MLTable says so";
  if (by === "default" || forcedBy === undefined)
    return values === 0 ? "there is no value" : "nothing is inferred";
  if (dates?.settledBy !== undefined) return `${orderOf(dates.order)}: ${place(dates.settledBy)}`;
  // Of what is of several kinds, a value of each that there had to be.
  if (type === "json") return [...new Set(ruledOut.map(place))].join("; ");
  return place(forcedBy);
}

function doubtsOf(
  { name, type, dates, loses, convertsTo }: InferredColumn,
  json: boolean,
  place: (at: ValuePlace) => string,
): string[] {
  const out: string[] = [];
  if (dates?.ambiguous === true)
    out.push(`${name}: every date could be read day first just as well; it is read month first.`);
  if (convertsTo !== undefined)
    out.push(`${name}: every string would convert to ${typeText(convertsTo)}; JSON lines keep strings.`);
  if (loses !== undefined)
    out.push(
      `${name}: as ${typeText(type)} it does not keep ${place(loses)}; ` +
        `${json ? "written as a string it would be kept" : "--lossless keeps it as text"}.`,
    );
  return out;
}

const orderOf = (order: string): string => order.replace("_", " ");

const short = (value: string): string => (value.length > 40 ? `${value.slice(0, 39)}…` : value);
