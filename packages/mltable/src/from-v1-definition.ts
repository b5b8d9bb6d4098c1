import {
  AmlError,
  type ColumnConversion,
  type ColumnSelector,
  type ColumnTypeSpec,
  type PathSpec,
  type Step,
} from "@aml/core";
import { parseStep, type PlanIssue } from "@aml/core/plan";
import type { MLTable } from "./mltable.ts";
import { readV1Json } from "./v1-json.ts";
import {
  DECIMAL_MARKS,
  ENCODINGS,
  HEADERS,
  INVALID_LINES,
  MISMATCHES,
  nameOf,
  type ConversionLoss,
  type Lose,
} from "./v1-definition.ts";
import { asList, asRecord, asText, fromV1Expression, NoCounterpart } from "./v1-expression.ts";
import { readV1Paths } from "./v1-paths.ts";

export interface FromV1Result {
  readonly table: MLTable;
  /** What an MLTable has no place for, in the order of the steps; empty if nothing. */
  readonly lost: readonly ConversionLoss[];
}

/**
 * The MLTable of a dataset's definition in SDK v1.
 *
 * Steps without a counterpart are left out, and each stands in `lost` with what it changes; so does each option. A
 * definition does not say which paths are folders: those that end in `/` or whose last name has no dot are taken for some.
 * Keys and tokens in the definition are left out as well.
 *
 * @param text - JSON as `Dataflow.to_json()` writes it: `{"blocks": [{"type": "Microsoft.DPrep.…", "arguments": …}]}`.
 * @throws `parse_failed` for what is no JSON; `plan_invalid` for what is no definition; `unsupported` for one that does not
 * begin with files, such as a query.
 */
export function fromV1Definition(text: string): FromV1Result {
  const { blocks, meta } = asRecord(readV1Json(text));
  if (!Array.isArray(blocks) || blocks.length === 0) {
    throw new AmlError("plan_invalid", "The definition has no blocks.", {
      hint: "Give what Dataflow.to_json() writes in SDK v1.",
    });
  }
  const lost: ConversionLoss[] = [];
  const lose: Lose = (path, changes, message) => lost.push(Object.freeze({ path, message, changes }));
  const paths = readSource(asRecord(blocks[0]), lose);
  const found = blocks.slice(1).flatMap((block, at) => {
    const path = `blocks[${at + 1}]`;
    const own: Lose = (below, changes, message) => lose(`${path}${below}`, changes, message);
    return readBlock(asRecord(block), own).map((step) => ({ step, lose: own }));
  });
  const transformations = inOrder(found);
  if (Object.keys(asRecord(meta)).length > 0) lose("meta", "nothing", "Notes of the SDK are not kept.");
  const table = { paths, transformations: foldPathColumn(transformations), traits: {}, metadata: {} };
  return Object.freeze({ table: Object.freeze(table), lost: Object.freeze(lost) });
}

/** An MLTable reads once, and has columns only then. */
function inOrder(found: readonly { readonly step: Step; readonly lose: Lose }[]): readonly Step[] {
  const read = found.findIndex(({ step }) => step.op.startsWith("read_"));
  return found.flatMap(({ step, lose }, at) => {
    const isEarly = at < read && /^(convert|keep|drop)_/.test(step.op);
    const isSecond = at > read && step.op.startsWith("read_");
    if (!isEarly && !isSecond) return [step];
    const why = isEarly
      ? "it stands in front of the step that reads the files"
      : "the files are read already";
    lose("", "rows", `${step.op} is left out: ${why}.`);
    return [];
  });
}

function readSource(block: Readonly<Record<string, unknown>>, lose: Lose): readonly PathSpec[] {
  const type = asText(block["type"]);
  const paths = readV1Paths(nameOf(type), asRecord(block["arguments"]), lose);
  if (paths !== undefined && paths.length > 0) return paths;
  const query = nameOf(type) === "ReadDatastoreSqlBlock";
  throw new AmlError("unsupported", `The definition begins with ${type}, which is no list of files.`, {
    hint: query
      ? "Make a dataset of the query and the datastore: an MLTable has no public form for one."
      : "Only definitions over files can become an MLTable.",
    context: { type },
  });
}

type Arguments = Readonly<Record<string, unknown>>;
/** The arguments of the steps that a block stands for; undefined when there is none. */
type Reader = (given: Arguments, lose: Lose) => readonly [op: Step["op"], argument: unknown] | undefined;

const READERS: Readonly<Record<string, Reader>> = {
  ParseDelimitedBlock: (given, lose) => {
    if ([given["skipRows"], given["skipRowsMode"]].some((count) => Number(count ?? 0) > 0))
      lose(".arguments.skipRows", "rows", "The first lines of the files are not skipped.");
    if (typeof given["commentLineCharacter"] === "string")
      lose(".arguments.commentLineCharacter", "rows", "Lines of comments are read as rows.");
    return [
      "read_delimited",
      {
        delimiter: given["separator"],
        header: named(HEADERS, given["columnHeadersMode"], 3),
        encoding: named(ENCODINGS, given["fileEncoding"], 0),
        support_multi_line: given["handleQuotedLineBreaks"] ?? false,
        empty_as_string: given["emptyAsString"] ?? false,
        // Types are set by steps of their own.
        infer_column_types: false,
        include_path_column: true,
        partition_size: given["partitionSize"] ?? undefined,
      },
    ];
  },
  ParseJsonLinesBlock: (given) => [
    "read_json_lines",
    {
      invalid_lines: named(INVALID_LINES, given["invalidLines"], 1),
      encoding: named(ENCODINGS, given["fileEncoding"], 0),
      include_path_column: true,
      partition_size: given["partitionSize"] ?? undefined,
    },
  ],
  ReadParquetFileBlock: () => ["read_parquet", { include_path_column: true }],
  TakeBlock: ({ count }) => ["take", count],
  SkipBlock: ({ count }) => ["skip", count],
  TakeSampleBlock: ({ probability, seed, probabilityLowerBound: lower }) => {
    const seeded = { probability, ...(seed === null || seed === undefined ? {} : { seed }) };
    if (lower === undefined || lower === null) return ["take_random_sample", seeded];
    return [
      "sample",
      { sampler: "random_percent", sampler_arguments: { ...seeded, probability_lower_bound: lower } },
    ];
  },
  KeepColumnsBlock: ({ columns }, lose) => ["keep_columns", selectorOf(columns, lose)],
  DropColumnsBlock: ({ columns }, lose) => ["drop_columns", selectorOf(columns, lose)],
  SelectPartitionsBlock: ({ partitionIndices }) => ["select_partitions", partitionIndices],
  AddColumnsFromPartitionFormatBlock: ({ column, partitionFormat, ignoreError }, lose) => {
    if (ignoreError === true)
      lose(".arguments.ignoreError", "rows", "A path that does not fit is an error, not a row of nulls.");
    if (selectorOf(column, lose) !== "Path")
      lose(
        ".arguments.column",
        "rows",
        "The format is looked for in the path of the file, not in another column.",
      );
    return ["extract_columns_from_partition_format", { partition_format: partitionFormat }];
  },
  ExpressionFilterBlock: ({ expression }) => ["filter", fromV1Expression(expression)],
  SetColumnTypesBlock: ({ columnConversion }, lose) => {
    const items = asList(columnConversion).flatMap((item, at): readonly ColumnConversion[] => {
      const { column, typeProperty, typeArguments } = asRecord(item);
      const type = columnType(typeProperty, asRecord(typeArguments));
      if (type === "stream_info" && Object.keys(asRecord(typeArguments)).length > 0)
        lose(
          `.arguments.columnConversion[${at}].typeArguments`,
          "types",
          "The workspace of the streams, and how their paths are written, is not kept.",
        );
      const columns = selectorOf(column, lose);
      if (type !== undefined) return [{ columns, column_type: type }];
      lose(
        `.arguments.columnConversion[${at}]`,
        "types",
        `${nameText(columns)} keeps its type: MLTable has none like it, or it needs formats.`,
      );
      return [];
    });
    if (asList(columnConversion).length === 0)
      lose("", "nothing", "A step that converts no column is left out.");
    return items.length === 0 ? undefined : ["convert_column_types", items];
  },
  ToStringBlock: ({ columns }, lose) => converted(columns, "string", lose),
  ToLongBlock: ({ columns }, lose) => converted(columns, "int", lose),
  ToNumberBlock: ({ columns, decimalPoint }, lose) =>
    converted(columns, { float: { decimal_mark: named(DECIMAL_MARKS, decimalPoint, 0) } }, lose),
  ToBoolBlock: ({ columns, trueValues, falseValues, mismatchAs }, lose) =>
    converted(columns, booleanType(asList(trueValues), asList(falseValues), mismatchAs), lose),
  ToDateTimeBlock: ({ columns, dateTimeFormats, dateConstant }, lose) =>
    converted(columns, datetimeType(dateTimeFormats, dateConstant), lose),
};

/** What blocks without a counterpart did. */
const NOTHING_TO_ROWS = /^(Cache|AssertSchema|ExpressionAssertValue|ToDataFrameDirectory)Block$/;

function readBlock(block: Arguments, lose: Lose): readonly Step[] {
  const type = asText(block["type"]);
  const reader = Object.hasOwn(READERS, nameOf(type)) ? READERS[nameOf(type)] : undefined;
  if (block["isEnabled"] === false) {
    lose("", "nothing", `${type} was switched off.`);
    return [];
  }
  if (reader === undefined) {
    const harmless = NOTHING_TO_ROWS.test(nameOf(type));
    lose("", harmless ? "nothing" : "rows", `${type} has no counterpart in MLTable, and is left out.`);
    return [];
  }
  try {
    const { given, rest } = watched(asRecord(block["arguments"]));
    const found = reader(given, lose);
    for (const name of rest()) lose(`.arguments.${name}`, "rows", "What it does there is not known here.");
    if (found === undefined) return [];
    const issues: PlanIssue[] = [];
    const step = parseStep(found[0], found[1], (issue) => issues.push(issue));
    if (step !== undefined) return [step];
    lose("", "rows", `${type} is left out: ${found[0]} ${issues[0]?.message ?? "is wrong"}.`);
  } catch (error) {
    if (!(error instanceof NoCounterpart)) throw error;
    lose("", "rows", `${type} is left out: ${error.message}.`);
  }
  return [];
}

/** Arguments, and which of them say something that nobody has looked at. */
function watched(all: Arguments): { readonly given: Arguments; readonly rest: () => readonly string[] } {
  const seen = new Set<unknown>();
  const given = new Proxy(all, {
    get(target, name, receiver) {
      seen.add(name);
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  const isEmpty = (value: unknown): boolean =>
    value === null || value === undefined || value === false || value === "";
  return { given, rest: () => Object.keys(all).filter((name) => !seen.has(name) && !isEmpty(all[name])) };
}

/** A name of a list by its number; of an unknown one the number, so that the step's check refuses it. */
function named<T>(names: readonly T[], value: unknown, fallback: number): T {
  return names[Number(value ?? fallback)] ?? (value as T);
}

function selectorOf(value: unknown, lose: Lose): ColumnSelector {
  const { details } = asRecord(value);
  const { selectedColumns, selectedColumn, term, useRegex, ignoreCase, invert, matchWholeWord } =
    asRecord(details);
  if (typeof selectedColumn === "string") return selectedColumn;
  if (Array.isArray(selectedColumns)) return selectedColumns as readonly string[];
  if (typeof term !== "string") throw new NoCounterpart("columns are chosen in an unknown way");
  const literal = useRegex === false ? term.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") : term;
  if (matchWholeWord === true && useRegex !== false)
    lose(".arguments.columns", "rows", "The pattern stands for whole names only.");
  return {
    pattern: matchWholeWord === true ? `^(?:${literal})$` : literal,
    ignore_case: ignoreCase === true,
    invert: invert === true,
  };
}

const nameText = (columns: ColumnSelector): string =>
  typeof columns === "string" ? columns : JSON.stringify(columns);

function converted(columns: unknown, type: ColumnTypeSpec, lose: Lose): readonly [Step["op"], unknown] {
  return ["convert_column_types", [{ columns: selectorOf(columns, lose), column_type: type }]];
}

function columnType(property: unknown, given: Arguments): ColumnTypeSpec | undefined {
  switch (property) {
    case 0:
      return "string";
    case 1:
      return booleanType(asList(given["trueValues"]), asList(given["falseValues"]), given["mismatchAs"]);
    case 2:
      return "int";
    case 3:
      return { float: { decimal_mark: named(DECIMAL_MARKS, given["decimalMark"], 0) } };
    case 4:
      return asList(given["dateTimeFormats"]).length === 0
        ? undefined
        : datetimeType(given["dateTimeFormats"], given["dateConstant"]);
    case 10:
      return "stream_info";
    default:
      return undefined;
  }
}

function booleanType(yes: readonly unknown[], no: readonly unknown[], mismatch: unknown): ColumnTypeSpec {
  const words =
    yes.length > 0 || no.length > 0 ? { true_values: yes as string[], false_values: no as string[] } : {};
  return { boolean: { ...words, mismatch_as: named(MISMATCHES, mismatch, 2) } };
}

function datetimeType(formats: unknown, constant: unknown): ColumnTypeSpec {
  const given = typeof constant === "string" && constant !== "" ? { date_constant: constant } : {};
  return { datetime: { formats: asList(formats) as readonly string[], ...given } };
}

/** Definitions read the path always, and drop it again: MLTable does not read it then. */
function foldPathColumn(steps: readonly Step[]): readonly Step[] {
  const drop = steps.findIndex((step) => step.op === "drop_columns" && step.columns === "Path");
  const read = steps.findIndex((step) => step.op.startsWith("read_"));
  const between = steps.slice(read + 1, Math.max(drop, 0));
  const early = read >= 0 && drop > read && between.every(({ op }) => op.startsWith("extract_"));
  if (!early) return Object.freeze(steps);
  const folded = steps.flatMap((step, at) => {
    if (at === drop) return [];
    if (at !== read) return [step];
    const { include_path_column: _, ...rest } = step as { include_path_column?: boolean } & Step;
    return [Object.freeze(rest) as Step];
  });
  return Object.freeze(folded);
}
