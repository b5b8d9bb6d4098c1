import type { TabularPlan } from "@aml/core";
import { compileConversion } from "./compile-convert.ts";
import { countedRow } from "./counted-row.ts";
import { deltaReader } from "./delta/compile-delta.ts";
import type {
  DelimitedGroup,
  DelimitedTable,
  Inspected,
  JsonTable,
  ParquetGroup,
  ParquetTable,
  RowTable,
} from "./inspected.ts";
import { noRows, NO_COLUMN } from "./no-rows.ts";
import { hidesRowNumbers, rowsFrom, type RowRange } from "./row-range.ts";
import { distinctIds, type PlanColumn } from "./plan-column.ts";
import { checked, FILE_INDEX, PLACE_IDS, PLACES, type CompileOptions, type Relation } from "./relation.ts";
import { constants, refuseSameNames, sharedColumns, type SharedColumn } from "./shared-columns.ts";
import { escapeGlob, quoteIdentifier, quoteList, quoteText } from "./sql-text.ts";
import { widened } from "./unite-schemas.ts";

/** The rows of the files, with the columns that are the same for all rows of a file. */
export function compileRead(
  plan: TabularPlan,
  inspected: Inspected,
  index: number,
  options: CompileOptions,
): Relation {
  const known = sharedColumns(plan, inspected);
  const data = inspected.kind === "files" ? [] : inspected.columns;
  refuseSameNames(known, data);
  const shared =
    options.places === true && inspected.uris.length > 0 ? [...known, fileNumber(inspected)] : known;
  const ids = distinctIds([...shared.map(({ name }) => name), ...data.map(({ name }) => name)]);
  const sharedIds = ids.slice(0, shared.length);
  const reader = readerOf(inspected, ids.slice(shared.length), ids, options);
  const step = plan.steps[index];
  const name =
    step?.op.startsWith("read_") === true
      ? `step_${index}_${step.op}`
      : plan.source.from === "query"
        ? "query"
        : "files";
  const body = reader.select(sharedIds, shared);
  const from = quoteIdentifier(name);
  const fixed = shared.map((column, at): PlanColumn => {
    return {
      name: column.name,
      id: sharedIds[at] ?? "",
      sqlType: column.sqlType,
      nullable: column.values.includes(null),
    };
  });
  const pending = new Map<number, PlanColumn[]>();
  const visible: PlanColumn[] = [];
  for (const [at, column] of fixed.entries()) {
    const stepIndex = shared[at]?.step;
    if (stepIndex === undefined) visible.push(column);
    else pending.set(stepIndex, [...(pending.get(stepIndex) ?? []), column]);
  }
  return {
    ctes: [`${from} AS NOT MATERIALIZED (\n  ${body}\n)`],
    from,
    columns: [...visible, ...reader.columns],
    pending,
    pathColumn: visible[0]?.name,
  };
}

function fileNumber({ uris }: Inspected): SharedColumn {
  return { name: PLACE_IDS[0], sqlType: "INTEGER", values: uris.map((_, at) => String(at)), step: PLACES };
}

interface Reader {
  readonly columns: readonly PlanColumn[];
  select(sharedIds: readonly string[], shared: readonly SharedColumn[]): string;
}

function readerOf(
  inspected: Inspected,
  ids: readonly string[],
  taken: readonly string[],
  options: CompileOptions,
): Reader {
  switch (inspected.kind) {
    case "files":
      return fileReader(inspected.uris.length);
    case "delimited":
      return delimitedReader(inspected, ids, taken, options);
    case "json_lines":
      return jsonReader(inspected, ids);
    case "parquet":
      return parquetReader(inspected, ids);
    case "delta":
      return deltaReader(inspected, ids);
    case "rows":
      return rowReader(inspected, ids);
  }
}

function rowReader({ table, columns }: RowTable, ids: readonly string[]): Reader {
  const list = columns.map(({ value }, at) => `${value} AS ${quoteIdentifier(ids[at] ?? "")}`);
  return {
    columns: columns.map(({ name, sqlType, arrowType }, at): PlanColumn => {
      return { name, id: ids[at] ?? "", sqlType, nullable: true, arrowType };
    }),
    select: () => `SELECT ${list.join(", ") || 'NULL AS "no column"'} FROM ${quoteIdentifier(table)}`,
  };
}

function fileReader(count: number): Reader {
  const number = quoteIdentifier(FILE_INDEX);
  return {
    columns: [],
    select: (sharedIds, shared) =>
      `SELECT ${[number, ...constants(sharedIds, shared, number, upTo(count))].join(",\n    ")}\n` +
      `  FROM (SELECT unnest(range(${count})) AS ${number})`,
  };
}

function delimitedReader(
  table: DelimitedTable,
  ids: readonly string[],
  taken: readonly string[],
  options: CompileOptions,
): Reader {
  const raw = distinctIds(
    ids.map((id) => `${id} text`),
    taken,
  );
  const errors = distinctIds(
    ids.map((id) => `${id} error`),
    [...taken, ...raw],
  );
  const originals = distinctIds(
    ids.map((id) => `${id} original`),
    [...taken, ...raw, ...errors],
  );
  const conversions = table.columns.map(({ type }, at) =>
    compileConversion(quoteIdentifier(raw[at] ?? ""), "VARCHAR", type),
  );
  const columns = table.columns.map(({ name }, at): PlanColumn => {
    const conversion = conversions[at];
    const base = { name, id: ids[at] ?? "", sqlType: conversion?.sqlType ?? "VARCHAR", nullable: true };
    if (conversion?.canFail !== true) return base;
    const errorId = errors[at];
    return options.places === true ? { ...base, errorId, originalId: originals[at] } : { ...base, errorId };
  });
  const values = distinctIds(
    ids.map((id) => `${id} value`),
    [...taken, ...raw, ...errors, ...originals],
  );
  return {
    columns,
    select(sharedIds, shared) {
      const groups = table.groups.map((group) => {
        const list = [
          ...constants(sharedIds, shared, "file_index", upTo(group.paths.length, group.first)),
          ...raw.map((id, at) => {
            const field = group.fieldOf[at] ?? -1;
            const value = field < 0 ? "NULL::VARCHAR" : `f${field}`;
            // Numbers, dates and booleans have no empty text: for them it is null.
            const empty = field >= 0 && table.columns[at]?.type !== "string" && mayBeEmpty(table, group);
            return `${empty ? `nullif(${value}, '')` : value} AS ${quoteIdentifier(id)}`;
          }),
        ];
        return `SELECT ${list.join(", ")}\n    FROM ${readCsv(table, group)}`;
      });
      const nothing = noRows(
        [...sharedIds, ...raw],
        [...shared.map(({ sqlType }) => sqlType), ...raw.map(() => "VARCHAR")],
      );
      const source = groups.join("\n    UNION ALL\n    ") || nothing;
      const all = sharedIds.map(quoteIdentifier);
      const inner: string[] = [];
      const outer = [...all];
      for (const [at, column] of columns.entries()) {
        const text = quoteIdentifier(raw[at] ?? "");
        if (column.errorId === undefined) {
          outer.push(`${conversions[at]?.sql ?? text} AS ${quoteIdentifier(column.id)}`);
          continue;
        }
        const value = quoteIdentifier(values[at] ?? "");
        inner.push(`${conversions[at]?.sql ?? text} AS ${value}`);
        outer.push(`${checked(column.name, text, value, options)} AS ${quoteIdentifier(column.id)}`);
        outer.push(`(${text} IS NOT NULL AND ${value} IS NULL) AS ${quoteIdentifier(column.errorId)}`);
        if (column.originalId !== undefined) outer.push(`${text} AS ${quoteIdentifier(column.originalId)}`);
      }
      const typed =
        inner.length === 0
          ? `(\n    ${source}\n  )`
          : `(SELECT *, ${inner.join(",\n    ")} FROM (\n    ${source}\n  ))`;
      return `SELECT ${outer.join(",\n    ") || NO_COLUMN}\n  FROM ${typed}`;
    },
  };
}

function mayBeEmpty({ emptyAsString }: DelimitedTable, { unquoted }: DelimitedGroup): boolean {
  return emptyAsString || !unquoted;
}

/** Every option is given: what DuckDB guesses loses rows (a ragged file without error, for one). */
function readCsv(table: DelimitedTable, group: DelimitedGroup): string {
  const fields = Array.from({ length: group.fields }, (_, at) => `f${at}`);
  const typed = fields.map((field) => `${field}: 'VARCHAR'`).join(", ");
  const paths = group.paths.map(escapeGlob);
  const options = [
    "auto_detect = false",
    `header = ${group.skipHeader}`,
    `delim = ${quoteText(table.delimiter)}`,
    `quote = ${group.unquoted ? "''" : `'"'`}`,
    `escape = ${group.unquoted ? "''" : `'"'`}`,
    `null_padding = ${!group.padded}`,
    "strict_mode = true",
    // Left to itself DuckDB takes the first line break that it sees, be it one within quotes. Files with several
    // sorts of line breaks are rewritten; given for others ('\\r\\n'), the option makes DuckDB lose all rows.
    ...(group.padded ? ["new_line = '\\n'"] : []),
    "hive_partitioning = false",
    "compression = 'none'",
    // DuckDB cannot pad short rows on several threads in a file with quoted line breaks.
    `parallel = ${group.padded || !group.multiLine}`,
    `columns = {${typed}}`,
    // Nothing is null, quotes around nothing are an empty text. A rewritten file has quotes wherever one is meant; in
    // others a field is never a line break by itself, so that only missing fields are null.
    "allow_quoted_nulls = false",
    ...(table.emptyAsString && !group.padded ? ["nullstr = '\n'"] : []),
  ];
  // A blank line is a row of a one-column file for DuckDB, and none for MLTable. Without quotes nothing else is empty.
  const rows = `read_csv(${quoteList(paths)}, ${options.join(", ")})`;
  return group.fields === 1 && group.unquoted ? `${rows}\n    WHERE f0 <> ''` : rows;
}

function jsonReader(table: JsonTable, ids: readonly string[]): Reader {
  const columns = table.columns.map(({ name, sqlType }, at): PlanColumn => {
    return { name, id: ids[at] ?? "", sqlType, nullable: true };
  });
  const paths = quoteList(table.paths.map(escapeGlob));
  const common = "format = 'newline_delimited', compression = 'uncompressed', hive_partitioning = false";
  // Names that differ by case only cannot be columns of one read_json.
  const simple = columns.length > 0 && columns.every(({ id, name }) => id === name);
  return {
    columns,
    select(sharedIds, shared) {
      if (table.paths.length === 0) {
        return noRows(
          [...sharedIds, ...ids],
          [...shared, ...columns].map(({ sqlType }) => sqlType),
        );
      }
      const fixed = constants(sharedIds, shared, "file_index", upTo(table.paths.length));
      if (simple) {
        const typed = columns.map(({ name, sqlType }) => `${quoteIdentifier(name)}: ${quoteText(sqlType)}`);
        const list = [...fixed, ...columns.map(({ id }) => quoteIdentifier(id))];
        const options = `${common}, records = true, auto_detect = false, maximum_object_size = ${MAX_OBJECT_BYTES}`;
        return `SELECT ${list.join(", ")}\n  FROM read_json(${paths}, ${options}, columns = {${typed.join(", ")}})`;
      }
      const pointers = columns.map(({ name }) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
      const list = [
        ...sharedIds.map(quoteIdentifier),
        ...columns.map(
          ({ id, sqlType }, at) => `${jsonValue(`v[${at + 1}]`, sqlType)} AS ${quoteIdentifier(id)}`,
        ),
      ];
      const options = `${common}, maximum_object_size = ${MAX_OBJECT_BYTES}`;
      const values = columns.length === 0 ? "NULL" : `json_extract(json, ${quoteList(pointers)})`;
      return (
        `SELECT ${list.join(",\n    ") || NO_COLUMN}\n  FROM (SELECT ${[...fixed, `${values} AS v`].join(", ")}\n` +
        `    FROM read_json_objects(${paths}, ${options}))`
      );
    },
  };
}

/** Bytes of the longest line that is read. */
export const MAX_OBJECT_BYTES: number = 64 * 2 ** 20;

function jsonValue(value: string, sqlType: string): string {
  if (sqlType === "VARCHAR") return `${value} ->> '$'`;
  if (sqlType === "JSON") return `CASE WHEN json_type(${value}) <> 'NULL' THEN ${value} END`;
  return `CASE WHEN json_type(${value}) <> 'NULL' THEN ${value}::${sqlType} END`;
}

function parquetReader(table: ParquetTable, ids: readonly string[]): Reader {
  const columns = table.columns.map((column, at): PlanColumn => ({ ...column, id: ids[at] ?? "" }));
  return {
    columns,
    select(sharedIds, shared) {
      const counted = countedRow(table, [...sharedIds, ...ids]);
      const arms = table.groups.map(({ places, paths, types, renamed, values, rows }) => {
        const list = [
          ...counted,
          ...constants(sharedIds, shared, "file_index", places, rowGroupOf(table, places)),
          ...columns.map(({ id, name, sqlType }) => {
            const own = renamed?.get(name) ?? name;
            const from = types.get(own);
            const read = values?.get(own) ?? quoteIdentifier(own);
            const value = from === undefined ? `NULL::${sqlType}` : widened(read, from, sqlType, name);
            return value === quoteIdentifier(id) ? value : `${value} AS ${quoteIdentifier(id)}`;
          }),
        ];
        const arm = `SELECT ${list.join(", ") || NO_COLUMN}\n  FROM ${readParquet(paths)}`;
        return rows === undefined ? arm : someRows(arm, rows, types);
      });
      return arms.join("\n  UNION ALL\n  ");
    },
  };
}

/**
 * A range of a file's rows. Behind a LIMIT, DuckDB sometimes looks into row groups that it does not need, unlike with a
 * condition on the rows' numbers; which a column of the same name hides.
 */
function someRows(arm: string, rows: RowRange, types: ParquetGroup["types"]): string {
  return hidesRowNumbers(types)
    ? `(${arm} LIMIT ${rows.to - rows.from} OFFSET ${rows.from})`
    : `${arm} WHERE ${rowsFrom(rows)}`;
}

/** What to add to a file's first partition for that of a row: the number of its row group. */
function rowGroupOf({ rowGroups }: ParquetTable, places: readonly number[]): string {
  if (rowGroups === undefined) return "";
  const starts = places.map((place) => rowGroups[place] ?? []);
  const sizes = starts.map(([, size = 2 ** 52]) => size);
  const even = starts.every((list, at) => list.every((start, group) => start === group * (sizes[at] ?? 0)));
  if (even) return ` + file_row_number // ([${sizes.join(", ")}]::BIGINT[])[file_index::BIGINT + 1]`;
  const lists = `([${starts.map((list) => `[${list.join(", ")}]`).join(", ")}]::BIGINT[][])[file_index::BIGINT + 1]`;
  return ` + len(list_filter(${lists}, lambda start: start <= file_row_number)) - 1`;
}

function upTo(count: number, first = 0): readonly number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

export function readParquet(paths: readonly string[]): string {
  return `read_parquet(${quoteList(paths.map(escapeGlob))}, hive_partitioning = false)`;
}
