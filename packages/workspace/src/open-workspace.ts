import {
  type AnyAdapterDefinition,
  type FileDataset,
  type OnTrace,
  type OperationOptions,
  type StorageLayer,
  type TabularDataset,
  type TabularEngine,
  type TokenProvider,
  type Workspace,
} from "@aml/core";
import { createWorkspace } from "@aml/core/workspace";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { createAdapterFinder, type ImportPackage } from "./adapter-finder.ts";
import { DEFAULT_DATASTORES, withDefaultDatastores } from "./default-datastores.ts";
import { findWorkspace } from "./find-workspace.ts";
import { inFolder } from "./init-workspace.ts";
import { loadMLTable } from "./load-mltable.ts";
import { openEngine } from "./open-engine.ts";
import { openSource } from "./open-source.ts";
import { openState } from "./open-state.ts";
import { saveMLTable, type SaveMLTableOptions } from "./save-mltable.ts";
import { withSuggestions } from "./with-suggestions.ts";
import {
  CONFIG_FILE,
  DEFAULT_CONFIG,
  parseWorkspaceConfig,
  type WorkspaceConfig,
} from "./workspace-config.ts";

export interface OpenWorkspaceOptions {
  /** Where the search for `aml.config.json` starts; it goes on in the parent folders. Default: the current folder. */
  readonly folder?: string | undefined;
  /** Folder that relative paths start from. Default: `folder`. */
  readonly baseFolder?: string | undefined;
  /** Adapters that need not be looked for, e.g. your own. */
  readonly adapters?: readonly AnyAdapterDefinition[] | undefined;
  /** Replaces the import of adapter packages, e.g. in a bundled program. */
  readonly importPackage?: ImportPackage | undefined;
  /** Replaces the table engine. */
  readonly engine?: TabularEngine | (() => Promise<TabularEngine>) | undefined;
  readonly layers?: readonly StorageLayer[] | undefined;
  readonly onTrace?: OnTrace | undefined;
  readonly tokenProvider?: TokenProvider | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** A workspace in a folder, with everything it needs. */
export interface FolderWorkspace extends Workspace {
  /** The workspace folder, absolute. */
  readonly folder: string;
  /** False while the folder has no `aml.config.json`: the first registration writes it. */
  readonly initialized: boolean;
  /**
   * Reads the `MLTable` file of a folder; no data is read.
   *
   * @param folder - URI or path of the folder, never of the file itself.
   * @returns a tabular dataset when the file has a `read_…` step, else a dataset of files.
   * @throws `not_found` when there is no such file; `parse_failed` and `config_invalid` with line and column;
   * `unsupported` for a step that a dataset of files cannot take.
   */
  loadMLTable(folder: string, options?: OperationOptions): Promise<TabularDataset | FileDataset>;
  /**
   * Writes a dataset as an `MLTable` file into a folder of any writable store.
   *
   * @throws `already_exists` unless `overwrite`; `config_invalid` when a remote MLTable would point at local files.
   */
  saveMLTable(
    dataset: TabularDataset | FileDataset,
    folder: string,
    options?: SaveMLTableOptions,
  ): Promise<void>;
  /**
   * Opens what a command line calls a source: an MLTable folder, a data file or glob, or `azureml:NAME[:VERSION]`.
   *
   * @throws `not_found`; `config_invalid` when the name does not tell the format.
   */
  openSource(source: string, options?: OperationOptions): Promise<TabularDataset | FileDataset>;
}

/**
 * Opens the workspace of a folder: the nearest `aml.config.json` there or above.
 *
 * Without one, the folder itself is a workspace with default settings: reading needs no set-up and writes nothing;
 * the first datastore or dataset that is registered writes `aml.config.json` and `.aml`, as `initWorkspace` does.
 * Adapters, engine, registry and vault are imported when first needed.
 *
 * @throws `config_invalid` for a broken `aml.config.json`.
 */
export async function openWorkspace(options: OpenWorkspaceOptions = {}): Promise<FolderWorkspace> {
  const start = resolve(options.folder ?? process.cwd());
  const found = await findWorkspace(start);
  const folder = found ?? start;
  const { config, since } = found === undefined ? unwritten() : await readConfig(join(found, CONFIG_FILE));
  const state = openState(folder, config, found !== undefined);
  const workspace = createWorkspace({
    adapters: options.adapters ?? [],
    findAdapter: createAdapterFinder({
      entries: config.adapters,
      folder,
      importPackage: options.importPackage,
    }),
    permanentDatastores: DEFAULT_DATASTORES,
    registry: withSuggestions(withDefaultDatastores(state.registry, inFolder(folder, config.data), since)),
    secrets: state.secrets,
    engine: options.engine ?? (() => openEngine(folder, config)),
    baseUri: `${pathToFileURL(resolve(options.baseFolder ?? start)).href}/`,
    layers: options.layers,
    onTrace: options.onTrace,
    tokenProvider: options.tokenProvider,
    fetch: options.fetch,
  });
  return {
    ...workspace,
    folder,
    get initialized() {
      return state.initialized();
    },
    loadMLTable: (path, operation) => loadMLTable(workspace, path, operation),
    saveMLTable: (dataset, path, operation) => saveMLTable(workspace, dataset, path, operation),
    openSource: (source, operation) => openSource(workspace, source, operation),
  };
}

interface ReadConfig {
  readonly config: WorkspaceConfig;
  /** When the workspace was made, ISO 8601. */
  readonly since: string;
}

function unwritten(): ReadConfig {
  return { config: DEFAULT_CONFIG, since: new Date().toISOString() };
}

async function readConfig(path: string): Promise<ReadConfig> {
  const [text, { birthtime }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
  return { config: parseWorkspaceConfig(text, path), since: birthtime.toISOString() };
}
