import { AmlError } from "./aml-error.ts";
import { bindFileDataset, bindTabularDataset, type DatasetContext } from "./bind-dataset.ts";
import { bindSql } from "./bind-sql.ts";
import { copy } from "./copy.ts";
import { createDatastores } from "./create-datastores.ts";
import type { PathInput } from "./dataset.ts";
import type { TabularEngine } from "./engine.ts";
import { hasGlob } from "./glob.ts";
import { openStores } from "./open-stores.ts";
import { parsePlan } from "./parse-plan.ts";
import type { PathSpec, Plan } from "./plan.ts";
import type { DatasetRecord } from "./registry.ts";
import { snakeCase } from "./snake-case.ts";
import type { OperationOptions } from "./storage.ts";
import { isUri, parseUri, resolvePatternUri, resolveUri } from "./uri.ts";
import type { Datasets, LocatedPath, TabularFactory, Workspace, WorkspaceOptions } from "./workspace.ts";
import { writeColumns, writeRows } from "./write-rows.ts";

export { explanationText, sqlExplanationText } from "./explanation-text.ts";
export { listFolder, listGlob } from "./list-glob.ts";

/**
 * Wires adapters, a registry, a secret store and an engine into a workspace. Does no I/O.
 *
 * Disposing of the workspace closes the stores it opened, its engine and its registry.
 */
export function createWorkspace(options: WorkspaceOptions): Workspace {
  const { registry, baseUri } = options;
  const stores = openStores(options);
  const datastores = createDatastores(options, stores);
  let engine: Promise<TabularEngine> | undefined;

  const resolve = (path: string, pattern = false): string => {
    if (isUri(path)) return path;
    if (baseUri !== undefined) return (pattern ? resolvePatternUri : resolveUri)(baseUri, path);
    throw new AmlError(
      "path_invalid",
      `'${path}' is a path, and this workspace has no folder that paths start from.`,
      {
        hint: "Give a URI, or create the workspace with a baseUri.",
      },
    );
  };

  const locate = async (input: string, operation?: OperationOptions): Promise<LocatedPath> => {
    if (typeof input !== "string") throw noPath(input);
    const uri = resolve(input);
    // Also refuses a URI that holds a secret, before anything repeats it.
    const parsed = parseUri(uri);
    if (parsed.kind === "asset" || parsed.kind === "registry_asset") {
      throw new AmlError("path_invalid", `${uri} names a registered dataset, not a path.`, {
        hint: "Get it by name: workspace.datasets.get().",
      });
    }
    if (parsed.kind === "datastore") {
      const storage = await datastores.open(parsed.datastore, operation);
      const root = uri.slice(0, uri.length - parsed.path.length).replace(/\/$/, "");
      return { storage, path: parsed.path, uriOf: (path) => `${root}/${path}` };
    }
    const { storage, path } = await stores.openUri(uri, operation);
    return { storage, path, uriOf: (below) => `${storage.uri}/${encodePath(below)}` };
  };

  const context: DatasetContext = {
    registry,
    locate,
    openSql: datastores.openSql,
    createHash: options.createHash,
    engine() {
      engine ??= startEngine(options);
      engine.catch(() => (engine = undefined));
      return engine;
    },
  };

  const plan = (paths: PathInput | readonly PathInput[], steps: readonly object[]): Plan => {
    const list = Array.isArray(paths) ? (paths as readonly PathInput[]) : [paths as PathInput];
    return parsePlan({
      version: 1,
      source: { from: "paths", paths: list.map((path) => pathSpec(path, resolve)) },
      steps,
    });
  };

  return {
    datastores,
    datasets: createDatasets(context),
    tabular: createTabularFactory(context, plan),
    files: (paths) => bindFileDataset(plan(paths, []), context),
    filesFromPlan: (input) => bindFileDataset(parsePlan(input), context),
    sql: (text, tables = {}) => bindSql(text, tables, context),
    locate,
    copy: (from, to, copying) => copy({ ...context, journal: options.copyJournal }, from, to, copying),
    resolve: (path) => resolve(path),
    async [Symbol.asyncDispose]() {
      await (await engine)?.[Symbol.asyncDispose]();
      await stores.close();
      await registry.close?.();
    },
  };
}

async function startEngine({ engine }: WorkspaceOptions): Promise<TabularEngine> {
  if (typeof engine === "function") return engine();
  if (engine !== undefined) return engine;
  throw new AmlError("unsupported", "This workspace has no table engine.", {
    hint: "Create it with an engine, e.g. that of @aml/engine-duckdb.",
  });
}

function createDatasets(context: DatasetContext): Datasets {
  const bind = (record: DatasetRecord) => {
    const checked = parsePlan(record.plan);
    return record.kind === "file"
      ? bindFileDataset(checked, context, record)
      : bindTabularDataset(checked, context, record);
  };
  return {
    async get(reference, options) {
      const { name, version } = parseReference(reference);
      return bind(await context.registry.getDataset(name, version, options));
    },
    list: (options) => context.registry.listDatasets(options),
  };
}

function createTabularFactory(
  context: DatasetContext,
  plan: (paths: PathInput | readonly PathInput[], steps: readonly object[]) => Plan,
): TabularFactory {
  const from =
    (op: string) =>
    (paths: PathInput | readonly PathInput[], options: object = {}) =>
      bindTabularDataset(plan(paths, [{ op, ...(snakeCase(options) as object) }]), context);
  return {
    fromDelimitedFiles: from("read_delimited"),
    fromJsonLinesFiles: from("read_json_lines"),
    fromParquetFiles: from("read_parquet"),
    fromDeltaTable: (folder, options) => from("read_delta_lake")({ folder }, options),
    fromSqlQuery: ({ datastore, query, parameters, timeoutMs }) => {
      const source = {
        from: "query",
        datastore,
        query,
        ...(parameters === undefined ? {} : { parameters }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      };
      return bindTabularDataset(parsePlan({ version: 1, source, steps: [] }), context);
    },
    fromRows: async (rows, target, options = {}) =>
      from("read_parquet")(await writeRows(rows, target, options, context)),
    fromColumnBatches: async (batches, target, options = {}) =>
      from("read_parquet")(await writeColumns(batches, target, options, context)),
    fromPlan: (input) => bindTabularDataset(parsePlan(input), context),
  };
}

function parseReference(reference: string): { readonly name: string; readonly version: number | undefined } {
  const [, name, version] = /^(?:azureml:)?([^:@/]+)(?::(\d+)|@latest|:latest)?$/.exec(reference) ?? [];
  if (name === undefined) {
    throw new AmlError("path_invalid", `${JSON.stringify(reference)} does not name a dataset.`, {
      hint: "Write name, azureml:name, azureml:name:3 or azureml:name@latest.",
    });
  }
  return { name, version: version === undefined ? undefined : Number(version) };
}

function pathSpec(path: PathInput, resolve: (path: string, pattern?: boolean) => string): PathSpec {
  if (typeof path !== "string") {
    const [kind = "", value] = Object.entries(path ?? {})[0] ?? [];
    if (!["file", "folder", "pattern"].includes(kind) || typeof value !== "string") throw noPath(path);
    return { [kind]: resolve(value, kind === "pattern") } as unknown as PathSpec;
  }
  // In a web address the first `?` starts the query.
  if (hasGlob(/^https?:/i.test(path) ? path.replace(/\?.*$/, "") : path))
    return { pattern: resolve(path, true) };
  return path === "" || /(^|\/)\.?$/.test(path) ? { folder: resolve(path) } : { file: resolve(path) };
}

function noPath(value: unknown): AmlError {
  const shown = value === undefined ? "undefined" : JSON.stringify(value);
  return new AmlError(
    "path_invalid",
    `A path is a text, or { file }, { folder } or { pattern }, and not ${shown}.`,
    {
      hint: "Write a URI, a path, a glob, or a folder with a slash at its end.",
    },
  );
}

/** Escapes what a URI cannot hold, and nothing that a partition format may want to see (`=`, `&`, `+`). */
function encodePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}
