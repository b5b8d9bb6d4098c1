import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Cell,
  type ConversionErrors,
  type FileDataset,
  isAmlError,
  type Row,
  type Schema,
  type TabularDataset,
} from "@aml/core";
import { type FolderWorkspace, openWorkspace } from "../src/index.ts";
import { CHAPTERS, type Example } from "./step-examples.ts";

/** The text of docs/steps.md, from running its examples. */
export async function stepsPage(): Promise<string> {
  const parts = [INTRODUCTION];
  for (const { title, text, examples } of CHAPTERS) {
    parts.push(`## ${title}`, text);
    for (const example of examples) parts.push(await sectionOf(example));
  }
  return `${parts.join("\n\n")}\n`;
}

const INTRODUCTION = `# The steps of an MLTable

Every step with its options, an input and what comes out of it. The outputs are not written by hand: \`npm run readme\` runs the examples, and a test compares.

Below the name of each column stands its type; texts are in quotes. \`aml table show FOLDER\` prints the same of a folder with these files. What the original does differently is in [compatibility.md](compatibility.md).`;

async function sectionOf(example: Example): Promise<string> {
  const { title, text, files, steps } = example;
  const inputs = Object.entries(files).map(([name, content]) => {
    const { shown, note } = typeof content === "string" ? { shown: content, note: "" } : content;
    return `\`${name}\`${note}\n\n${fenced("text", shown.replace(/\n$/, ""))}`;
  });
  const pattern = example.paths ?? `[{ pattern: "./**/*.*" }]`;
  const recipe = fenced("yaml", `paths: ${pattern}\ntransformations:\n${steps.trimEnd()}`);
  return [
    `### ${title}`,
    ...(text === undefined ? [] : [text]),
    ...inputs,
    recipe,
    "gives",
    fenced("text", await run(example)),
  ].join("\n\n");
}

const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``;

/** What an example gives, as text. */
async function run({ files, steps, paths = `[{ pattern: "./**/*.*" }]` }: Example): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aml-steps-"));
  const workspace = await openWorkspace({ folder });
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      const bytes = typeof content === "string" ? content : await content.make(workspace);
      await writeFile(path, bytes);
    }
    await writeFile(join(folder, "MLTable"), `paths: ${paths}\ntransformations:\n${steps}`);
    return await outcome(workspace, (text) => text.replaceAll(pathToFileURL(folder).href, "file:///data"));
  } finally {
    await workspace[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

async function outcome(workspace: FolderWorkspace, plain: (text: string) => string): Promise<string> {
  try {
    const dataset: TabularDataset | FileDataset = await workspace.loadMLTable(".");
    if (dataset.kind === "file") {
      const uris: string[] = [];
      for await (const { uri } of dataset.files()) uris.push(uri);
      return plain(uris.join("\n"));
    }
    return await tableOf(dataset, plain);
  } catch (error) {
    if (!isAmlError(error)) throw error;
    return plain(`${error.code}: ${error.message}`);
  }
}

async function tableOf(dataset: TabularDataset, plain: (text: string) => string): Promise<string> {
  const reports: ConversionErrors[] = [];
  await using table = await dataset.open({ onConversionErrors: (errors) => reports.push(...errors) });
  const rows: Row[] = [];
  for await (const batch of table.batches()) rows.push(...batch);
  const told = reports.flatMap(({ column, first }) =>
    first.map(({ uri, row, value }) => `${column}: ${JSON.stringify(value)} in ${plain(uri)}, row ${row}`),
  );
  const report = told.length === 0 ? [] : ["", "not converted:", ...told];
  return [...grid(table.schema, rows, plain), ...report].join("\n");
}

function grid({ columns }: Schema, rows: readonly Row[], plain: (text: string) => string): string[] {
  if (columns.length === 0) return ["(no columns)"];
  const lines = [
    columns.map(({ name }) => name),
    columns.map(({ type }) => type),
    ...rows.map((row) => columns.map(({ name }) => plain(cellText(row[name] ?? null)))),
  ];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? "").length)));
  const text = lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return rows.length === 0 ? [...text, "(no rows)"] : text;
}

function cellText(value: Cell): string {
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (typeof value === "bigint") return String(value);
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner));
}
