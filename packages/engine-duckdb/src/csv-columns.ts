import {
  AmlError,
  type ColumnSelector,
  type ColumnTypeSpec,
  type InferredColumn,
  type StepOf,
} from "@aml/core";
import { inferType, type Inference, type Observation } from "./infer-types.ts";

/**
 * Names for the fields of a header, without the blanks around them: an empty one is called by its place, `Column3`;
 * one that is there already gets a number, which counts all that are: `a,b,a,b` are `a`, `b`, `a_1` and `b_2`.
 */
export function headerNames(fields: readonly (string | null)[]): string[] {
  const trimmed = fields.map((field) => field?.trim() ?? "");
  const given = new Set(trimmed);
  const used = new Set<string>();
  let repeated = 0;
  return trimmed.map((field, at) => {
    const base = field === "" ? `Column${at + 1}` : field;
    let name = base;
    while (used.has(name) || (name !== field && given.has(name))) name = `${base}_${(repeated += 1)}`;
    used.add(name);
    return name;
  });
}

type ReadDelimited = StepOf<"read_delimited">;

/** Rows that types are decided from unless the plan says otherwise. */
const SAMPLE_ROWS = 200;

export function sampleRows(step: ReadDelimited): number {
  const infer = step.infer_column_types ?? true;
  if (infer === false) return 0;
  return infer === true ? SAMPLE_ROWS : (infer.sample_size ?? SAMPLE_ROWS);
}

/** What is known of a column's type, and from what. */
export interface ColumnInference<T = ColumnTypeSpec> {
  readonly by: InferredColumn["by"];
  readonly inference: Inference<T>;
}

/**
 * The type of each column, from its values and the step's overrides.
 *
 * @param seenOf - the values of the column of this index.
 */
export function inferColumns(
  step: ReadDelimited,
  names: readonly string[],
  seenOf: (at: number) => readonly Observation[],
  lossless = false,
): ColumnInference[] {
  const infer = step.infer_column_types ?? true;
  const overrides = new Map<string, ColumnTypeSpec>();
  if (typeof infer === "object") {
    for (const { columns, column_type } of infer.column_type_overrides ?? []) {
      for (const name of namesOf(columns)) overrides.set(name, column_type);
    }
  }
  return names.map((name, at) => {
    const given = overrides.get(name);
    const values = infer === false || given !== undefined ? [] : seenOf(at);
    const inference = inferType(values, lossless);
    if (given !== undefined) return { by: "override", inference: { ...inference, type: given } };
    return { by: inference.values === 0 ? "default" : "values", inference };
  });
}

function namesOf(selector: ColumnSelector): readonly string[] {
  if (typeof selector === "string") return [selector];
  if (!("pattern" in selector)) return selector;
  throw new AmlError("plan_invalid", "column_type_overrides take names of columns, not a pattern.", {
    hint: "Name the columns, or use convert_column_types.",
  });
}
