import type { Expr } from "./expr.ts";

/**
 * What to read and which steps to apply: plain JSON that survives `JSON.parse(JSON.stringify(plan))` unchanged.
 * The hash of its canonical form is its identity.
 */
export interface Plan<S extends Step = Step> {
  readonly version: 1;
  readonly source: Source;
  readonly steps: readonly S[];
  /** Absent: no column has a part to play. */
  readonly traits?: PlanTraits;
  readonly mltable?: MLTableNotes;
}

/** What an MLTable says besides: kept for whoever reads it, and without a meaning here. */
export interface MLTableNotes {
  /** Traits that are no columns of times. */
  readonly traits?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Which columns hold times. Changes no rows; the verbs of time series filter by them. */
export interface PlanTraits {
  readonly timestamp_column: string;
  /** A time of the whole file, from its path. */
  readonly partition_timestamp_column?: string;
}

export type Source = PathSource | QuerySource;

export interface PathSource {
  readonly from: "paths";
  readonly paths: readonly PathSpec[];
  /** The exact files that `paths` stood for when a version was registered, in reading order. */
  readonly pinned?: readonly PinnedFile[];
}

export interface QuerySource {
  readonly from: "query";
  readonly datastore: string;
  /** In the database's own SQL, with `:name` where a parameter belongs. */
  readonly query: string;
  readonly parameters?: Readonly<Record<string, QueryParameter>>;
  readonly timeoutMs?: number;
}

/** A parameter as JSON holds it. What JSON has no type for is a text, which the query casts. */
export type QueryParameter = string | number | boolean | null;

/** Absolute URIs: parsing resolves relative ones against the MLTable's own folder. */
export type PathSpec = { readonly file: string } | { readonly folder: string } | { readonly pattern: string };

export interface PinnedFile {
  readonly uri: string;
  /** Below the folder that a download recreates. */
  readonly relativePath: string;
  /** Bytes. */
  readonly size: number;
  readonly etag?: string;
}

/** A name, names, or a regular expression found anywhere in a name. */
export type ColumnSelector =
  | string
  | readonly string[]
  | { readonly pattern: string; readonly ignore_case?: boolean; readonly invert?: boolean };

export type ColumnTypeSpec =
  | "string"
  | "int"
  | "float"
  | "boolean"
  | "stream_info"
  | { readonly float: { readonly decimal_mark: "." | "," } }
  | {
      readonly boolean: {
        /** Both or neither; without them the words that plain `boolean` knows. */
        readonly true_values?: readonly string[];
        readonly false_values?: readonly string[];
        readonly mismatch_as?: "error" | "true" | "false";
      };
    }
  | { readonly datetime: { readonly formats: readonly string[]; readonly date_constant?: string } }
  | {
      readonly stream_info: {
        readonly subscription?: string;
        readonly resource_group?: string;
        readonly workspace_name?: string;
        readonly escaped?: boolean;
      };
    };

export interface ColumnConversion {
  readonly columns: ColumnSelector;
  readonly column_type: ColumnTypeSpec;
}

export interface TypeInference {
  readonly sample_size?: number;
  readonly column_type_overrides?: readonly ColumnConversion[];
}

export type Header =
  | "no_header"
  | "from_first_file"
  | "all_files_same_headers"
  | "all_files_different_headers";
export type Encoding =
  | "utf8"
  | "utf8bom"
  | "utf16"
  | "utf32"
  | "ascii"
  | "latin1"
  | "iso88591"
  | "windows1252";

/** `op` and its fields carry MLTable's own names, so file and plan read alike. Absent fields have MLTable's defaults. */
export type Step =
  | {
      readonly op: "read_delimited";
      readonly delimiter?: string;
      readonly header?: Header;
      readonly support_multi_line?: boolean;
      readonly empty_as_string?: boolean;
      readonly encoding?: Encoding;
      readonly include_path_column?: boolean;
      readonly infer_column_types?: boolean | TypeInference;
      readonly path_column?: string;
      readonly partition_size?: number;
    }
  | {
      readonly op: "read_json_lines";
      readonly invalid_lines?: "error" | "drop";
      readonly encoding?: Encoding;
      readonly include_path_column?: boolean;
      readonly path_column?: string;
      readonly partition_size?: number;
    }
  | { readonly op: "read_parquet"; readonly include_path_column?: boolean; readonly path_column?: string }
  | {
      readonly op: "read_delta_lake";
      readonly version_as_of?: number;
      readonly timestamp_as_of?: string;
      readonly include_path_column?: boolean;
    }
  | {
      readonly op: "extract_columns_from_partition_format";
      readonly partition_format: string;
      /**
       * How values stand in names: `plain`, the default, as they are; `hive`, as Hive and Spark write them: escaped (`%2E` is a
       * dot), and `__HIVE_DEFAULT_PARTITION__` for null. Azure ML's own reader knows `plain` only.
       */
      readonly value_encoding?: "plain" | "hive";
    }
  | { readonly op: "convert_column_types"; readonly columns: readonly ColumnConversion[] }
  | { readonly op: "keep_columns" | "drop_columns"; readonly columns: ColumnSelector }
  | { readonly op: "filter"; readonly where: Expr }
  | { readonly op: "take" | "skip"; readonly count: number }
  | { readonly op: "take_random_sample"; readonly probability: number; readonly seed?: number }
  | {
      /** Keeps a row when its draw u satisfies lower ≤ u < probability: the halves of a split are complements. */
      readonly op: "sample";
      readonly sampler: "random_percent";
      readonly sampler_arguments: {
        readonly probability: number;
        readonly probability_lower_bound?: number;
        readonly seed?: number;
      };
    }
  | { readonly op: "select_partitions"; readonly partitions: readonly number[] };

export type StepOp = Step["op"];
export type StepOf<Op extends StepOp> = Extract<Step, { op: Op }>;

/** A plan over files: steps that choose among them. */
export type FilePlan = Plan;
/** A plan over rows. */
export type TabularPlan = Plan;
