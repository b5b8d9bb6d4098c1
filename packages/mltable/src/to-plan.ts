import {
  AmlError,
  isUri,
  parseUri,
  type PathSpec,
  type Plan,
  resolvePatternUri,
  resolveUri,
} from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import type { MLTable } from "./mltable.ts";

/**
 * The plan that an MLTable stands for: its paths made absolute, its steps as they are, of its traits the columns of
 * times. Other traits and the metadata, which change no rows, go with it as they are.
 *
 * @param folderUri - the folder that holds the `MLTable` file.
 * @throws `path_invalid` for a path that leaves its store or is local in a remote folder; `plan_invalid`.
 */
export function toPlan(
  table: Pick<MLTable, "paths" | "transformations"> & Partial<Pick<MLTable, "traits" | "metadata">>,
  folderUri: string,
): Plan {
  const paths = table.paths.map((entry) =>
    mapPath(entry, (path, kind) => resolvePath(folderUri, path, kind)),
  );
  const { timestamp_column, partition_timestamp_column: partition, ...others } = table.traits ?? {};
  const isOfTimes = timestamp_column !== undefined && typeof partition === "string";
  const traits = { timestamp_column, ...(isOfTimes ? { partition_timestamp_column: partition } : {}) };
  const rest =
    isOfTimes || partition === undefined ? others : { ...others, partition_timestamp_column: partition };
  const mltable = {
    ...(Object.keys(rest).length === 0 ? {} : { traits: rest }),
    ...(Object.keys(table.metadata ?? {}).length === 0 ? {} : { metadata: table.metadata }),
  };
  return parsePlan({
    version: 1,
    source: { from: "paths", paths },
    steps: table.transformations,
    ...(timestamp_column === undefined ? {} : { traits }),
    ...(Object.keys(mltable).length === 0 ? {} : { mltable }),
  });
}

/**
 * The MLTable of a plan: paths at or below `folderUri` become relative to it, others stay absolute. Files that a
 * version pinned are left out, since an MLTable has no place for them.
 *
 * @throws `unsupported` for a plan over a query; `plan_invalid`.
 */
export function fromPlan(plan: Plan, folderUri?: string): MLTable {
  const { source, steps, traits = {}, mltable = {} } = parsePlan(plan);
  if (source.from === "query") {
    throw new AmlError("unsupported", "A plan over a SQL query has no public MLTable form", {
      hint: "Export its rows to files and make the MLTable of those.",
    });
  }
  const paths = source.paths.map((entry) =>
    mapPath(entry, (uri, kind) => (folderUri === undefined ? uri : relativePath(folderUri, uri, kind))),
  );
  return Object.freeze({
    paths: Object.freeze(paths),
    transformations: steps,
    traits: Object.freeze({ ...mltable.traits, ...traits }),
    metadata: Object.freeze({ ...mltable.metadata }),
  });
}

type PathKind = "file" | "folder" | "pattern";

function mapPath(entry: PathSpec, change: (path: string, kind: PathKind) => string): PathSpec {
  const [kind, path] = Object.entries(entry)[0] as [PathKind, string];
  return Object.freeze({ [kind]: change(path, kind) }) as PathSpec;
}

function resolvePath(folder: string, path: string, kind: PathKind): string {
  if (isUri(path)) return path;
  const resolve = kind === "pattern" ? resolvePatternUri : resolveUri;
  const [, drive, below] = /^([a-z]):[\\/](.*)$/is.exec(path) ?? [];
  if (drive !== undefined) return resolve(`file:///${drive}:/`, (below ?? "").replaceAll("\\", "/"));
  const [, server, share] = /^\\\\([^\\/]+)\\(.*)$/s.exec(path) ?? [];
  if (server !== undefined) return resolve(`file://${server}/`, (share ?? "").replaceAll("\\", "/"));
  return resolve(folder, path);
}

/** Only what resolves to the very same URI again is written relative. */
function relativePath(folder: string, uri: string, kind: PathKind): string {
  const resolve = kind === "pattern" ? resolvePatternUri : resolveUri;
  const base = parseUri(folder);
  if (base.kind === "asset") return uri;
  try {
    const target = parseUri(uri);
    const root = parseUri(resolve(folder, "./"));
    if (!("path" in target) || !("path" in root)) return uri;
    const start = root.path === "" || root.path.endsWith("/") ? root.path : `${root.path}/`;
    if (!target.path.startsWith(start)) return uri;
    const relative = `./${target.path.slice(start.length)}`;
    return resolve(folder, relative) === uri ? relative : uri;
  } catch (error) {
    // A URI of an adapter's own form stays as it is.
    if (error instanceof AmlError && error.code === "path_invalid") return uri;
    throw error;
  }
}
