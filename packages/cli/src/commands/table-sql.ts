import {
  AmlError,
  type Row,
  type SqlTable,
  type TableFormat,
  type TabularDataset,
  type TabularResult,
} from "@aml/core";
import type { FolderWorkspace } from "@aml/workspace";
import { formatBytes } from "../format-bytes.ts";
import { oneLine, printTable } from "../print-table.ts";
import { readOptions } from "../read-options.ts";
import { type GlobalFlags, type Session, tableStyle } from "../session.ts";
import { checkTarget, eachLine, reading, tabular, writeBytes } from "./table.ts";

export interface SqlFlags extends GlobalFlags {
  readonly table?: readonly string[];
  readonly read?: readonly string[];
  readonly query?: readonly string[];
  readonly format?: "table" | TableFormat;
  readonly limit: number;
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly explain?: boolean;
  readonly onError?: "null" | "fail";
}

/** `aml table sql` */
export async function runSql(session: Session, flags: SqlFlags, text: string): Promise<void> {
  const { output, overwrite, limit } = flags;
  const { signal } = session;
  const format = flags.format ?? (output === undefined ? "table" : "csv");
  if (output !== undefined) checkTarget(output, format === "table" ? "csv" : format);
  const workspace = await session.open();
  const table = workspace.sql(text, await tablesOf(workspace, flags, signal));
  if (flags.explain === true) return explain(session, table);
  const { options } = reading(session, flags, "");
  if (output !== undefined) {
    const written = format === "table" ? "csv" : format;
    const { size } = await table.write(output, written, { overwrite, ...options });
    await session.print(
      { uri: workspace.resolve(output), format: written, bytes: size },
      () => `${oneLine(output)} is written: ${formatBytes(size)}.\n`,
    );
  } else if (format === "table") await show(session, await table.open(options), limit);
  else if (format === "parquet" && session.terminal.stdout.isTTY === true) {
    throw new AmlError("config_invalid", "Parquet is not text, so it is not written to a terminal.", {
      hint: "Add --output FILE, or redirect the output.",
    });
  } else await writeBytes(session, table.encode(format, options));
}

async function explain(session: Session, table: SqlTable): Promise<void> {
  const explanation = await table.explain({ signal: session.signal });
  const { sqlExplanationText } = await import("@aml/core/workspace");
  await session.print(explanation, () => eachLine(sqlExplanationText(explanation)));
}

async function tablesOf(
  workspace: FolderWorkspace,
  { table = [], query = [], read: how }: SqlFlags,
  signal: AbortSignal,
): Promise<Record<string, TabularDataset>> {
  const read = readOptions(how);
  const tables = new Map<string, TabularDataset>();
  const add = (name: string, found: TabularDataset): void => {
    if (tables.has(name)) throw new AmlError("config_invalid", `The table ${name} is given twice.`);
    tables.set(name, found);
  };
  for (const item of table) {
    const [name, source] = halves(item, "=", "--table", "trips=data/*.csv");
    add(name, tabular(await workspace.detectSource(source, { signal, read }), source));
  }
  for (const item of query) {
    const [name, rest] = halves(item, "=", "--query", "orders=shop:select * from orders");
    const [datastore, sql] = halves(rest, ":", "--query", "orders=shop:select * from orders");
    add(name, workspace.tabular.fromSqlQuery({ datastore, query: sql }));
  }
  return Object.fromEntries(tables);
}

function halves(item: string, sign: string, flag: string, example: string): readonly [string, string] {
  const at = item.indexOf(sign);
  if (at > 0 && at < item.length - 1) return [item.slice(0, at).trim(), item.slice(at + 1)];
  throw new AmlError("config_invalid", `${flag} ${JSON.stringify(item)} is not understood.`, {
    hint: `Write it like this: ${flag} '${example}'.`,
  });
}

async function show(session: Session, result: TabularResult, limit: number): Promise<void> {
  try {
    const rows: Row[] = [];
    for await (const batch of result.batches({ signal: session.signal })) {
      rows.push(...batch.slice(0, limit + 1 - rows.length));
      if (rows.length > limit) break;
    }
    const shown = rows.slice(0, limit);
    const complete = shown.length === rows.length;
    const { columns } = result.schema;
    await session.print({ columns, rows: shown, complete }, () =>
      printTable(columns, shown, tableStyle(session, true)),
    );
    if (!complete)
      session.note(`There are more rows than these ${limit}: add --limit N, or --format csv for all.`);
  } finally {
    await result[Symbol.asyncDispose]();
  }
}
