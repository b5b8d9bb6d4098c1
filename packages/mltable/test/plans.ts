import type { Expr, Plan, Step } from "@aml/core";
import * as fc from "fast-check";

const name = fc.oneof(
  fc.constantFrom(
    "a",
    "yes",
    "no",
    "y",
    "1",
    "1_000",
    "null",
    "~",
    "2020-01-01",
    "1:30",
    "0x1",
    ".inf",
    "# x",
    "- a",
    "<<",
    "=",
    "a: b",
    "é",
    "'",
    '"',
    "{a}",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "|",
    ">",
    "  a ",
    "tab\t",
    "line\nbreak",
    "\u0085",
    "\u2028",
    "😀",
  ),
  fc.string({ minLength: 1, unit: "grapheme" }),
);
const names = fc.oneof(name, fc.uniqueArray(name, { minLength: 2, maxLength: 4 }), fc.constant([]));
const flag = fc.boolean();
const optional = <T extends object>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<
  Partial<T>
> => fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;

const selector = fc.oneof(
  names,
  fc.record({ pattern: name, ignore_case: flag, invert: flag }, { requiredKeys: ["pattern"] }),
);
const datetime = fc.record(
  { formats: fc.array(name, { minLength: 1, maxLength: 2 }), date_constant: name },
  { requiredKeys: ["formats"] },
);
const booleanWords = fc.oneof(
  optional({ mismatch_as: fc.constantFrom("error", "true", "false") }),
  fc
    .uniqueArray(name, { minLength: 2, maxLength: 6 })
    .map((all) => ({ true_values: all.slice(0, 1), false_values: all.slice(1) })),
);
const overrideType = fc.oneof(
  fc.constantFrom("string", "int", "float", "boolean", "stream_info"),
  fc.record({ boolean: booleanWords }),
  fc.record({ datetime }),
);
const columnType = fc.oneof(
  overrideType,
  fc.record({ float: optional({ decimal_mark: fc.constantFrom(".", ",") }) }),
  fc.record({
    stream_info: optional({ subscription: name, resource_group: name, workspace_name: name, escaped: flag }),
  }),
);
const read = { include_path_column: flag, path_column: name };
const encoding = fc.constantFrom(
  "utf8",
  "utf8bom",
  "utf16",
  "utf32",
  "ascii",
  "latin1",
  "iso88591",
  "windows1252",
);
const size = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const count = fc.nat();

const leaf: fc.Arbitrary<Expr> = fc.oneof(
  name.map((col) => ({ col })),
  fc.oneof(name, fc.integer(), fc.boolean()).map((lit) => ({ lit })),
);
const condition: fc.Arbitrary<Expr> = fc.letrec<{ node: Expr }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc
      .tuple(fc.constantFrom("==" as const, "<" as const, ">=" as const), leaf, leaf)
      .map(([fn, a, b]) => ({ fn, args: [a, b] })),
    fc
      .tuple(fc.constantFrom("and" as const, "or" as const), tie("node"), tie("node"))
      .map(([fn, a, b]) => ({ fn, args: [a, b] })),
    tie("node").map((arg) => ({ fn: "not" as const, args: [arg] })),
  ),
})).node;

const readStep = fc.oneof(
  optional({
    ...read,
    encoding,
    partition_size: size,
    delimiter: fc.constantFrom(",", ";", "\t", "||", " ", "'"),
    header: fc.constantFrom(
      "no_header",
      "from_first_file",
      "all_files_same_headers",
      "all_files_different_headers",
    ),
    support_multi_line: flag,
    empty_as_string: flag,
    infer_column_types: fc.oneof(
      flag,
      optional({
        sample_size: size,
        column_type_overrides: fc.array(fc.record({ columns: names, column_type: overrideType }), {
          minLength: 1,
          maxLength: 2,
        }),
      }),
    ),
  }).map((options) => ({ op: "read_delimited", ...options })),
  optional({ ...read, encoding, partition_size: size, invalid_lines: fc.constantFrom("error", "drop") }).map(
    (options) => ({ op: "read_json_lines", ...options }),
  ),
  optional(read).map((options) => ({ op: "read_parquet", ...options })),
);
const fileStep = fc.oneof(
  fc.record({ op: fc.constantFrom("take", "skip"), count }),
  fc.record(
    {
      op: fc.constant("take_random_sample"),
      probability: fc.double({ min: 0, max: 1, noNaN: true }),
      seed: count,
    },
    { requiredKeys: ["op", "probability"] },
  ),
  fc
    .tuple(
      fc.constantFrom("/{a}/{b}.csv", "{When:yyyy/MM/dd}/", "/{x}/*/{{y}}"),
      fc.constantFrom({}, { value_encoding: "hive" }),
    )
    .map(([partition_format, more]) => ({
      op: "extract_columns_from_partition_format",
      partition_format,
      ...more,
    })),
);
const rowStep = fc.oneof(
  fileStep,
  fc.record({ op: fc.constantFrom("keep_columns", "drop_columns"), columns: selector }),
  fc.record({
    op: fc.constant("convert_column_types"),
    columns: fc.array(fc.record({ columns: selector, column_type: columnType }), { maxLength: 3 }),
  }),
  fc.record({ op: fc.constant("filter"), where: condition }),
  fc
    .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
    .map((bounds) => ({
      op: "sample",
      sampler: "random_percent",
      sampler_arguments: { probability: Math.max(...bounds), probability_lower_bound: Math.min(...bounds) },
    })),
  fc.record({ op: fc.constant("select_partitions"), partitions: fc.array(count, { maxLength: 3 }) }),
);

/** Steps that go together, of every kind and with every option. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .tuple(fc.array(fileStep, { maxLength: 2 }), readStep, fc.array(rowStep, { maxLength: 4 }))
  .map(([files, first, rows]) => [...files, first, ...rows] as unknown as readonly Step[]);

const segment = fc.string({
  unit: fc.constantFrom("a", "b", "%", " ", "é", "=", "-", "'", "~", "+"),
  minLength: 1,
  maxLength: 5,
});
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join("/"));

export const plans: fc.Arbitrary<Plan> = fc
  .record({
    kinds: fc.array(fc.tuple(fc.constantFrom("file", "folder", "pattern"), path), {
      minLength: 1,
      maxLength: 3,
    }),
    steps,
  })
  .map(({ kinds, steps: list }) => ({
    version: 1,
    source: {
      from: "paths",
      paths: kinds.map(([kind, below]) => ({ [kind]: `azureml://datastores/lake/paths/${below}` })) as never,
    },
    steps: list,
  }));
