import { exprCheck } from "./expr-check.ts";
import { parsePartitionFormat } from "./partition-format.ts";
import type { Step, StepOp } from "./plan.ts";
import { utcDate } from "./utc-date.ts";
import {
  bool,
  either,
  eachOf,
  integer,
  oneOf,
  quote,
  real,
  record,
  text,
  texts,
  type Check,
  type Pointer,
  type Report,
} from "./value-check.ts";

const ENCODINGS: Readonly<Record<string, string>> = {
  utf8: "utf8",
  "utf-8": "utf8",
  utf8bom: "utf8bom",
  "utf8 bom": "utf8bom",
  "utf-8 bom": "utf8bom",
  utf16: "utf16",
  "utf-16": "utf16",
  utf32: "utf32",
  "utf-32": "utf32",
  ascii: "ascii",
  latin1: "latin1",
  "latin-1": "latin1",
  iso88591: "iso88591",
  "iso-8859-1": "iso88591",
  windows1252: "windows1252",
  "windows-1252": "windows1252",
};

const encoding = oneOf(ENCODINGS, "utf8");
const pathColumn = text({ fallback: "Path" });
const partitionSize = integer(1, 20_971_520);
const probability = real(0, 1);
const seed = integer(Number.MIN_SAFE_INTEGER);

/** One name says the same as a list of one. */
const names: Check = (value, at, report) => {
  const list = texts(0)(value, at, report) as readonly string[] | undefined;
  return list?.length === 1 ? list[0] : list;
};
const nameOrNames = either("a column name or a list of them", { string: text(), array: names });
const selector = either("a column name, a list of them, or a mapping with a pattern", {
  string: text(),
  array: names,
  object: record({ pattern: text(), ignore_case: bool(false), invert: bool(false) }, ["pattern"], {
    open: true,
  }),
});

const textOrTexts: Check = (value, at, report) =>
  texts(1)(typeof value === "string" ? [value] : value, at, report);
const booleanWords = record(
  { true_values: texts(1), false_values: texts(1), mismatch_as: oneOf(["error", "true", "false"], "error") },
  [],
  {
    also(value, at, report) {
      const yes = value["true_values"] as readonly string[] | undefined;
      const no = value["false_values"] as readonly string[] | undefined;
      if (!yes !== !no)
        report({ pointer: at, message: "needs both true_values and false_values, or neither" });
      const shared = yes?.find((word) => no?.includes(word));
      if (shared !== undefined) {
        report({ pointer: at, message: `has ${quote(shared)} in both true_values and false_values` });
      }
    },
  },
);
const datetime = record({ formats: textOrTexts, date_constant: text({ empty: true }) }, ["formats"]);
const streamInfo = record({
  subscription: text(),
  resource_group: text(),
  workspace_name: text(),
  escaped: bool(false),
});

function columnType(mappings: Readonly<Record<string, Check>>): Check {
  const plain = oneOf(["string", "int", "float", "boolean", "stream_info"]);
  const mapping = record(mappings, [], { one: true });
  return (value, at, report) => {
    if (value === "datetime") {
      return report({
        pointer: at,
        message: "needs formats: the plain word datetime says not how to read the text",
        hint: 'Write, for example, { datetime: { formats: ["%Y-%m-%d"] } }.',
      });
    }
    if (typeof value === "string") return plain(value, at, report);
    const checked = mapping(value, at, report) as Readonly<Record<string, unknown>> | undefined;
    // A mapping with nothing but defaults says the same as the plain word.
    const [entry] = Object.entries(checked ?? {});
    return entry && Object.keys(entry[1] as object).length === 0 ? entry[0] : checked;
  };
}

const overrides = eachOf(
  record({ columns: nameOrNames, column_type: columnType({ boolean: booleanWords, datetime }) }, [
    "columns",
    "column_type",
  ]),
);
const conversions = eachOf(
  record(
    {
      columns: selector,
      column_type: columnType({
        boolean: booleanWords,
        datetime,
        float: record({ decimal_mark: oneOf([".", ","], ".") }),
        stream_info: streamInfo,
      }),
    },
    ["columns", "column_type"],
  ),
);

const inference = record({ sample_size: integer(1), column_type_overrides: overrides });
const inferColumnTypes: Check = (value, at, report) => {
  const checked = either("true, false or a mapping", { boolean: bool(true), object: inference })(
    value,
    at,
    report,
  );
  return checked && Object.keys(checked).length === 0 ? undefined : checked;
};

const delimiter: Check = (value, at, report) => {
  const checked = text({ fallback: "," })(value, at, report) as string | undefined;
  if (checked !== undefined && ([...checked].length > 2 || /["\r\n]/.test(checked))) {
    report({
      pointer: at,
      message: `must be one or two characters, no quote and no line break, not ${quote(checked)}`,
      hint: 'A tab is written "\\t" in double quotes.',
    });
  }
  return checked;
};

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/;
const instant: Check = (value, at, report) => {
  const [, year, month, day] = (typeof value === "string" && INSTANT.exec(value)) || [];
  if (utcDate(Number(year), Number(month), Number(day))) return value;
  report({ pointer: at, message: `must be an instant such as "2026-01-31T12:00:00Z", not ${quote(value)}` });
};

const partitionFormat: Check = (value, at, report) => {
  if (text()(value, at, report) === undefined) return;
  try {
    parsePartitionFormat(value as string);
    return value;
  } catch (error) {
    report({ pointer: at, message: `is not a partition format: ${(error as Error).message}` });
  }
};

interface StepSchema {
  /** Checks the step's fields. */
  readonly fields: Check;
  /** The field that an MLTable gives as the step's whole argument. */
  readonly argument?: string;
}

const only = (name: string, check: Check): StepSchema => ({
  fields: record({ [name]: check }, [name]),
  argument: name,
});
const path = { include_path_column: bool(false), path_column: pathColumn };
const headers = ["no_header", "from_first_file", "all_files_same_headers", "all_files_different_headers"];
const rows = only("count", integer(0));
const columns = only("columns", selector);

const STEPS: { readonly [Op in StepOp]: StepSchema } = {
  read_delimited: {
    fields: record({
      ...path,
      delimiter,
      header: oneOf(headers, "all_files_same_headers"),
      support_multi_line: bool(false),
      empty_as_string: bool(false),
      encoding,
      infer_column_types: inferColumnTypes,
      partition_size: partitionSize,
    }),
  },
  read_json_lines: {
    fields: record({
      ...path,
      invalid_lines: oneOf(["error", "drop"], "error"),
      encoding,
      partition_size: partitionSize,
    }),
  },
  read_parquet: { fields: record(path) },
  read_delta_lake: {
    fields: record(
      { version_as_of: integer(0), timestamp_as_of: instant, include_path_column: bool(false) },
      [],
      {
        also(value, at, report) {
          if ("version_as_of" in value && "timestamp_as_of" in value) {
            report({ pointer: at, message: "takes version_as_of or timestamp_as_of, not both" });
          }
        },
      },
    ),
  },
  extract_columns_from_partition_format: {
    fields: record({ partition_format: partitionFormat }, ["partition_format"], { open: true }),
  },
  convert_column_types: only("columns", conversions),
  keep_columns: columns,
  drop_columns: columns,
  filter: only("where", exprCheck),
  take: rows,
  skip: rows,
  take_random_sample: { fields: record({ probability, seed }, ["probability"], { open: true }) },
  sample: {
    fields: record(
      {
        sampler: oneOf({ random_percent: "random_percent", randomPercent: "random_percent" }),
        sampler_arguments: record(
          { probability, probability_lower_bound: real(0, 1, 0), seed },
          ["probability"],
          {
            open: true,
            also(value, at, report) {
              if (((value["probability_lower_bound"] ?? 0) as number) > (value["probability"] as number)) {
                report({ pointer: at, message: "has a probability_lower_bound above its probability" });
              }
            },
          },
        ),
      },
      ["sampler", "sampler_arguments"],
      { open: true },
    ),
  },
  select_partitions: only("partitions", eachOf(integer(0), 1)),
};

/** The names of all steps. */
export const STEP_OPS: readonly StepOp[] = Object.keys(STEPS) as StepOp[];

/**
 * Checks one step given as MLTable writes it: a name and an argument.
 *
 * @param argument - what stands after the name: a mapping of options or a plain value; a filter as an `Expr`.
 * @param at - the place of the argument, put before each pointer reported.
 * @returns the step, frozen, options that have their default value left out; undefined if an error was reported.
 */
export function parseStep(op: string, argument: unknown, report: Report, at: Pointer = []): Step | undefined {
  return checkStep(op, argument, report, at, true);
}

/** As `parseStep`, of a step's own fields as they stand in a plan. */
export function checkStep(
  op: string,
  fields: unknown,
  report: Report,
  at: Pointer,
  argumentOnly: boolean,
): Step | undefined {
  if (!Object.hasOwn(STEPS, op)) {
    report({ pointer: at, key: op, known: STEP_OPS, message: `is an unknown step: ${quote(op)}` });
    return undefined;
  }
  const { fields: check, argument } = STEPS[op as StepOp];
  let failed = false;
  const spy: Report = (issue) => {
    failed ||= !issue.warning;
    const { pointer } = issue;
    // The one field of such a step has no name of its own in an MLTable.
    const short = argumentOnly && argument !== undefined && pointer[at.length] === argument;
    report(short ? { ...issue, pointer: [...at, ...pointer.slice(at.length + 1)] } : issue);
  };
  const value = check(argumentOnly && argument !== undefined ? { [argument]: fields } : fields, at, spy);
  return failed ? undefined : (Object.freeze({ op, ...(value as object) }) as Step);
}
