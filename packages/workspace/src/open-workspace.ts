import {
  AmlError,
  type AnyAdapterDefinition,
  type FileDataset,
  type OnSignIn,
  type OnTrace,
  type OperationOptions,
  type StorageLayer,
  type StoreWarning,
  type TabularDataset,
  type TabularEngine,
  type TokenProvider,
  type Workspace,
} from "@aml/core";
import { createWorkspace } from "@aml/core/workspace";
import type { MLTable, MLTableEdit } from "@aml/mltable";
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { createAdapterFinder, type ImportPackage, type Wanted } from "./adapter-finder.ts";
import { createCopyJournal } from "./copy-journal.ts";
import { DEFAULT_DATASTORES, withDefaultDatastores } from "./default-datastores.ts";
import { type DetectedSource, detectSource, type OpenSourceOptions } from "./detect-source.ts";
import type { DoctorOptions, DoctorReport } from "./doctor/doctor-types.ts";
import { editMLTable } from "./edit-mltable.ts";
import { findWorkspace } from "./find-workspace.ts";
import { inFolder } from "./init-workspace.ts";
import { loadMLTable } from "./load-mltable.ts";
import { offlineAdapter } from "./offline-adapter.ts";
import { openEngine } from "./open-engine.ts";
import { openState } from "./open-state.ts";
import { saveMLTable, type SaveMLTableOptions } from "./save-mltable.ts";
import { withSuggestions } from "./with-suggestions.ts";
import {
  CONFIG_FILE,
  DEFAULT_CONFIG,
  parseWorkspaceConfig,
  type CacheConfig,
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
  /** Hears what stores want to say though nothing failed; the runtime's own warnings (stderr) unless given. */
  readonly onWarning?: ((warning: StoreWarning) => void) | undefined;
  readonly tokenProvider?: TokenProvider | undefined;
  /** Shows a person the code of an identity of source `device_code`. */
  readonly onSignIn?: OnSignIn | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /**
   * Copies of remote files: where they are kept and how many bytes of them, in place of what `aml.config.json` says;
   * `"none"`: none is kept longer than it is in use.
   */
  readonly cache?: "none" | Partial<Pick<CacheConfig, "folder" | "maxBytes">> | undefined;
  /**
   * Nothing is sent: versions of datasets that pin their files are read from the cache, as far as they are in it, and
   * files of this machine as ever. Everything else is `unavailable`.
   */
  readonly offline?: boolean | undefined;
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
   * Changes the `MLTable` file of a folder, and keeps its comments and what does not change.
   *
   * @throws as `loadMLTable`; `plan_invalid` for a change that makes no MLTable; `precondition_failed` when somebody else
   * changed it meanwhile, in a store that can tell; `unsupported` for a read-only store.
   */
  editMLTable(
    folder: string,
    change: (table: MLTable) => MLTableEdit,
    options?: OperationOptions,
  ): Promise<void>;
  /**
   * Opens what a command line calls a source: an MLTable folder, a data file or glob, `azureml:NAME[:VERSION]`, the folder
   * of a Delta table, or a folder of files of one format.
   *
   * @throws `not_found`; `config_invalid` when neither the name nor what is there tells the format, and for `read` with a
   * source that says itself how it is read; `plan_invalid` for an option that the step does not have.
   */
  openSource(source: string, options?: OpenSourceOptions): Promise<TabularDataset | FileDataset>;
  /** As `openSource`, and tells what the source turned out to be. */
  detectSource(source: string, options?: OpenSourceOptions): Promise<DetectedSource>;
  /**
   * Walks the way to a datastore hop by hop: record, secret, name, TCP, TLS, clock, credential, firewall, sign-in,
   * store, rights, list, read, and with `write` a write. What is broken is told, never thrown.
   */
  doctor(name: string, options?: DoctorOptions): Promise<DoctorReport>;
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
  const { offline = false } = options;
  const state = openState(folder, config, found !== undefined, options);
  const find = createAdapterFinder({
    entries: config.adapters,
    folder,
    importPackage: options.importPackage,
  });
  const adapters = offline ? (options.adapters ?? []).map(offlineAdapter) : (options.adapters ?? []);
  const findAdapter = async (wanted: Wanted): Promise<AnyAdapterDefinition | undefined> => {
    const definition = await find(wanted);
    return offline && definition !== undefined ? offlineAdapter(definition) : definition;
  };
  const cache = cacheOf(config, options.cache);
  const workspace = createWorkspace({
    adapters,
    findAdapter,
    permanentDatastores: DEFAULT_DATASTORES,
    registry: withSuggestions(withDefaultDatastores(state.registry, inFolder(folder, config.data), since)),
    secrets: state.secrets,
    engine: options.engine ?? (() => openEngine(folder, cache, offline)),
    baseUri: `${pathToFileURL(resolve(options.baseFolder ?? start)).href}/`,
    // What is refused offline would be tried again.
    layers: offline ? [] : options.layers,
    onTrace: options.onTrace,
    onWarning: options.onWarning,
    tokenProvider: options.tokenProvider,
    onSignIn: options.onSignIn,
    fetch: options.fetch,
    createHash: () => createHash("md5"),
    copyJournal: createCopyJournal(() =>
      state.initialized() ? join(dirname(inFolder(folder, config.registry)), "copies") : undefined,
    ),
  });
  return {
    ...workspace,
    folder,
    get initialized() {
      return state.initialized();
    },
    loadMLTable: (path, operation) => loadMLTable(workspace, path, operation),
    saveMLTable: (dataset, path, operation) => saveMLTable(workspace, dataset, path, operation),
    editMLTable: (path, change, operation) => editMLTable(workspace, path, change, operation),
    openSource: async (source, operation) => (await detectSource(workspace, source, operation)).dataset,
    detectSource: (source, operation) => detectSource(workspace, source, operation),
    async doctor(name, operation) {
      if (offline) throw offlineDoctor(name);
      const { runDoctor } = await import("./doctor/run-doctor.ts");
      const context = {
        getDatastore: workspace.datastores.get,
        findDefinition: async (type: string) =>
          adapters.find((adapter) => adapter.type === type) ?? findAdapter({ type }),
        secrets: state.secrets,
        tokenProvider: options.tokenProvider,
        fetch: options.fetch,
      };
      return runDoctor(context, name, operation);
    },
  };
}

function offlineDoctor(name: string): AmlError {
  return new AmlError("unavailable", `The way to '${name}' is not walked offline.`, {
    hint: "Open the workspace without offline.",
  });
}

function cacheOf({ cache }: WorkspaceConfig, asked: OpenWorkspaceOptions["cache"]): CacheConfig {
  if (asked === "none") return { ...cache, keep: false };
  return asked === undefined ? cache : { ...cache, ...asked, keep: true };
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
