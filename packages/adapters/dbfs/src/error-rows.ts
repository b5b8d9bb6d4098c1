import type { CredentialKind } from "@aml/core/adapter";
import { grantHint, type FailureRow, type UnansweredHints } from "@aml/azure-auth";

/** What was being done, to what, by whom: for messages and hints. Holds no secret. */
export interface Attempt {
  readonly operation: "stat" | "list" | "read" | "write" | "delete";
  /** Of the file or folder, in the store; empty for its root. */
  readonly path: string;
  /** The root as its users write it. */
  readonly root: string;
  readonly kind: "dbfs" | "volume";
  readonly host: string;
  readonly credential: CredentialKind;
  /** Who signs in, as far as it is known. */
  readonly who: string;
}

/** An attempt that failed, ready to be worded. */
export interface Failure extends Attempt {
  /** `file 'a/b'`, or the root. */
  readonly what: string;
  /** The service's own words, first sentence, or the network's. */
  readonly said: string;
}

/** What an answer of the service means: a code, what happened, what to do next. */
export type Row = FailureRow<Failure>;

const verb = ({ operation }: Attempt): string => (operation === "stat" ? "look up" : operation);
const writes = ({ operation }: Attempt): boolean => operation === "write" || operation === "delete";

/**
 * Of Unity Catalog.
 *
 * @see https://docs.databricks.com/volumes/privileges – read 2026-11
 */
function volumeGrant(failure: Failure): string {
  const [catalog = "", schema = "", volume = ""] = failure.root.split("/").slice(2);
  const right = writes(failure) ? "READ VOLUME and WRITE VOLUME" : "READ VOLUME";
  const grant = grantHint(right, `volume ${catalog}.${schema}.${volume}`, failure.who).replace(/\.$/, "");
  return `${grant}, with USE SCHEMA on ${catalog}.${schema} and USE CATALOG on ${catalog}.`;
}

/** DBFS has no rights of its own: whoever is let into the workspace reads and writes its root. */
function dbfsGrant({ who, root, host }: Failure): string {
  return `Have a workspace admin grant the entitlement "Workspace access" on ${host} to ${who}, and, where ${root} is a mount, access to the storage behind it.`;
}

const MISSING: Row = [
  "not_found",
  ({ what, root }) => `There is no ${what} in ${root}.`,
  () => "Check the path: names are case-sensitive.",
];
const EXISTS: Row = [
  "already_exists",
  ({ what }) => `${what} exists already, or is a folder, or lies below a file.`,
  () => "Choose another path, or allow the file to be overwritten.",
];
const IN_THE_WAY: Row = [
  "precondition_failed",
  (f) =>
    f.operation === "delete"
      ? `${f.what} is a folder that is not empty.`
      : `To ${verb(f)} ${f.what} failed: ${f.said}.`,
  (f) =>
    f.operation === "delete" ? "Delete it recursively." : "Check that no file is where a folder should be.",
];
export const CHANGED: Row = [
  "precondition_failed",
  ({ what }) => `${what} was changed while it was read.`,
  () => "Read it again from the beginning.",
];
const BAD_PATH: Row = [
  "path_invalid",
  ({ what, said }) => `The service does not take ${what}: ${said}.`,
  () => "Check the names in the path.",
];
const DENIED: Row = [
  "permission_denied",
  (f) => `The credential of ${f.who} may not ${verb(f)} ${f.what} in ${f.root}.`,
  (f) => (f.kind === "volume" ? volumeGrant(f) : dbfsGrant(f)),
];
export const REFUSED: Row = [
  "auth_failed",
  ({ host, credential, who }) =>
    credential === "access_token"
      ? `The workspace ${host} refused the personal access token.`
      : `The workspace ${host} refused the token of ${who}.`,
  ({ credential, who }) =>
    credential === "access_token"
      ? "Make a new personal access token in the workspace's user settings; they expire."
      : credential === "oauth_client"
        ? "Check the client ID and the OAuth secret of the service principal, and that it is in this workspace."
        : `Add ${who} to the workspace as a user or a service principal.`,
];
export const NO_WORKSPACE: Row = [
  "config_invalid",
  ({ host }) => `${host} does not answer as a Databricks workspace.`,
  () => "Check the option host; copy it from the browser's address of the workspace.",
];
const DISABLED: Row = [
  "unsupported",
  ({ host, said }) => `The workspace ${host} does not offer this: ${said}.`,
  () => "Workspaces made lately have no DBFS root: use a volume, /Volumes/CATALOG/SCHEMA/VOLUME.",
];
const BUSY: Row = [
  "rate_limited",
  ({ host }) => `The workspace ${host} is asked too often.`,
  () => "Wait and try again, or lower the concurrency.",
];
export const SERVER: Row = [
  "unavailable",
  ({ host }) => `The workspace ${host} failed to answer the request.`,
  () => "Try again; if it stays, look at the status page of Databricks.",
];
const LATE: Row = ["timeout", SERVER[1], SERVER[2]];
const BUG: Row = [
  "internal",
  (f) => `To ${verb(f)} ${f.what} failed: ${f.said}.`,
  () => "Report this to the authors.",
];

/** https://docs.databricks.com/api/workspace/dbfs and …/files, read 2026-11 */
export const CODES: Readonly<Record<string, Row>> = {
  RESOURCE_DOES_NOT_EXIST: MISSING,
  NOT_FOUND: MISSING,
  RESOURCE_ALREADY_EXISTS: EXISTS,
  ALREADY_EXISTS: EXISTS,
  RESOURCE_CONFLICT: EXISTS,
  IO_ERROR: IN_THE_WAY,
  DIRECTORY_NOT_EMPTY: IN_THE_WAY,
  FAILED_PRECONDITION: CHANGED,
  INVALID_PARAMETER_VALUE: BAD_PATH,
  BAD_REQUEST: BAD_PATH,
  OUT_OF_RANGE: [
    "range_not_satisfiable",
    ({ what }) => `The range starts past the end of ${what}.`,
    () => "Look up its size first.",
  ],
  PERMISSION_DENIED: DENIED,
  UNAUTHENTICATED: REFUSED,
  ENDPOINT_NOT_FOUND: NO_WORKSPACE,
  FEATURE_DISABLED: DISABLED,
  NOT_IMPLEMENTED: DISABLED,
  MAX_READ_SIZE_EXCEEDED: BUG,
  MAX_BLOCK_SIZE_EXCEEDED: BUG,
  MALFORMED_REQUEST: BUG,
  REQUEST_LIMIT_EXCEEDED: BUSY,
  RESOURCE_EXHAUSTED: BUSY,
  PARTIAL_DELETE: SERVER,
  TEMPORARILY_UNAVAILABLE: SERVER,
  INTERNAL_ERROR: SERVER,
  DEADLINE_EXCEEDED: LATE,
};

export const STATUSES: Readonly<Record<number, Row>> = {
  401: REFUSED,
  403: DENIED,
  404: MISSING,
  408: LATE,
  409: EXISTS,
  412: CHANGED,
  416: CODES["OUT_OF_RANGE"] as Row,
  429: BUSY,
  504: LATE,
};

/** For no answer at all. */
export const UNANSWERED: UnansweredHints<Failure> = {
  noHost: () => "Check the option host, and that this machine resolves names.",
  notListening: () => "Check the option host.",
  late: () => "Check the network and any firewall.",
};
