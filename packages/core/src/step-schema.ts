import { exprCheck } from "./expr-check.ts";
import { parsePartitionFormat } from "./partition-format.ts";
import type { Step, StepOp } from "./plan.ts";
import { utcDate } from "./utc-date.ts";
import {
  bool,
  integer,
  isPlainObject,
  list,
  must,
  oneOf,
  quote,
  record,
  share,
  spelt,
  text,
  type Check,
  type Pointer,
  type Report,
} from "./value-check.ts";

const ENCODINGS = ["utf8", "utf8bom", "utf16", "utf32", "ascii", "latin1", "iso88591", "windows1252"];
const ENCODING_ALIAS = /^(utf-?8[ -]?bom|utf-?(8|16|32)|ascii|latin-?1|iso-?8859-?1|windows-?1252)$/i;
const encoding = spelt(
  (value) => (ENCODING_ALIAS.test(String(value)) ? String(value).replace(/[ -]/g, "").toLowerCase() : value),
  oneOf(ENCODINGS, "utf8"),
);

const seed = integer(0);
const words = list(text(), 1);
/** One string says the same as a list of one. */
const listed = (check: Check): Check =>
  spelt((value) => (typeof value === "string" ? [value] : value), check);
const nameList = listed(list(text()));
const names: Check = (value, at, report) => {
  const found = nameList(value, at, report) as string[] | undefined;
  return found?.length === 1 ? found[0] : found;
};
const matching = record({ pattern: text(), ignore_case: bool(), invert: bool() }, ["pattern"]);
const selector: Check = (value, at, report) => (isPlainObject(value) ? matching : names)(value, at, report);

const booleanWords = record(
  {
    true_values: words,
    false_values: words,
    mismatch_as: oneOf(["error", "true", "false"], "error"),
  },
  [],
  {
    also: ({ true_values: yes, false_values: no }) => {
      if (!yes !== !no) return "needs both true_values and false_values, or neither";
      const shared = (yes as string[] | undefined)?.find((word) => (no as string[]).includes(word));
      return shared !== undefined && `has ${quote(shared)} as true and as false`;
    },
  },
);
/** Those of Python and of DuckDB, which reads them. */
const DIRECTIVE = /%(?:-?[dHIjmMSy]|[abcefghnpuwxzABDFGRTUVWXYZ%])/g;
const format = must(
  "a format of times, such as %Y-%m-%d %H:%M:%S, of directives that are known",
  (value) => typeof value === "string" && !value.replace(DIRECTIVE, "").includes("%"),
);
const datetime = record({ formats: listed(list(format, 1)), date_constant: text() }, ["formats"]);

function conversions(columns: Check, mappings: Readonly<Record<string, Check>>): Check {
  const plain = oneOf(["string", "int", "float", "boolean", "stream_info"]);
  const mapping = record({ boolean: booleanWords, datetime, ...mappings }, [], { one: true });
  const columnType: Check = (value, pointer, report) => {
    if (value === "datetime")
      return void report({ pointer, message: "must be a mapping: datetime needs formats" });
    if (typeof value === "string") return plain(value, pointer, report);
    const checked = mapping(value, pointer, report) as Readonly<Record<string, object>> | undefined;
    // A mapping with nothing but defaults says the same as the plain word.
    const [entry] = Object.entries(checked ?? {});
    return entry && !Object.keys(entry[1])[0] ? entry[0] : checked;
  };
  return list(record({ columns, column_type: columnType }, ["columns", "column_type"]));
}

const inference = record({ sample_size: integer(1), column_type_overrides: conversions(names, {}) });
type Inference =
  | { readonly column_type_overrides?: readonly { readonly columns: string | readonly string[] }[] }
  | undefined;
const inferColumnTypes: Check = (value, at, report) => {
  const checked = (isPlainObject(value) ? inference : bool(true))(value, at, report) as Inference;
  const overridden = checked?.column_type_overrides?.flatMap(({ columns }) => columns) ?? [];
  const twice = overridden.find((name, index) => overridden.indexOf(name) < index);
  if (twice !== undefined) {
    const pointer = [...at, "column_type_overrides"];
    return void report({ pointer, message: `name the column ${quote(twice)} twice` });
  }
  return checked && !Object.keys(checked)[0] ? undefined : checked;
};

const delimiter = must(
  "one or two characters, no quote and no line break",
  (value) => typeof value === "string" && /^[^"\r\n]{1,2}$/u.test(value),
  ",",
);

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3])(:[0-5]\d){2}(\.\d+)?(Z|[+-]\d\d:\d\d)?$/;
const instant = must('an instant such as "2026-01-31T12:00:00Z"', (value) => {
  const [, year, month, day] = INSTANT.exec(String(value)) ?? [];
  return utcDate(Number(year), Number(month), Number(day));
});

const partitionFormat: Check = (value, pointer, report) => {
  try {
    if (text()(value, pointer, report)) parsePartitionFormat(value as string);
    return value;
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    return void report({ pointer, message: `is wrong: ${message}`, hint });
  }
};

const read = { include_path_column: bool(), path_column: text("Path") };
const lines = { ...read, encoding, partition_size: integer(1, 20_971_520) };
const random = { probability: share(), seed };
const sampler = "random_percent";

/** What each step takes in an MLTable; and the name that a plan gives to it where it is not a mapping of options. */
const STEPS: { readonly [Op in StepOp]: readonly [argument: Check, field?: string] } = {
  read_delimited: [
    record({
      ...lines,
      delimiter,
      header: oneOf(
        ["no_header", "from_first_file", "all_files_same_headers", "all_files_different_headers"],
        "all_files_same_headers",
      ),
      support_multi_line: bool(),
      empty_as_string: bool(),
      infer_column_types: inferColumnTypes,
    }),
  ],
  read_json_lines: [record({ ...lines, invalid_lines: oneOf(["error", "drop"], "error") })],
  read_parquet: [record(read)],
  read_delta_lake: [
    record({ version_as_of: integer(0), timestamp_as_of: instant, include_path_column: bool() }, [], {
      also: (value) =>
        "version_as_of" in value && "timestamp_as_of" in value && "takes a version or a timestamp, not both",
    }),
  ],
  extract_columns_from_partition_format: [
    record({ partition_format: partitionFormat, value_encoding: oneOf(["plain", "hive"], "plain") }, [
      "partition_format",
    ]),
  ],
  convert_column_types: [
    conversions(selector, {
      float: record({ decimal_mark: oneOf([".", ","], ".") }),
      stream_info: record({
        subscription: text(),
        resource_group: text(),
        workspace_name: text(),
        escaped: bool(),
      }),
    }),
    "columns",
  ],
  keep_columns: [selector, "columns"],
  drop_columns: [selector, "columns"],
  filter: [exprCheck, "where"],
  take: [integer(0), "count"],
  skip: [integer(0), "count"],
  take_random_sample: [record(random, ["probability"])],
  sample: [
    record(
      {
        sampler: spelt((value) => (value === "randomPercent" ? sampler : value), oneOf([sampler])),
        sampler_arguments: record({ ...random, probability_lower_bound: share(0) }, ["probability"], {
          also: ({ probability, probability_lower_bound: lower }) =>
            Number(lower) > Number(probability) && "has a lower bound above its probability",
        }),
      },
      ["sampler", "sampler_arguments"],
    ),
  ],
  select_partitions: [list(integer(0)), "partitions"],
};

/** The names of all steps. */
export const STEP_OPS: readonly StepOp[] = Object.keys(STEPS) as StepOp[];

/**
 * Checks one step as MLTable writes it: a name and an argument. A filter's argument is its `Expr`.
 *
 * @param at - the place of the argument; each reported pointer starts with it.
 * @returns the step, frozen, options that have their default value left out; undefined after an error.
 */
export function parseStep(op: string, argument: unknown, report: Report, at: Pointer = []): Step | undefined {
  return checkStep(op, report, at, ([check, field], inner) => {
    const value = check(argument, at, inner);
    return field === undefined ? value : { [field]: value };
  });
}

/** Checks one step as a plan holds it: a mapping with `op` and named fields. */
export const stepCheck: Check = (value, at, report) => {
  const { op, ...fields } = isPlainObject(value) ? value : {};
  if (typeof op !== "string") return void report({ pointer: at, message: "must be a mapping with an op" });
  return checkStep(op, report, at, ([check, field], inner) =>
    (field === undefined ? check : record({ [field]: check }, [field]))(fields, at, inner),
  );
};

function checkStep(
  op: string,
  report: Report,
  pointer: Pointer,
  fieldsOf: (schema: readonly [Check, string?], report: Report) => unknown,
): Step | undefined {
  if (!STEP_OPS.includes(op as StepOp)) {
    report({ pointer, key: op, known: STEP_OPS, message: `is an unknown step, ${quote(op)}` });
    return undefined;
  }
  let failed = false;
  const fields = fieldsOf(STEPS[op as StepOp], (issue) => {
    failed = true;
    report(issue);
  });
  return failed ? undefined : (Object.freeze({ op, ...(fields as object) }) as Step);
}
