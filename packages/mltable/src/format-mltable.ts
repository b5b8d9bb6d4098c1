import { type ColumnConversion, type Step } from "@aml/core";
import { formatFilter } from "@aml/core/plan";
import { Document, Scalar } from "yaml";
import type { MLTable } from "./mltable.ts";
import { parseMLTable } from "./parse-mltable.ts";
import { LINE_OPTIONS, toNodes, WRITE_OPTIONS } from "./yaml-text.ts";

const LINES = {
  encoding: "utf8",
  include_path_column: false,
  partition_size: 20_971_520,
  path_column: "Path",
};
const DEFAULTS: Readonly<Partial<Record<Step["op"], object>>> = {
  read_delimited: {
    ...LINES,
    delimiter: ",",
    empty_as_string: false,
    header: "all_files_same_headers",
    infer_column_types: true,
    support_multi_line: false,
  },
  read_json_lines: { ...LINES, invalid_lines: "error" },
  read_parquet: { include_path_column: false, path_column: "Path" },
};

/**
 * The canonical text of an MLTable: keys in order, the defaults of read steps written out, `type: mltable`.
 *
 * `parseMLTable` gives an equal table back. Comments are not kept: `editMLTable` keeps them.
 *
 * @throws `plan_invalid` when the table, perhaps made by hand, is none: the text is read once to be sure.
 */
export function formatMLTable(table: MLTable): string {
  return write(parseMLTable(write(table)));
}

function write(table: MLTable): string {
  const { paths, transformations, traits, metadata } = table;
  const recipe = {
    ...(Object.keys(metadata).length > 0 && { metadata }),
    paths,
    ...(Object.keys(traits).length > 0 && { traits }),
    ...(transformations.length > 0 && { transformations: transformations.map(formatStep) }),
    type: "mltable",
  };
  const document = new Document(toNodes(sorted(recipe)), { ...WRITE_OPTIONS, aliasDuplicateObjects: false });
  // Texts with these stand in double quotes, and Python's reader takes them for line breaks even there.
  return document
    .toString(LINE_OPTIONS)
    .replace(/[\u0085\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** One step as it stands in a file: a mapping of its name to its argument. */
export function formatStep(step: Step): Readonly<Record<string, unknown>> {
  return { [step.op]: argumentOf(step) };
}

function argumentOf(step: Step): unknown {
  switch (step.op) {
    case "filter":
      return formatFilter(step.where);
    case "take":
    case "skip":
      return step.count;
    case "keep_columns":
    case "drop_columns":
      return step.columns;
    case "select_partitions":
      return step.partitions;
    case "convert_column_types":
      return step.columns.map(formatConversion);
    case "sample": {
      const { sampler, sampler_arguments: given } = step;
      const lower = float(given.probability_lower_bound ?? 0);
      const bounds = { probability: float(given.probability), probability_lower_bound: lower };
      return { sampler, sampler_arguments: { ...given, ...bounds } };
    }
    case "take_random_sample": {
      const { op: _, probability, ...options } = step;
      return { ...options, probability: float(probability) };
    }
    case "read_delimited": {
      const { op, infer_column_types: infer = true, ...options } = step;
      const overrides = typeof infer === "object" ? infer.column_type_overrides : undefined;
      const inference = overrides
        ? { ...(infer as object), column_type_overrides: overrides.map(formatConversion) }
        : infer;
      return { ...DEFAULTS[op], ...options, infer_column_types: inference };
    }
    default: {
      const { op, ...options } = step;
      return { ...DEFAULTS[op], ...options };
    }
  }
}

function formatConversion({ columns, column_type: type }: ColumnConversion): unknown {
  const words = typeof type === "object" && "boolean" in type ? type.boolean : undefined;
  return { columns, column_type: words ? { boolean: { mismatch_as: "error", ...words } } : type };
}

/** Azure's reader refuses an integer as a probability. */
function float(value: number): Scalar {
  return Object.assign(new Scalar(value), { minFractionDigits: 1 });
}

function sorted(value: unknown): unknown {
  if (value instanceof Scalar || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}
