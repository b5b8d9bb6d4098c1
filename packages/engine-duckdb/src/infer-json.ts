import type { FileRef, InferredColumn, InferredType, StepOf } from "@aml/core";
import type { ColumnInference } from "./csv-columns.ts";
import { inferType, keepsText, markOf, type Inference, type Sighting } from "./infer-types.ts";
import type { InspectContext } from "./inspect-context.ts";
import { observeJson, type RowsOfJson } from "./inspect-json.ts";
import type { FoundValue } from "./json-scan.ts";
import { JSON_BITS } from "./json-value.ts";

const { boolean, int, bigInt, float, string, wide } = JSON_BITS;

export interface JsonEvidence {
  readonly columns: readonly { readonly name: string }[];
  readonly inferred: readonly ColumnInference<InferredColumn["type"]>[];
  /** Rows that were looked at, and at how many at most. */
  readonly rows: number;
  readonly limit: number;
  /** There are rows that DuckDB refuses. */
  readonly refused: boolean;
}

/**
 * The types of columns of JSON lines as reading decides them, with the values that force them.
 *
 * @throws `parse_failed` as reading, but for lines that are wrong to DuckDB alone: `refused` tells of them.
 */
export async function inferJson(
  step: StepOf<"read_json_lines">,
  files: readonly FileRef[],
  rows: RowsOfJson,
  context: InspectContext,
): Promise<JsonEvidence> {
  const seen = new Map<string, SeenColumn>();
  let refused = false;
  let order = 0;
  const observer = {
    onRefused: () => (refused = true),
    onValue: (value: FoundValue, file: number) => {
      const column = seen.get(value.name) ?? { values: 0, bits: 0, firsts: new Map(), texts: new Map() };
      seen.set(value.name, column);
      see(column, value, file, (order += 1));
    },
    restart: () => {
      refused = false;
      seen.clear();
    },
  };
  const found = await observeJson(step, files, rows, observer, context);
  const inferred = found.columns.map(({ name, sqlType }) => inferenceOf(sqlType, seen.get(name)));
  return { ...found, inferred, refused };
}

interface SeenColumn {
  values: number;
  bits: number;
  /** By each of `JSON_BITS` that was seen. */
  readonly firsts: Map<number, Sighting>;
  loses?: Sighting;
  /** By what inference sees of them; undefined once there is a string that fits no type. */
  texts: Map<string, { readonly text: string; count: number; readonly first: Sighting }> | undefined;
}

function see(column: SeenColumn, value: FoundValue, file: number, order: number): void {
  const { bits, bytes, from, to, row } = value;
  if (bits === 0) return;
  column.values += 1;
  const sighting = (): Sighting => {
    return { order, file, row, value: bytes.toString("utf8", from, Math.min(to, from + MOST_BYTES)) };
  };
  const fresh = bits & ~column.bits;
  if (fresh !== 0) {
    const first = sighting();
    for (const bit of Object.values(JSON_BITS)) if ((fresh & bit) !== 0) column.firsts.set(bit, first);
    column.bits |= bits;
  }
  if (bits === string && column.texts !== undefined) {
    // No number or date is written with another escape.
    const text = bytes.toString("utf8", from + 1, to - 1).replaceAll("\\/", "/");
    const mark = markOf(text);
    const known = mark === undefined ? undefined : column.texts.get(mark);
    if (mark === undefined) column.texts = undefined;
    else if (known === undefined) column.texts.set(mark, { text, count: 1, first: sighting() });
    else known.count += 1;
  }
  if (bits !== float || column.loses !== undefined) return;
  const text = bytes.toString("latin1", from, to);
  // Most are written as they print, which is cheaper to see.
  if (String(Number(text)) !== text && !keepsText(text)) column.loses = sighting();
}

/** Of a value of which 200 characters are told. */
const MOST_BYTES = 800;

/** What the values of each type are, in the order in which they are tried. */
const TRIED: readonly (readonly [InferredType & InferredColumn["type"], number])[] = [
  ["int", int | wide],
  ["boolean", boolean],
  ["float", int | bigInt | float],
  ["string", string],
];

const TYPES: Readonly<Record<string, InferredColumn["type"]>> = {
  BIGINT: "int",
  BOOLEAN: "boolean",
  DOUBLE: "float",
  VARCHAR: "string",
};

function inferenceOf(
  sqlType: string,
  column: SeenColumn | undefined,
): ColumnInference<InferredColumn["type"]> {
  const type = TYPES[sqlType] ?? "json";
  const { values = 0, firsts = new Map<number, Sighting>(), loses } = column ?? {};
  const byOrder = [...firsts].toSorted(([, a], [, b]) => a.order - b.order);
  const [start] = byOrder;
  if (start === undefined) return { by: "default", inference: { type, values, ruledOut: [] } };
  const at = TRIED.findIndex(([tried]) => tried === type);
  const before = at < 0 ? TRIED : TRIED.slice(0, at);
  const ruledOut = before.flatMap(([one, bits]): Inference["ruledOut"] => {
    const misfit = byOrder.find(([bit]) => (bit & bits) === 0);
    return misfit === undefined ? [] : [{ type: one, by: misfit[1] }];
  });
  const forcedBy = ruledOut.reduce((last, { by }) => (by.order > last.order ? by : last), start[1]);
  const lost = type === "float" ? loses : undefined;
  const guess = type === "string" ? inferType([...(column?.texts?.values() ?? [])], true).type : "string";
  const doubts = { ...(lost && { loses: lost }), ...(guess !== "string" && { convertsTo: guess }) };
  return { by: "values", inference: { type, values, forcedBy, ruledOut, ...doubts } };
}
