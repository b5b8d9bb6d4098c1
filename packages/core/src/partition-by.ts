import { AmlError } from "./aml-error.ts";
import type { TabularDataset } from "./dataset.ts";
import type { Expr } from "./expr.ts";
import {
  arePlain,
  folderName,
  type KeyCell,
  type KeyType,
  partitionValue,
  type PartitionValue,
  RESTORED,
} from "./partition-value.ts";
import { parsePlan } from "./parse-plan.ts";
import type { ColumnConversion, Plan, Step } from "./plan.ts";
import type { OperationOptions, StorePath } from "./storage.ts";
import { joinStorePath } from "./store-path.ts";
import type { Schema } from "./table.ts";
import type { LocatedPath } from "./workspace.ts";
import { writeFile } from "./write-file.ts";
import type { WriteContext } from "./write-rows.ts";

interface Key {
  readonly name: string;
  readonly type: KeyType;
}

interface Part {
  /** One for each key. */
  readonly values: readonly PartitionValue[];
  readonly where: Expr;
}

/**
 * Writes a table as Parquet, a folder for each combination of the keys' values; see `TabularDataset.partitionBy`.
 *
 * The table is run once, into a file that goes in the end: all parts are made of the same rows.
 */
export async function partitionBy(
  whole: ReadableStream<Uint8Array>,
  keyNames: readonly string[],
  target: string,
  options: OperationOptions,
  { locate }: WriteContext,
  bind: (plan: Plan) => TabularDataset,
): Promise<TabularDataset> {
  checkNames(keyNames);
  const id = crypto.randomUUID();
  const place = await locate(`${target.replace(/\/$/, "")}/${id}/`, options);
  const { storage, path, uriOf } = place;
  if (storage.write === undefined || storage.delete === undefined) throw notWritable(storage.uri);
  const written: StorePath[] = [];
  const put = async (body: ReadableStream<Uint8Array>, ...below: readonly string[]): Promise<StorePath> => {
    const file = joinStorePath(path, ...below);
    await writeFile(storage, file, body, { signal: options.signal });
    written.push(file);
    return file;
  };
  try {
    const file = await put(whole, "whole.parquet");
    const all = bind(planOf({ file: uriOf(file) }, [{ op: "read_parquet" }]));
    const keys = keysOf(keyNames, await all.schema(options));
    const texts = withTexts(all, keys);
    const parts = await partsOf(texts, keys, options);
    const textsOf = (at: number): readonly (string | null)[] =>
      parts.map(({ values }) => values[at]?.text ?? null);
    const plain = arePlain(keys.flatMap((_, at) => textsOf(at)));
    for (const { values, where } of parts) {
      const part = texts.filter(where).dropColumns(keyNames);
      const folders = values.map(({ text }) => folderName(text, plain));
      await put(part.encode("parquet", options), ...folders, "part-00000.parquet");
    }
    await storage.delete(file, options);
    // A format has one date, of whole seconds.
    const dated = keys.findIndex(
      ({ type }, at) => type === "timestamp" && textsOf(at).every((text) => /^\d{14}$/.test(text ?? "")),
    );
    return bind(planOf({ folder: folderOf(place) }, stepsOf(id, keys, dated, plain)));
  } catch (error) {
    await Promise.allSettled(written.map(async (file) => storage.delete?.(file)));
    throw options.signal?.aborted === true ? options.signal.reason : error;
  }
}

function checkNames(names: readonly string[]): void {
  const refuse = (what: string): never => {
    throw new AmlError("plan_invalid", what, {
      hint: "Name one or more columns, each once.",
      context: { keys: names },
    });
  };
  if (names.length === 0) refuse("No partition key is named.");
  if (new Set(names).size < names.length) refuse("A partition key is named twice.");
  const strange = names.find((name) => /[{}:]|^$/.test(name));
  if (strange !== undefined)
    refuse(`A partition format has no place for the name ${JSON.stringify(strange)}.`);
}

function keysOf(names: readonly string[], { columns }: Schema): readonly Key[] {
  const keys = names.map((name): Key => {
    const column = columns.find((each) => each.name === name);
    if (column === undefined) {
      throw new AmlError("plan_invalid", `The table has no column ${name}.`, {
        hint: `Columns are: ${columns.map((each) => each.name).join(", ")}.`,
      });
    }
    if (column.type in RESTORED) return { name, type: column.type as KeyType };
    throw new AmlError(
      "unsupported",
      `${name} is of type ${column.type}, which a folder's name cannot give back.`,
      {
        hint: "Convert it to string or int first.",
        context: { column: name, type: column.type },
      },
    );
  });
  if (keys.length < columns.length) return keys;
  throw new AmlError("plan_invalid", "All columns are partition keys, and nothing is left for the files.", {
    hint: "Leave one out.",
  });
}

/** Texts have all the digits of times and decimals, and compare by them. */
function withTexts(table: TabularDataset, keys: readonly Key[]): TabularDataset {
  const exact = keys.filter(({ type }) => type === "timestamp" || type === "decimal");
  if (exact.length === 0) return table;
  return table.convertColumnTypes(Object.fromEntries(exact.map(({ name }) => [name, "string"] as const)));
}

async function partsOf(
  table: TabularDataset,
  keys: readonly Key[],
  options: OperationOptions,
): Promise<readonly Part[]> {
  const chosen = table.keepColumns(keys.map(({ name }) => name));
  const parts = new Map<string, Part>();
  for await (const row of chosen.rows(options)) {
    const values = keys.map(({ name, type }) =>
      partitionValue(name, type, (row[name] ?? null) as KeyCell | null),
    );
    const identity = JSON.stringify(values.map(({ text }) => text));
    if (parts.has(identity)) continue;
    const tests = values.map(({ text, literal }, at): Expr => {
      const col = { col: keys[at]?.name ?? "" };
      return text === null ? { fn: "is_null", args: [col] } : { fn: "==", args: [col, literal] };
    });
    parts.set(identity, {
      values,
      where: tests.length === 1 ? (tests[0] as Expr) : { fn: "and", args: tests },
    });
  }
  if (parts.size > 0) return [...parts.values()];
  throw new AmlError("unsupported", "A table without rows has no partitions.", {
    hint: "Write it with write().",
  });
}

/** How the written folder is read: the keys are columns again, of their types. */
function stepsOf(id: string, keys: readonly Key[], dated: number, plain: boolean): readonly Step[] {
  const levels = keys.map(({ name }, at) => (at === dated ? `{${name}:yyyyMMddHHmmss}` : `{${name}}`));
  const columns = keys.flatMap(({ name, type }, at): readonly ColumnConversion[] => {
    const column_type = RESTORED[type];
    return column_type === undefined || at === dated ? [] : [{ columns: name, column_type }];
  });
  const partition_format = `/${id}/${levels.join("/")}/`;
  return [
    {
      op: "extract_columns_from_partition_format",
      partition_format,
      ...(plain ? {} : { value_encoding: "hive" }),
    },
    { op: "read_parquet" },
    ...(columns.length > 0 ? [{ op: "convert_column_types", columns } as const] : []),
  ];
}

function planOf(path: object, steps: readonly Step[]): Plan {
  return parsePlan({ version: 1, source: { from: "paths", paths: [path] }, steps });
}

const folderOf = ({ path, uriOf }: LocatedPath): string => `${uriOf(joinStorePath(path))}/`;

function notWritable(uri: string): AmlError {
  return new AmlError("unsupported", `${uri} cannot be written to, or keeps what is written for ever.`, {
    operation: "write",
    hint: "Choose another target.",
  });
}
