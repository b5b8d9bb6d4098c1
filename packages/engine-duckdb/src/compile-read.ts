import type { TabularPlan } from "@aml/core";
import { compileConversion } from "./compile-convert.ts";
import type { DelimitedGroup, DelimitedTable, Inspected, JsonTable, ParquetTable } from "./inspected.ts";
import { distinctIds, type PlanColumn } from "./plan-column.ts";
import { checked, FILE_INDEX, type CompileOptions, type Relation } from "./relation.ts";
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
  const shared = sharedColumns(plan, inspected);
  const data = inspected.kind === "files" ? [] : inspected.columns;
  refuseSameNames(shared, data);
  const ids = distinctIds([...shared.map(({ name }) => name), ...data.map(({ name }) => name)]);
  const sharedIds = ids.slice(0, shared.length);
  const reader = readerOf(inspected, ids.slice(shared.length), ids, options);
  const step = plan.steps[index];
  const name = step?.op.startsWith("read_") === true ? `step_${index}_${step.op}` : "files";
  const body = reader.select(sharedIds, shared);
  const from = quoteIdentifier(name);
  const fixed = shared.map((column, at): PlanColumn => {
    return { name: column.name, id: sharedIds[at] ?? "", sqlType: column.sqlType, nullable: false };
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
  }
}

function fileReader(count: number): Reader {
  const number = quoteIdentifier(FILE_INDEX);
  return {
    columns: [],
    select: (sharedIds, shared) =>
      `SELECT ${[number, ...constants(sharedIds, shared, number, 0, count)].join(",\n    ")}\n` +
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
  const conversions = table.columns.map(({ type }, at) =>
    compileConversion(quoteIdentifier(raw[at] ?? ""), "VARCHAR", type),
  );
  const columns = table.columns.map(({ name }, at): PlanColumn => {
    const conversion = conversions[at];
    const base = { name, id: ids[at] ?? "", sqlType: conversion?.sqlType ?? "VARCHAR", nullable: true };
    return conversion?.canFail === true ? { ...base, errorId: errors[at] } : base;
  });
  const values = distinctIds(
    ids.map((id) => `${id} value`),
    [...taken, ...raw, ...errors],
  );
  return {
    columns,
    select(sharedIds, shared) {
      const groups = table.groups.map((group) => {
        const list = [
          ...constants(sharedIds, shared, "file_index", group.first, group.paths.length),
          ...raw.map((id, at) => {
            const field = group.fieldOf[at] ?? -1;
            return `${field < 0 ? "NULL::VARCHAR" : `f${field}`} AS ${quoteIdentifier(id)}`;
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
      }
      const typed =
        inner.length === 0
          ? `(\n    ${source}\n  )`
          : `(SELECT *, ${inner.join(",\n    ")} FROM (\n    ${source}\n  ))`;
      return `SELECT ${outer.join(",\n    ") || NO_COLUMN}\n  FROM ${typed}`;
    },
  };
}

const NO_COLUMN = 'NULL AS "no column"';

/** Of files that are all empty. */
function noRows(ids: readonly string[], types: readonly string[]): string {
  const list = ids.map((id, at) => `NULL::${types[at] ?? "VARCHAR"} AS ${quoteIdentifier(id)}`);
  return `SELECT ${list.join(", ") || NO_COLUMN} WHERE false`;
}

/** Every option is given: what DuckDB guesses loses rows (a ragged file without error, for one). */
function readCsv(table: DelimitedTable, group: DelimitedGroup): string {
  const fields = Array.from({ length: group.fields }, (_, at) => `f${at}`);
  const typed = fields.map((field) => `${field}: 'VARCHAR'`).join(", ");
  const paths = group.paths.map(escapeGlob);
  // Numbers and dates have no empty text: for them an empty field is null whatever empty_as_string says.
  const text = table.columns.flatMap(({ type }, at) => {
    const field = group.fieldOf[at] ?? -1;
    return table.emptyAsString && type === "string" && field >= 0 ? [`f${field}`] : [];
  });
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
    ...(text.length > 0 ? [`force_not_null = ${quoteList(text)}`] : []),
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
      const fixed = constants(sharedIds, shared, "file_index", 0, table.paths.length);
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
  const columns = table.columns.map(({ name, sqlType, nullable }, at): PlanColumn => {
    return { name, id: ids[at] ?? "", sqlType, nullable };
  });
  return {
    columns,
    select(sharedIds, shared) {
      const arms = table.groups.map(({ first, paths, types }) => {
        const list = [
          ...constants(sharedIds, shared, "file_index", first, paths.length),
          ...columns.map(({ id, name, sqlType }) => {
            const from = types.get(name);
            const value =
              from === undefined ? `NULL::${sqlType}` : widened(quoteIdentifier(name), from, sqlType, name);
            return value === quoteIdentifier(id) ? value : `${value} AS ${quoteIdentifier(id)}`;
          }),
        ];
        return `SELECT ${list.join(", ") || NO_COLUMN}\n  FROM ${readParquet(paths)}`;
      });
      return arms.join("\n  UNION ALL\n  ");
    },
  };
}

export function readParquet(paths: readonly string[]): string {
  return `read_parquet(${quoteList(paths.map(escapeGlob))}, hive_partitioning = false)`;
}
