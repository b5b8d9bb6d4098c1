import { AmlError, hasGlob, isUri, parseUri, type PathSpec } from "@aml/core";
import { type Lose, typeOf } from "./v1-definition.ts";
import { asList, asRecord, asText } from "./v1-expression.ts";

const SECRETS = ["sas", "storageAccountKey"];

/** The paths of a block that lists files; undefined for another block. */
export function readV1Paths(
  name: string,
  given: Readonly<Record<string, unknown>>,
  lose: Lose,
): readonly PathSpec[] | undefined {
  const each = (
    key: string,
    list: unknown,
    read: (item: Readonly<Record<string, unknown>>) => string | undefined,
  ): PathSpec[] =>
    asList(list).flatMap((item, at) => {
      const place = `blocks[0].arguments.${key}[${at}]`;
      const path = read(asRecord(item));
      if (path !== undefined && path !== "") return [kindOf(path, place, lose)];
      lose(place, "rows", "A source of an unknown form is left out.");
      return [];
    });
  switch (name) {
    case "GetFilesBlock":
      return each("path.resourceDetails", asRecord(given["path"])["resourceDetails"], (details) => {
        if (SECRETS.some((key) => typeof details[key] === "string" && details[key] !== "")) {
          lose(
            "blocks[0].arguments.path",
            "nothing",
            "Keys and tokens are left out: register a datastore with them.",
          );
        }
        const path = asText(details["path"]);
        // A token in a URL's query is a secret, too.
        const [bare = "", query] = /^https?:/i.test(path) ? path.split("?") : [path];
        if (query !== undefined)
          lose("blocks[0].arguments.path", "nothing", "The query of a URL is left out.");
        return bare;
      });
    case "GetDatastoreFilesBlock":
      return each("datastores", given["datastores"], (store) => datastoreUri(store, store["path"]));
    case "CreateDatasetBlock":
      return each("streamInfos", given["streamInfos"], (info) => {
        const resource = asText(info["resourceidentifier"] ?? info["resourceIdentifier"]);
        if (info["handler"] !== "AmlDatastore")
          return info["handler"] === "Local" || isUri(resource) ? resource : undefined;
        return datastoreUri(asRecord(info["arguments"]), resource.slice(resource.indexOf("/") + 1));
      });
    default:
      return undefined;
  }
}

function datastoreUri(store: Readonly<Record<string, unknown>>, path: unknown): string | undefined {
  const { subscription, resourceGroup, workspaceName, datastoreName } = store;
  if (typeof datastoreName !== "string" || datastoreName === "") return undefined;
  const below = `datastores/${datastoreName}/paths/${asText(path).replace(/^\/+/, "")}`;
  const workspace = [subscription, resourceGroup, workspaceName];
  if (workspace.some((part) => typeof part !== "string" || part === "")) return `azureml://${below}`;
  return `azureml://subscriptions/${asText(subscription)}/resourcegroups/${asText(resourceGroup)}/workspaces/${asText(workspaceName)}/${below}`;
}

/** A definition's path may be a file, a folder or a pattern, and does not say which. */
function kindOf(path: string, place: string, lose: Lose): PathSpec {
  if (hasGlob(path)) return { pattern: path };
  if (path.endsWith("/")) return { folder: path };
  const isFile = /\.[^/\\.]+$/.test(path);
  lose(
    place,
    "nothing",
    `${path} is taken for a ${isFile ? "file" : "folder"}: a definition does not say which it is.`,
  );
  return isFile ? { file: path } : { folder: path };
}

/** The block that lists the files of an MLTable. */
export function writeV1Paths(
  paths: readonly PathSpec[],
  lose: Lose,
): { readonly type: string; readonly arguments: Readonly<Record<string, unknown>> } {
  const texts = paths.map((entry, at) => {
    const [kind, path] = Object.entries(entry)[0] as [string, string];
    if (kind !== "pattern" && hasGlob(localPath(path)))
      lose(`paths[${at}]`, "rows", `${localPath(path)} is a pattern in a definition.`);
    return kind === "folder" ? `${path.replace(/[/]+$/, "")}/` : path;
  });
  const stores = texts.map((path) => (isUri(path) ? storeOf(path) : undefined));
  if (stores.every((store) => store !== undefined)) {
    if (stores.some(({ subscription }) => subscription === null)) {
      lose("paths", "nothing", "A definition names the workspace of a datastore, which these URIs do not.");
    }
    return { type: typeOf("GetDatastoreFilesBlock"), arguments: { datastores: stores } };
  }
  const local = texts.map((path) => !isUri(path) || path.startsWith("file:"));
  if (stores.some((store) => store !== undefined) || (local.includes(true) && local.includes(false))) {
    throw new AmlError(
      "unsupported",
      "A definition of v1 has paths of one kind: datastores, URLs or local files.",
      {
        hint: "Make one MLTable for each kind.",
      },
    );
  }
  if (local.includes(true) && texts.some((path) => !/^(file:|\/|[a-z]:[\\/])/i.test(path))) {
    lose("paths", "rows", "Relative paths stay relative, and v1 reads them from the folder that it runs in.");
  }
  const details = texts.map((path) =>
    local.includes(true)
      ? { path: localPath(path) }
      : { path, sas: null, storageAccountKey: null, storageAccountName: null },
  );
  return {
    type: typeOf("GetFilesBlock"),
    arguments: { path: { resourceDetails: details, target: local.includes(true) ? 0 : 1 } },
  };
}

/** As v1 has it: a bare path. */
function localPath(path: string): string {
  const parsed = isUri(path) ? parseUri(path) : undefined;
  return parsed?.kind === "file" ? parsed.path : path;
}

interface Store {
  readonly subscription: string | null;
  readonly resourceGroup: string | null;
  readonly workspaceName: string | null;
  readonly datastoreName: string;
  readonly path: string;
}

function storeOf(uri: string): Store | undefined {
  const parsed = parseUri(uri);
  if (parsed.kind !== "datastore") return undefined;
  const { datastore, path, workspace } = parsed;
  return {
    subscription: workspace?.subscriptionId ?? null,
    resourceGroup: workspace?.resourceGroup ?? null,
    workspaceName: workspace?.workspaceName ?? null,
    datastoreName: datastore,
    path,
  };
}
