import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Row, TabularDataset, Workspace } from "@aml/core";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { local } from "@aml/local";
import { afterAll } from "vitest";

export interface LocalWorkspace {
  readonly folder: string;
  readonly workspace: Workspace;
  write(files: Readonly<Record<string, string>>): Promise<void>;
}

/** A workspace in a folder of its own, which goes when the tests are done. */
export async function localWorkspace(): Promise<LocalWorkspace> {
  const folder = await mkdtemp(join(tmpdir(), "aml-engine-workspace-"));
  const workspace = createWorkspace({
    adapters: [local],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
    engine: createDuckDBEngine(),
    baseUri: `${pathToFileURL(folder).href}/`,
  });
  afterAll(async () => {
    await workspace[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    folder,
    workspace,
    async write(files) {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), content);
      }
    },
  };
}

export async function rowsOf(dataset: TabularDataset): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of dataset.rows()) rows.push(row);
  return rows;
}
