import type { PlanColumn } from "./plan-column.ts";
import { quoteText } from "./sql-text.ts";

export interface CompileOptions {
  /** `fail`: a value that cannot be converted ends the query. `null`: it is null, and marked in `errorId`. */
  readonly onError: "null" | "fail";
  /** For samples without a seed. */
  readonly seed: number;
  /** Carries the file and the row of the source along with each row, and the texts that could not be converted. */
  readonly places?: boolean | undefined;
}

/** In a relation with places: the step, there being none of this number, whose columns are carried but never shown. */
export const PLACES = -1;

/** Names of the hidden columns of places: the index of the file, and the row of all files together, from 0. */
export const PLACE_IDS = ["place file", "place row"] as const;

/** A plan in the making: what the steps so far give. */
export interface Relation {
  readonly ctes: readonly string[];
  readonly from: string;
  readonly columns: readonly PlanColumn[];
  /** Columns of steps to come: partition values by step. */
  readonly pending: ReadonlyMap<number, readonly PlanColumn[]>;
  readonly pathColumn: string | undefined;
}

/** In a table of files, the number of the file; not shown. */
export const FILE_INDEX = "file number";

/** Begins the message of a conversion that failed; the column's name as JSON and the text follow. */
export const CONVERSION_FAILED = "aml-conversion-failed ";

/** Begins the message of a value that its column's type cannot hold; the name and the types follow as JSON. */
export const WIDENING_FAILED = "aml-widening-failed ";

/** Begins the message of a division by zero; the number of the step follows. */
export const DIVISION_BY_ZERO = "aml-division-by-zero ";

/** Begins the message of a nested value that cannot be written as JSON; the column's name as JSON follows. */
export const NO_JSON_NUMBER = "aml-no-json-number ";

/** The converted value; with `fail`, an error in place of the null that a value turned into. */
export function checked(name: string, original: string, value: string, options: CompileOptions): string {
  if (options.onError === "null") return value;
  const message = `${quoteText(`${CONVERSION_FAILED}${JSON.stringify(name)} `)} || left(${original}::VARCHAR, 80)`;
  return `CASE WHEN ${original} IS NOT NULL AND ${value} IS NULL THEN error(${message}) ELSE ${value} END`;
}
