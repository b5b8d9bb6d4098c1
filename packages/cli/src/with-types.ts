import { AmlError, type ColumnConversion, type InferredTypes, type Step } from "@aml/core";

/**
 * The steps with the types of columns written down as overrides of their reading step, so that reading infers nothing.
 *
 * @throws `unsupported` for steps that read no delimited files.
 */
export function withTypes(steps: readonly Step[], { columns }: InferredTypes): readonly Step[] {
  const byType = new Map<
    string,
    { readonly names: string[]; readonly type: ColumnConversion["column_type"] }
  >();
  for (const { name, type } of columns) {
    const key = JSON.stringify(type);
    const group = byType.get(key) ?? { names: [], type };
    byType.set(key, group);
    group.names.push(name);
  }
  const overrides = [...byType.values()].map(({ names, type }): ColumnConversion => {
    const [only = "", ...more] = names;
    return { columns: more.length === 0 ? only : names, column_type: type };
  });
  const at = steps.findIndex(({ op }) => op === "read_delimited");
  const read = steps[at];
  if (read?.op !== "read_delimited") {
    throw new AmlError("unsupported", "Only a step that reads delimited files has types to write down.", {
      hint: "Other files have types of their own.",
    });
  }
  const before = typeof read.infer_column_types === "object" ? read.infer_column_types : {};
  return steps.with(at, { ...read, infer_column_types: { ...before, column_type_overrides: overrides } });
}
