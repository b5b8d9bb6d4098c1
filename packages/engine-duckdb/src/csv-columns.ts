import {
  AmlError,
  type ColumnSelector,
  type ColumnTypeSpec,
  type InferredColumn,
  type Step,
  type StepOf,
} from "@aml/core";
import { filterColumns } from "@aml/core/plan";
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

/**
 * What the first conversion behind a reading step makes of columns that it names, and that no filter in front of it looks
 * at: of what the texts are meant to be, it says more than a guess.
 */
function firstConversions(later: readonly Step[]): ReadonlyMap<string, ColumnTypeSpec> {
  const found = new Map<string, ColumnTypeSpec>();
  const seen = new Set<string>();
  for (const step of later) {
    if (step.op === "filter") for (const name of filterColumns(step.where)) seen.add(name);
    if (step.op !== "convert_column_types") continue;
    for (const { columns, column_type: type } of step.columns) {
      if (typeof columns === "object" && "pattern" in columns) continue;
      for (const name of namesOf(columns)) {
        if (!seen.has(name)) found.set(name, type);
        seen.add(name);
      }
    }
  }
  return found;
}

/** The reading step with text for the columns that a conversion has words for: words are about texts. */
export function withTextsForWords(step: Step | undefined, later: readonly Step[]): Step | undefined {
  if (step?.op !== "read_delimited" || step.infer_column_types === false) return step;
  const infer = typeof step.infer_column_types === "object" ? step.infer_column_types : {};
  const overrides = infer.column_type_overrides ?? [];
  const known = new Set(overrides.flatMap(({ columns }) => namesOf(columns)));
  const texts = [...firstConversions(later)].flatMap(([name, type]) => {
    const hasWords = typeof type === "object" && "boolean" in type && type.boolean.true_values !== undefined;
    return hasWords && !known.has(name) ? [name] : [];
  });
  if (texts.length === 0) return step;
  const column_type_overrides = [...overrides, { columns: texts, column_type: "string" as const }];
  return { ...step, infer_column_types: { ...infer, column_type_overrides } };
}

interface Inferred {
  readonly columns: readonly { readonly name: string; readonly type: ColumnTypeSpec }[];
  readonly inferred: readonly ColumnInference[];
}

/** Columns with text for dates whose day and month were guessed, and that a conversion has formats for. */
export function withTextsForFormats<T extends Inferred>(found: T, later: readonly Step[]): T {
  const conversions = firstConversions(later);
  const columns = found.columns.map((column, at) => {
    const type = conversions.get(column.name);
    const hasFormats = typeof type === "object" && "datetime" in type;
    const { by, inference } = found.inferred[at] ?? {};
    return hasFormats && by === "values" && inference?.dates?.ambiguous === true
      ? { ...column, type: "string" as const }
      : column;
  });
  return { ...found, columns };
}

function namesOf(selector: ColumnSelector): readonly string[] {
  if (typeof selector === "string") return [selector];
  if (!("pattern" in selector)) return selector;
  throw new AmlError("plan_invalid", "column_type_overrides take names of columns, not a pattern.", {
    hint: "Name the columns, or use convert_column_types.",
  });
}
