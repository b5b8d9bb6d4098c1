import { AmlError, type Row, type TableFormat, type TabularDataset } from "@aml/core";
import type { FolderWorkspace } from "@aml/workspace";
import { formatBytes } from "../format-bytes.ts";
import { oneLine, printTable } from "../print-table.ts";
import { type GlobalFlags, type Session, tableStyle } from "../session.ts";

export interface TableFlags extends GlobalFlags {
  readonly filter?: string;
  readonly keep?: readonly string[];
  readonly limit?: number;
}

export interface ExportFlags extends TableFlags {
  readonly format: TableFormat;
  readonly output?: string;
  readonly overwrite?: boolean;
}

/** `aml table show` */
export async function showTable(session: Session, flags: TableFlags, source: string): Promise<void> {
  const table = await openTable(session, flags, source);
  const result = await table.open({ signal: session.signal });
  try {
    const rows: Row[] = [];
    for await (const batch of result.batches({ signal: session.signal })) rows.push(...batch);
    const { columns } = result.schema;
    await session.print({ columns, rows }, () => printTable(columns, rows, tableStyle(session, true)));
  } finally {
    await result[Symbol.asyncDispose]();
  }
}

/** `aml table schema` */
export async function showSchema(session: Session, flags: TableFlags, source: string): Promise<void> {
  const schema = await (await openTable(session, flags, source)).schema({ signal: session.signal });
  await session.print(schema, () =>
    printTable(
      [
        { name: "column", type: "string", nullable: false },
        { name: "type", type: "string", nullable: false },
        { name: "nullable", type: "boolean", nullable: false },
      ],
      schema.columns.map(({ name, type, nullable }) => ({ column: name, type, nullable })),
      tableStyle(session, false),
    ),
  );
}

/** `aml table export` */
export async function exportTable(session: Session, flags: ExportFlags, source: string): Promise<void> {
  const { format, output, overwrite } = flags;
  const { stdout, signal } = session.terminal;
  if (output === undefined && format === "parquet" && stdout.isTTY === true) {
    throw new AmlError("config_invalid", "Parquet is not text, so it is not written to a terminal.", {
      hint: "Add --output FILE, or redirect the output.",
    });
  }
  if (output !== undefined) checkTarget(output, format);
  const table = await openTable(session, flags, source);
  if (output !== undefined) {
    const stat = await table.write(output, format, { overwrite, signal });
    const target = (await session.open()).resolve(output);
    await session.print(
      { uri: target, format, bytes: stat.size },
      () => `${oneLine(output)} is written: ${formatBytes(stat.size)}.\n`,
    );
    return;
  }
  const reader = table.encode(format, { signal }).getReader();
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
      await session.write(chunk.value);
  } catch (error) {
    await reader.cancel(error);
    throw error;
  }
}

/** A folder or a pattern is no name of a file. @throws `path_invalid`. */
function checkTarget(output: string, format: TableFormat): void {
  const folder = output === "" || /[/\\]$/.test(output);
  if (!folder && !/[*?]/.test(output)) return;
  throw new AmlError(
    "path_invalid",
    `--output ${JSON.stringify(output)} names ${folder ? "a folder" : "a pattern"}, not a file.`,
    {
      hint: `Name one file, e.g. ${folder ? `${output}table` : output.replace(/[*?]+/g, "table").replace(/\.\w*$/, "")}.${format}.`,
      context: { output },
    },
  );
}

async function openTable(session: Session, flags: TableFlags, source: string): Promise<TabularDataset> {
  const workspace = await session.open();
  let table = await tabular(workspace, source, session.signal);
  if (flags.filter !== undefined) table = table.filter(flags.filter);
  if (flags.keep !== undefined) table = await keepColumns(table, flags.keep, session.signal);
  return flags.limit === undefined ? table : table.take(flags.limit);
}

/** MLTable's own step ignores unknown names; on a command line they are slips of the pen. */
async function keepColumns(
  table: TabularDataset,
  names: readonly string[],
  signal: AbortSignal,
): Promise<TabularDataset> {
  const known = (await table.schema({ signal })).columns.map(({ name }) => name);
  // "a, b" is "a,b", unless a column is really called " b".
  const wanted = names.map((name) => (known.includes(name) ? name : name.trim()));
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return table.keepColumns(wanted);
  throw new AmlError("plan_invalid", `There is no column ${JSON.stringify(unknown)} to keep.`, {
    hint: `Columns are: ${known.join(", ")}.`,
    context: { column: unknown },
  });
}

async function tabular(
  workspace: FolderWorkspace,
  source: string,
  signal: AbortSignal,
): Promise<TabularDataset> {
  const dataset = await workspace.openSource(source, { signal });
  if (dataset.kind === "tabular") return dataset;
  throw new AmlError("unsupported", `${source} is a dataset of files, not a table.`, {
    hint: "Name its files by pattern, e.g. a glob that ends in .csv, or add a read step to the MLTable file.",
    context: { source },
  });
}
