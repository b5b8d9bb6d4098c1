import {
  AmlError,
  type ColumnConversion,
  type ColumnSelector,
  type ColumnTypeSpec,
  type InferredColumn,
  type InferredTypes,
  type Step,
} from "@aml/core";

/**
 * The steps with the types of columns written down: of delimited files as overrides of the reading step, so that reading
 * infers nothing; of JSON lines as conversions right behind it. Columns of JSON stay as they are read, and those for which
 * a conversion stands there already as that says.
 *
 * @throws `unsupported` for steps that read neither.
 */
export function withTypes(steps: readonly Step[], { columns }: InferredTypes): readonly Step[] {
  const at = steps.findIndex(({ op }) => op.startsWith("read_"));
  const read = steps[at];
  if (read?.op === "read_delimited") {
    const before = typeof read.infer_column_types === "object" ? read.infer_column_types : {};
    const inference = { ...before, column_type_overrides: conversionsOf(columns) };
    return steps.with(at, { ...read, infer_column_types: inference });
  }
  if (read?.op === "read_json_lines") return withConversions(steps, at + 1, columns);
  throw new AmlError(
    "unsupported",
    "Only a step that reads delimited files or JSON lines has types to write down.",
    { hint: "Other files have types of their own." },
  );
}

/** Columns of which an MLTable cannot say the type: it has no word for JSON, and no way to name a column without a name. */
export function untypedColumns({ columns }: InferredTypes): readonly string[] {
  return columns.filter((column) => !canBeTyped(column)).map(({ name }) => name);
}

type Typed = InferredColumn & { readonly type: ColumnTypeSpec };

function canBeTyped(column: InferredColumn): column is Typed {
  return column.type !== "json" && column.name !== "";
}

function withConversions(
  steps: readonly Step[],
  at: number,
  columns: readonly InferredColumn[],
): readonly Step[] {
  const next = steps[at];
  const before = next?.op === "convert_column_types" ? next.columns : [];
  const known = before.map((conversion) => namesOf(conversion.columns));
  // Where a pattern says which, the conversions of the names stand in front of it.
  const merges = next?.op === "convert_column_types" && !known.includes(undefined);
  const done = new Set(merges ? known.flatMap((names) => names ?? []) : []);
  const more = conversionsOf(columns.filter(({ name }) => !done.has(name)));
  if (more.length === 0) return steps;
  const step: Step = { op: "convert_column_types", columns: [...(merges ? before : []), ...more] };
  return steps.toSpliced(at, merges ? 1 : 0, step);
}

/** Undefined for a pattern. */
function namesOf(selector: ColumnSelector): readonly string[] | undefined {
  if (typeof selector === "string") return [selector];
  return "pattern" in selector ? undefined : selector;
}

/** One for each type. */
function conversionsOf(columns: readonly InferredColumn[]): ColumnConversion[] {
  const byType = new Map<string, { readonly names: string[]; readonly type: ColumnTypeSpec }>();
  for (const { name, type } of columns.filter(canBeTyped)) {
    const key = JSON.stringify(type);
    const group = byType.get(key) ?? { names: [], type };
    byType.set(key, group);
    group.names.push(name);
  }
  return [...byType.values()].map(({ names, type }): ColumnConversion => {
    const [only = "", ...more] = names;
    return { columns: more.length === 0 ? only : names, column_type: type };
  });
}
