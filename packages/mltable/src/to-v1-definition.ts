import type { ColumnConversion, ColumnSelector, ColumnTypeSpec, Step, StepOf } from "@aml/core";
import type { MLTable } from "./mltable.ts";
import { writeV1Json } from "./v1-json.ts";
import {
  DECIMAL_MARKS,
  ENCODINGS,
  HEADERS,
  INVALID_LINES,
  MISMATCHES,
  typeOf,
  type ConversionLoss,
  type Lose,
  type V1Block,
} from "./v1-definition.ts";
import { NoCounterpart, toV1Expression } from "./v1-expression.ts";
import { writeV1Paths } from "./v1-paths.ts";

export interface ToV1Result {
  /** JSON that `Dataflow.from_json()` reads in SDK v1. */
  readonly definition: string;
  /** What a definition has no place for, in the order of the steps; empty if nothing. */
  readonly lost: readonly ConversionLoss[];
}

type Args = Readonly<Record<string, unknown>>;
type Written = readonly [name: string, given: Args];

/**
 * The definition of a dataset in SDK v1 that an MLTable stands for: the other way round of `fromV1Definition`.
 *
 * Inference of types is none of its steps, as v1 infers once, when a dataset is made: `lost` says so.
 *
 * @throws `unsupported` for paths of several kinds (datastores, URLs, local files).
 */
export function toV1Definition(table: MLTable): ToV1Result {
  const lost: ConversionLoss[] = [];
  const lose: Lose = (path, changes, message) => lost.push(Object.freeze({ path, message, changes }));
  const source = writeV1Paths(table.paths, lose);
  const written: Written[] = [];
  // Files have their paths until they are read, so partition formats come behind the reading step, as v1 has them.
  let dropsPath = false;
  for (const [at, step] of table.transformations.entries()) {
    const path = `transformations[${at}].${step.op}`;
    const say: Lose = (below, changes, message) => lose(`${path}${below}`, changes, message);
    if (dropsPath && !step.op.startsWith("extract_")) {
      written.push(DROP_PATH);
      dropsPath = false;
    }
    written.push(...writeStep(step, say));
    if (READS.has(step.op))
      dropsPath = (step as { include_path_column?: boolean }).include_path_column !== true;
  }
  if (dropsPath) written.push(DROP_PATH);
  for (const trait of Object.keys(table.traits))
    lose(
      `traits.${trait}`,
      "nothing",
      "Traits are no part of a definition: with_timestamp_columns() sets them.",
    );
  for (const key of Object.keys(table.metadata))
    lose(`metadata.${key}`, "nothing", "Metadata is no part of a definition.");
  const blocks = [
    [source.type, source.arguments] as Written,
    ...written.map(([name, given]): Written => [typeOf(name), given]),
  ].map(([type, given], at): V1Block => ({ id: idOf(at), type, arguments: given, localData: {} }));
  const definition = `${writeV1Json({ blocks, meta: {} })}\n`;
  return Object.freeze({ definition, lost: Object.freeze(lost) });
}

const READS: ReadonlySet<string> = new Set(["read_delimited", "read_json_lines", "read_parquet"]);
const named = (columns: readonly string[]): unknown => ({ type: 0, details: { selectedColumns: columns } });
const one = (column: string): unknown => ({ type: 2, details: { selectedColumn: column } });
const DROP_PATH: Written = ["DropColumnsBlock", { columns: named(["Path"]) }];

/** The same table gives the same text. */
const idOf = (at: number): string => `00000000-0000-4000-8000-${at.toString(16).padStart(12, "0")}`;

function writeStep(step: Step, lose: Lose): readonly Written[] {
  switch (step.op) {
    case "read_delimited":
      return writeDelimited(step, lose);
    case "read_json_lines":
      losePathColumn(step, lose);
      return [
        [
          "ParseJsonLinesBlock",
          {
            invalidLines: INVALID_LINES.indexOf(step.invalid_lines ?? "error"),
            fileEncoding: ENCODINGS.indexOf(step.encoding ?? "utf8"),
            partitionSize: step.partition_size ?? null,
          },
        ],
      ];
    case "read_parquet":
      losePathColumn(step, lose);
      return [["ReadParquetFileBlock", {}]];
    case "read_delta_lake":
      lose("", "rows", "v1 cannot read Delta tables, and the step is left out.");
      return [];
    case "extract_columns_from_partition_format":
      if (step.value_encoding === "hive")
        lose(".value_encoding", "rows", "v1 does not decode the values of Hive's folders.");
      return [
        [
          "AddColumnsFromPartitionFormatBlock",
          { column: one("Path"), partitionFormat: step.partition_format, ignoreError: false },
        ],
      ];
    case "convert_column_types":
      return writeConversions(step.columns, lose);
    case "keep_columns":
      return [["KeepColumnsBlock", { columns: selector(step.columns) }]];
    case "drop_columns":
      return [["DropColumnsBlock", { columns: selector(step.columns) }]];
    case "filter":
      try {
        return [["ExpressionFilterBlock", { expression: toV1Expression(step.where) }]];
      } catch (error) {
        if (!(error instanceof NoCounterpart)) throw error;
        lose("", "rows", `The step is left out: ${error.message}.`);
        return [];
      }
    case "take":
      return [["TakeBlock", { count: step.count }]];
    case "skip":
      return [["SkipBlock", { count: step.count }]];
    case "take_random_sample":
      return [["TakeSampleBlock", { probability: step.probability, seed: step.seed ?? null }]];
    case "sample": {
      const { probability, probability_lower_bound: lower = 0, seed } = step.sampler_arguments;
      return [["TakeSampleBlock", { probability, probabilityLowerBound: lower, seed: seed ?? null }]];
    }
    case "select_partitions":
      return [["SelectPartitionsBlock", { partitionIndices: step.partitions }]];
  }
}

function losePathColumn(
  {
    path_column: name,
    include_path_column: kept,
  }: { readonly path_column?: string; readonly include_path_column?: boolean },
  lose: Lose,
): void {
  if (kept === true && name !== undefined)
    lose(".path_column", "rows", `The column is called Path, not ${name}.`);
}

function writeDelimited(step: StepOf<"read_delimited">, lose: Lose): readonly Written[] {
  losePathColumn(step, lose);
  const { infer_column_types: infer = true } = step;
  if (infer !== false)
    lose(
      ".infer_column_types",
      "types",
      "Columns stay texts: v1 infers types when a dataset is made, not in a definition.",
    );
  const overrides = typeof infer === "object" ? (infer.column_type_overrides ?? []) : [];
  return [
    [
      "ParseDelimitedBlock",
      {
        columnHeadersMode: HEADERS.indexOf(step.header ?? "all_files_same_headers"),
        separator: step.delimiter ?? ",",
        commentLineCharacter: null,
        fileEncoding: ENCODINGS.indexOf(step.encoding ?? "utf8"),
        skipRowsMode: 0,
        skipRows: 0,
        handleQuotedLineBreaks: step.support_multi_line ?? false,
        partitionSize: step.partition_size ?? null,
        emptyAsString: step.empty_as_string ?? false,
      },
    ],
    ...writeConversions(overrides, lose),
  ];
}

/** Names go into one block; patterns and word lists have blocks of their own. */
function writeConversions(items: readonly ColumnConversion[], lose: Lose): readonly Written[] {
  return items.flatMap((item, at): readonly Written[] => {
    const type = item.column_type;
    const columns = selector(item.columns);
    if (type === "string") return [["ToStringBlock", { columns }]];
    if (type === "int") return [["ToLongBlock", { columns }]];
    if (type === "float") return [["ToNumberBlock", { columns, decimalPoint: 0 }]];
    if (typeof type === "object" && "float" in type)
      return [["ToNumberBlock", { columns, decimalPoint: DECIMAL_MARKS.indexOf(type.float.decimal_mark) }]];
    if (typeof type === "object" && "datetime" in type)
      return [
        [
          "ToDateTimeBlock",
          {
            columns,
            dateTimeFormats: type.datetime.formats,
            dateConstant: type.datetime.date_constant ?? null,
          },
        ],
      ];
    if (type === "boolean" || (typeof type === "object" && "boolean" in type))
      return [["ToBoolBlock", { columns, ...words(type) }]];
    return writeStreams(item, at, lose);
  });
}

function words(type: ColumnTypeSpec): Args {
  const given = typeof type === "object" && "boolean" in type ? type.boolean : {};
  return {
    trueValues: given.true_values ?? [],
    falseValues: given.false_values ?? [],
    mismatchAs: MISMATCHES.indexOf(given.mismatch_as ?? "error"),
  };
}

function writeStreams(
  { columns, column_type: type }: ColumnConversion,
  at: number,
  lose: Lose,
): readonly Written[] {
  if (typeof columns === "object" && "pattern" in columns) {
    lose(`[${at}]`, "types", "v1 converts columns to streams by name only, and these stay what they are.");
    return [];
  }
  if (type !== "stream_info")
    lose(`[${at}].column_type`, "types", "The workspace of the streams is not written.");
  const list = typeof columns === "string" ? [columns] : columns;
  const columnConversion = list.map((name) => ({ column: one(name), typeProperty: 10, typeArguments: null }));
  return columnConversion.length === 0 ? [] : [["SetColumnTypesBlock", { columnConversion }]];
}

function selector(columns: ColumnSelector): unknown {
  if (typeof columns === "string") return named([columns]);
  if (!("pattern" in columns)) return named(columns);
  const { pattern, ignore_case: ignoreCase = false, invert = false } = columns;
  return { type: 1, details: { term: pattern, useRegex: true, ignoreCase, matchWholeWord: false, invert } };
}
