import {
  AmlError,
  type Column,
  type DatasetRecord,
  type FileDataset,
  isAmlError,
  type TabularDataset,
} from "@aml/core";
import type { FolderWorkspace } from "@aml/workspace";
import { countText } from "../count-text.ts";
import { keyValues } from "../datastore-flags.ts";
import { formatBytes } from "../format-bytes.ts";
import { oneLine, printTable } from "../print-table.ts";
import { readOptions } from "../read-options.ts";
import { type GlobalFlags, type Session, tableStyle } from "../session.ts";
import { fieldsText } from "./datastore.ts";

export interface RegisterFlags extends GlobalFlags {
  readonly file?: boolean;
  readonly read?: readonly string[];
  readonly description?: string;
  readonly tag?: readonly string[];
  readonly pin: boolean;
}

export interface DownloadFlags extends GlobalFlags {
  readonly output: string;
  readonly overwrite?: boolean;
}

/** `aml dataset register` */
export async function registerDataset(
  session: Session,
  flags: RegisterFlags,
  name: string,
  source: string,
): Promise<void> {
  const { signal } = session;
  const read = readOptions(flags.read);
  if (flags.file === true && read !== undefined) {
    throw new AmlError("config_invalid", "A dataset of files does not read them.", {
      hint: "Leave out --file, or --read.",
    });
  }
  const workspace = await session.open();
  const dataset =
    flags.file === true ? workspace.files(source) : await workspace.openSource(source, { signal, read });
  const { description, pin } = flags;
  const tags = flags.tag && keyValues(flags.tag, "--tag");
  const record = await dataset.register(name, {
    pin,
    signal,
    ...(description !== undefined && { description }),
    ...(tags && { tags }),
  });
  await session.print(
    record,
    () => `azureml:${record.name}:${record.version} is registered${pinText(record)}.\n`,
  );
}

function pinText({ plan: { source } }: DatasetRecord): string {
  if (source.from !== "paths" || source.pinned === undefined) return "";
  const bytes = source.pinned.reduce((sum, { size }) => sum + size, 0);
  return `: ${countText(source.pinned.length, "file")}, ${formatBytes(bytes)}`;
}

/** `aml dataset list` */
export async function listDatasets(session: Session, name: string | undefined): Promise<void> {
  const workspace = await session.open();
  const records: DatasetRecord[] = [];
  for await (const record of workspace.datasets.list({ name, signal: session.signal })) records.push(record);
  if (name !== undefined && records.length === 0) {
    // Says the same as `show` does for a name that nobody registered.
    await workspace.datasets.get(name, { signal: session.signal });
  }
  await session.print(records, () =>
    printTable(
      COLUMNS,
      records.map((record) => ({
        name: record.name,
        version: record.version,
        kind: record.kind,
        createdAt: record.createdAt,
        description: record.description ?? "",
      })),
      tableStyle(session, false),
    ),
  );
}

const COLUMNS: readonly Column[] = [
  { name: "name", type: "string", nullable: false },
  { name: "version", type: "int32", nullable: false },
  { name: "kind", type: "string", nullable: false },
  { name: "createdAt", type: "string", nullable: false },
  { name: "description", type: "string", nullable: false },
];

/** `aml dataset show` */
export async function showDataset(session: Session, reference: string): Promise<void> {
  const dataset = await (await session.open()).datasets.get(reference, { signal: session.signal });
  const { record } = dataset;
  if (record === undefined) throw new AmlError("internal", `${reference} came without its record.`);
  await session.print(record, () => fieldsText(record));
}

/** `aml dataset download` */
export async function downloadDataset(session: Session, flags: DownloadFlags, source: string): Promise<void> {
  const { signal, progress } = session;
  const workspace = await session.open();
  const dataset = await openFiles(workspace, source, signal);
  if (progress.visible) {
    let files = 0;
    let bytes = 0;
    for await (const { stat } of dataset.files({ signal })) {
      files++;
      bytes += stat.size;
    }
    progress.expect({ files, bytes });
  }
  const report = await dataset.download(flags.output, { overwrite: flags.overwrite, signal });
  await session.print(report, () => {
    const { length } = report.files;
    return `${countText(length, "file")}, ${formatBytes(report.bytes)}, ${length === 1 ? "is" : "are"} in ${oneLine(flags.output)}.\n`;
  });
}

/** A registered dataset by its bare name too; anything else is a source or a path. */
async function openFiles(
  workspace: FolderWorkspace,
  source: string,
  signal: AbortSignal,
): Promise<FileDataset> {
  if (/^azureml:[^/]/.test(source))
    return asFiles(workspace, await workspace.datasets.get(source, { signal }));
  if (/^[\w.-]+(?::\d+|@latest)?$/.test(source)) {
    try {
      return asFiles(workspace, await workspace.datasets.get(source, { signal }));
    } catch (error) {
      if (!isAmlError(error, "not_found") || /[:@]/.test(source)) throw error;
    }
  }
  return workspace.files(source);
}

function asFiles(workspace: FolderWorkspace, dataset: TabularDataset | FileDataset): FileDataset {
  if (dataset.kind === "file") return dataset;
  // Steps after the read are about rows.
  const { steps } = dataset.plan;
  const read = steps.findIndex((step) => step.op.startsWith("read_"));
  return workspace.filesFromPlan({ ...dataset.plan, steps: steps.slice(0, Math.max(0, read)) });
}
