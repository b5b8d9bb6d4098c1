import { AmlError, isAmlError } from "./aml-error.ts";
import type { ReadTableOptions } from "./conversion-errors.ts";
import type { TabularDataset, TypedRowsOptions } from "./dataset.ts";
import type { TabularResult } from "./engine.ts";
import type { Cell, ColumnType, Row, RowOf, RowSchema, Schema } from "./table.ts";

type Open = (options?: ReadTableOptions) => Promise<TabularResult>;

/**
 * Reads the rows of what it opens, those of a schema from what is opened for its columns.
 *
 * Reading throws what opening does; and with a schema `schema_mismatch` for a column that is not there or of another type,
 * before any row, and with row and column for a null in a column that has none, and a timestamp that a database gave as
 * text.
 */
export function rowsReader(
  open: Open,
  openColumns?: (names: readonly string[]) => Open,
): TabularDataset["rows"] {
  function rows(options?: ReadTableOptions): AsyncIterable<Row>;
  function rows<const S extends RowSchema>(options: TypedRowsOptions<S>): AsyncIterable<RowOf<S>>;
  function rows(options?: ReadTableOptions & { readonly schema?: RowSchema }): AsyncIterable<Row> {
    if (options?.schema === undefined) return rowsOf(open, options);
    return typedRows(open, openColumns, options.schema, options);
  }
  return rows;
}

async function* rowsOf(open: Open, options?: ReadTableOptions): AsyncIterable<Row> {
  const result = await open(options);
  try {
    for await (const batch of result.batches(options)) yield* batch;
  } finally {
    await result[Symbol.asyncDispose]();
  }
}

/** Types are compared once, what a type leaves open in each row. */
async function* typedRows(
  open: Open,
  openColumns: ((names: readonly string[]) => Open) | undefined,
  schema: RowSchema,
  options: ReadTableOptions,
): AsyncIterable<Row> {
  const names = Object.keys(schema);
  const check = (found: Schema): void => {
    for (const name of names) checkColumn(name, typeOf(schema, name), found);
  };
  /** With all columns there, an error tells which there are. */
  const checkWhole = async (): Promise<void> => {
    await using whole = await open(options);
    check(whole.schema);
  };
  await using result = await (openColumns?.(names) ?? open)(options).catch(async (error: unknown) => {
    if (isAmlError(error, "plan_invalid")) await checkWhole();
    throw error;
  });
  if (names.length > result.schema.columns.length) await checkWhole();
  check(result.schema);
  const checks = names.flatMap((name) => {
    const fits = checkOf(schema, name);
    return fits === undefined ? [] : [{ name, fits }];
  });
  let number = 0;
  for await (const batch of result.batches(options)) {
    for (const row of batch) {
      for (const { name, fits } of checks)
        if (!fits(row[name] ?? null)) throw misfit(row, name, schema, number);
      number += 1;
      yield row;
    }
  }
}

function typeOf(schema: RowSchema, name: string): ColumnType {
  return schema[name]?.replace(/\?$/, "") as ColumnType;
}

/** What the type of a column does not tell of its values. */
function checkOf(schema: RowSchema, name: string): ((cell: Cell) => boolean) | undefined {
  const mayMiss = schema[name]?.endsWith("?") === true;
  if (typeOf(schema, name) === "timestamp") return (cell) => (cell === null ? mayMiss : cell instanceof Date);
  return mayMiss ? undefined : (cell) => cell !== null;
}

function checkColumn(name: string, wanted: ColumnType, { columns }: Schema): void {
  const found = columns.find((column) => column.name === name);
  if (found?.type === wanted) return;
  const message =
    found === undefined
      ? `There is no column ${name}.`
      : `Column ${name} is of type ${found.type}, not ${wanted}.`;
  const hint =
    found === undefined
      ? `There are ${columns.map((column) => column.name).join(", ")}.`
      : "Name the type that it has in the schema, or convert it first: convertColumnTypes().";
  throw new AmlError("schema_mismatch", message, {
    hint,
    context: { column: name, type: found?.type, wanted },
  });
}

function misfit(row: Row, name: string, schema: RowSchema, number: number): AmlError {
  const missing = (row[name] ?? null) === null;
  return new AmlError(
    "schema_mismatch",
    missing
      ? `Row ${number} has no value in column ${name}, which the schema calls ${schema[name]}.`
      : `Row ${number}, column ${name}: the timestamp is text, as the database was asked for.`,
    {
      hint: missing
        ? `Call it "${schema[name]}?" where values may be missing, or filter such rows out.`
        : "Call the column a string, or do not ask for text.",
      context: { row: number, column: name },
    },
  );
}
