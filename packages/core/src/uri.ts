import { AmlError } from "./aml-error.ts";
import { escapeGlob } from "./glob.ts";
import type { AssetUri, ParsedUri, RegistryAssetUri, StorageUri, WorkspaceScope } from "./parsed-uri.ts";

const AZUREML =
  /^azureml:\/{1,3}(?:subscriptions\/(?<subscriptionId>[^/]+)\/resourcegroups\/(?<resourceGroup>[^/]+)\/(?:providers\/microsoft\.machinelearningservices\/)?workspaces\/(?<workspaceName>[^/]+)\/|registries\/(?<registry>[^/]+)\/|locations\/(?<region>[^/]+)\/workspaces\/(?<workspaceId>[^/]+)\/)?(?:datastores\/(?<datastore>[^/]+)\/paths(?:\/(?<path>.*))?|data\/(?<name>[^/]+)\/(?:versions\/(?<version>[^/]+)|labels\/(?<label>[^/]+)))$/is;
const SHORT_ASSET = /^azureml:(?<name>[^/\\:@]+)(?::(?<version>[^/\\:@]+)|@(?<label>[^/\\:@]+))?$/i;
/** Scheme, authority and path; of `dbfs:/x` the scheme alone. */
const PARTS = /^([\w+.-]+):(?:\/\/([^/?#]*)\/?(.*))?/s;
/** Container, account, service and endpoint. */
const STORE = /^(?:([^@:]+)@)?([^.@:]+)\.(?:(blob|dfs|file)\.)?([^@:]+(?::\d+)?)$/i;
const FILE = /^file:(?:\/\/(?:localhost|([^/]*))|(?!\/\/))(\/.*)$/is;

const FORMS =
  "Known are azureml://datastores/NAME/paths/PATH, azureml:NAME:VERSION, wasbs://CONTAINER@ACCOUNT.blob.ENDPOINT/PATH, " +
  "abfss:// with dfs, https://ACCOUNT.blob.ENDPOINT/CONTAINER/PATH, adl://STORE.ENDPOINT/PATH, dbfs:/PATH, file:///PATH.";

/** Tells whether a text is an absolute URI, as against a path. */
export function isUri(text: string): boolean {
  return /^(azureml:|(dbfs|file):\/|[a-z][a-z\d+.-]+:\/\/)/i.test(text);
}

/**
 * Reads a URI of any form that Azure ML knows. http(s) and `file` paths are percent-decoded, all others are taken
 * literally. Nothing else is normalised in a path: a trailing slash stays. In the web address of a store a `?` that
 * is no query's is a glob's. A scheme that Azure ML does not know may be a third party's: kind `other`.
 *
 * @throws `path_invalid` when the form is incomplete, and for anything secret in a URI: a SAS token or
 * another signature, a user name. The error never repeats it.
 * @see https://learn.microsoft.com/azure/machine-learning/how-to-access-data-interactive – the forms, read 2026-11
 */
export function parseUri(text: string): ParsedUri {
  const [, given = "", authority = "", path = ""] = PARTS.exec(text) ?? [];
  const scheme = given.toLowerCase();
  if (scheme !== "http" && scheme !== "https") checkText(text);
  switch (scheme) {
    case "azureml":
      return parseAzureml(text);
    case "amldatastore":
      if (authority) return { kind: "datastore", datastore: authority, path };
      break;
    case "http":
    case "https":
      return parseWeb(text, scheme, authority.toLowerCase(), path);
    case "wasb":
    case "wasbs":
    case "abfs":
    case "abfss": {
      const [first, account, service, endpoint] = splitHost(authority);
      // Microsoft's own samples also put the container first in the path, as https does.
      const [, container, rest = ""] = first ? ["", first, path] : splitPath(path);
      const kind = scheme.startsWith("w") ? "blob" : "dfs";
      if (account && endpoint && container && service === kind) {
        return { kind, scheme, account, endpoint, container, path: rest };
      }
      break;
    }
    case "adl": {
      const [container, store, service, endpoint] = splitHost(authority);
      if (store && endpoint && !container && !service) return { kind: "adl", store, endpoint, path };
      break;
    }
    case "dbfs":
      return { kind: "dbfs", path: text.replace(/^\w+:\/*/, "") };
    case "file": {
      const [, host, local] = FILE.exec(text) ?? [];
      if (local) return { kind: "file", ...(host && { host }), path: decode(text, local) };
      break;
    }
    default:
      if (authority) return { kind: "other", scheme, authority, path };
  }
  throw invalid(text, "is no complete URI of a known form");
}

function parseAzureml(text: string): ParsedUri {
  const short = SHORT_ASSET.exec(text)?.groups;
  const groups = short ?? AZUREML.exec(text)?.groups ?? {};
  const { subscriptionId, resourceGroup, workspaceName, region, workspaceId, registry } = groups;
  const { datastore, path = "", name, version, label } = groups;
  const workspace = subscriptionId && { subscriptionId, resourceGroup, workspaceName };
  const location = region && { region, workspaceId };
  if (datastore && !registry && !location) return defined({ kind: "datastore", workspace, datastore, path });
  if (!name || !(short || registry || workspace || location)) throw invalid(text, "is not complete");
  const kind = registry ? "registry_asset" : "asset";
  return defined({ kind, registry, name, version, label, workspace, location });
}

/** Without the fields that are absent. */
function defined(fields: Readonly<Record<string, unknown>>): ParsedUri {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as unknown as ParsedUri;
}

function parseWeb(text: string, scheme: "https" | "http", host: string, tail: string): ParsedUri {
  // A bad authority may be a cut-off password, so nothing of it is repeated.
  if (!/^([^\s@:[\]\\]+|\[[\da-f:.]+\])(:\d+)?$/.test(host)) {
    throw invalid(`${scheme}://…`, "has no plain host", "Leave passwords to a datastore's credential.");
  }
  checkText(text);
  if (tail.includes("#")) throw invalid(text, "has a '#'", "Write %23 for a # in a name.");
  const [, account, service, endpoint = ""] = splitHost(host);
  const stored = account && service && /^(core\..|fabric\.microsoft\.com$)/.test(endpoint);
  const mark = tail.indexOf("?");
  const whole = mark < 0 || (stored && !tail.includes("=", mark));
  const name = whole ? tail : tail.slice(0, mark);
  const query = whole ? undefined : tail.slice(mark + 1);
  const path = decode(text, name);
  if (!stored) {
    if (/%2f/i.test(name)) throw invalid(text, "has an encoded slash (%2F)");
    return defined({ kind: "http", scheme, host, path, query });
  }
  const [, container, rest = ""] = splitPath(path);
  if (!container) throw invalid(text, "names no container");
  const [, key = "", version] =
    (service === "blob" && /^(snapshot|versionid)=([^&]+)$/i.exec(query ?? "")) || [];
  if (query !== undefined && !version) throw secret(text);
  const versionKey = /^s/i.test(key) ? "snapshot" : "versionId";
  return defined({
    kind: service === "file" ? "file_share" : service,
    scheme,
    account,
    endpoint,
    container,
    path: rest,
    [versionKey]: version && decode(text, version),
  });
}

function checkText(text: string): void {
  if (/[\0\p{Surrogate}]/u.test(text)) throw invalid(text, "has a character that no path can hold");
  if (/[?&](sig|x-\w+-signature)=/i.test(text)) throw secret(text);
}

function secret(text: string): AmlError {
  const hint = "Leave SAS tokens to a datastore's credential. A ? in a name is %3F.";
  return invalid(text, "has a query, as of a SAS token: a URI must hold no secret", hint);
}

/** Container, account, service and endpoint; all but the container in lower case. */
function splitHost(authority: string): readonly (string | undefined)[] {
  const [, container, ...host] = STORE.exec(authority) ?? [];
  return [container, ...host.map((part) => part?.toLowerCase())];
}

function splitPath(path: string): readonly (string | undefined)[] {
  return /^([^/]*)\/?(.*)$/s.exec(path) ?? [];
}

/** Prints a URI in its canonical form: `parseUri(formatUri(uri))` equals `uri`. */
export function formatUri(uri: ParsedUri): string {
  switch (uri.kind) {
    case "datastore":
      return `azureml://${formatScope(uri.workspace)}datastores/${uri.datastore}/paths/${uri.path}`;
    case "asset":
    case "registry_asset":
      return formatAsset(uri);
    case "adl":
      return `adl://${uri.store}.${uri.endpoint}/${uri.path}`;
    case "dbfs":
      return `dbfs:/${uri.path}`;
    case "other":
      return `${uri.scheme}://${uri.authority}/${uri.path}`;
    case "file":
      return `file://${uri.host ?? ""}${encode(uri.path)}`;
    case "http":
      return `${uri.scheme}://${uri.host}/${encode(uri.path)}${uri.query === undefined ? "" : `?${uri.query}`}`;
    default:
      return formatStorage(uri);
  }
}

function formatStorage(uri: StorageUri): string {
  const { scheme, container, path, snapshot, versionId } = uri;
  const host = `${uri.account}.${uri.kind.replace("_share", "")}.${uri.endpoint}`;
  if (!scheme.startsWith("http")) return `${scheme}://${container}@${host}/${path}`;
  const version = encodeURIComponent(snapshot ?? versionId ?? "").replaceAll("%3A", ":");
  const query = version && `?${snapshot ? "snapshot" : "versionid"}=${version}`;
  return `${scheme}://${host}/${encode(`${container}/${path}`)}${query}`;
}

function formatScope(scope: WorkspaceScope | undefined): string {
  if (!scope) return "";
  const { subscriptionId, resourceGroup, workspaceName } = scope;
  return `subscriptions/${subscriptionId}/resourcegroups/${resourceGroup}/workspaces/${workspaceName}/`;
}

function formatAsset(uri: AssetUri | RegistryAssetUri): string {
  const { name, version, label } = uri;
  const scope =
    uri.kind === "registry_asset"
      ? `registries/${uri.registry}/`
      : uri.location
        ? `locations/${uri.location.region}/workspaces/${uri.location.workspaceId}/`
        : formatScope(uri.workspace);
  if (!scope) return `azureml:${name}${version ? `:${version}` : label ? `@${label}` : ""}`;
  return `azureml://${scope}data/${name}/${version ? `versions/${version}` : `labels/${label ?? "latest"}`}`;
}

/**
 * Resolves a path or a glob against the URI of a folder, which needs no trailing slash. An absolute URI passes
 * through as it is. The path is taken literally (a `%` is a `%`), folds `.` and empty segments, and may climb with
 * `..` up to the root of its store. Backslashes separate below a Windows drive only.
 *
 * @throws `path_invalid` when the path leaves the store, is absolute though the folder is not local, or the folder
 * is no place in a store.
 */
export function resolveUri(folder: string, path: string): string {
  return resolve(folder, path, (base) => base);
}

/** As `resolveUri`, for a glob: glob characters in the folder's own path are escaped, so they stay literal. */
export function resolvePatternUri(folder: string, pattern: string): string {
  return resolve(folder, pattern, escapeGlob);
}

function resolve(folder: string, relative: string, escape: (path: string) => string): string {
  if (isUri(relative)) return relative;
  const base = parseUri(folder);
  if (!("path" in base)) throw invalid(folder, "is a dataset, not a folder");
  const local = base.kind === "file";
  const drive = local && /^\/[a-z]:/i.test(base.path);
  const path =
    drive || relative === ".\\" ? relative.replaceAll("\\", "/").replace(/^[a-z]:\//i, "/$&") : relative;
  const absolute = path.startsWith("/");
  if (absolute && !local) throw invalid(path, "is a local path in a remote folder", "Write a relative path.");
  const segments = absolute ? [] : escape(base.path).split("/").filter(Boolean);
  for (const segment of path.split("/")) {
    if (segment !== "..") {
      if (segment !== "" && segment !== ".") segments.push(segment);
    } else if (segments.length > (drive ? 1 : 0)) segments.pop();
    else throw invalid(path, "leaves its store", "Remove '..' segments.");
  }
  const end = segments.length > 0 && /(^|\/)\.{0,2}$/.test(path) ? "/" : "";
  const joined = `${local ? "/" : ""}${segments.join("/")}${end}`;
  // A version belongs to one file, and so does a query.
  const place = { ...base, query: undefined, snapshot: undefined, versionId: undefined, path: joined };
  return formatUri(place);
}

function decode(text: string, path: string): string {
  try {
    const decoded = decodeURIComponent(path);
    if (!decoded.includes("\0")) return decoded;
  } catch {
    // Told below, together with an encoded NUL.
  }
  throw invalid(text, "is not percent-encoded UTF-8", "Write %25 for a % in a name.");
}

/** Keeps what URLs may carry in a path readable, `=` of partitions and the glob characters among it. */
function encode(path: string): string {
  try {
    return encodeURI(path).replace(/[?#]/g, encodeURIComponent).replaceAll("%5B", "[").replaceAll("%5D", "]");
  } catch {
    throw invalid(path, "has a character that no path can hold");
  }
}

/** A query is left out, as it may hold a secret; a user name never gets here. */
function invalid(text: string, problem: string, hint: string = FORMS): AmlError {
  const start = text
    .slice(0, 300)
    .replace(/[?#].*=.*$/s, "")
    .replace(/^(https?:\/\/)[^/]*@/i, "$1");
  const uri = text.length > 300 ? `${start}…` : start;
  return new AmlError("path_invalid", `${JSON.stringify(uri)} ${problem}.`, { hint, context: { uri } });
}
