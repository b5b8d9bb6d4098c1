import { AmlError, type ColumnSelector, type ColumnTypeSpec, type StepOf } from "@aml/core";
import { inferType } from "./infer-types.ts";

/**
 * Names for the fields of a header: an empty one is called by its place, `Column3`; one that is there already gets a
 * number, `a_1`.
 */
export function headerNames(fields: readonly string[]): string[] {
  const given = new Set(fields);
  const used = new Set<string>();
  return fields.map((field, at) => {
    const base = field === "" ? `Column${at + 1}` : field;
    let name = base;
    for (let count = 1; used.has(name) || (name !== field && given.has(name)); count += 1)
      name = `${base}_${count}`;
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

/** The type of each column, from sampled rows and the step's overrides. */
export function columnTypes(
  step: ReadDelimited,
  names: readonly string[],
  sample: readonly (readonly (string | undefined)[])[],
): ColumnTypeSpec[] {
  const infer = step.infer_column_types ?? true;
  const overrides = new Map<string, ColumnTypeSpec>();
  if (typeof infer === "object") {
    for (const { columns, column_type } of infer.column_type_overrides ?? []) {
      for (const name of namesOf(columns)) overrides.set(name, column_type);
    }
  }
  return names.map((name, at) => {
    const given = overrides.get(name);
    if (given !== undefined) return given;
    return infer === false ? "string" : inferType(sample.map((row) => row[at] ?? ""));
  });
}

function namesOf(selector: ColumnSelector): readonly string[] {
  if (typeof selector === "string") return [selector];
  if (!("pattern" in selector)) return selector;
  throw new AmlError("plan_invalid", "column_type_overrides take names of columns, not a pattern.", {
    hint: "Name the columns, or use convert_column_types.",
  });
}
