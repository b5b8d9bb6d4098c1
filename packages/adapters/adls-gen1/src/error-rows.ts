import { aclGrant, type FailureRow, type UnansweredHints } from "@aml/azure-auth";
import { retiredHint } from "./retired.ts";
import type { AdlsGen1Options } from "./options.ts";

/** What was being done, to what: for messages and hints. Holds no secret. */
export interface Attempt {
  readonly operation: "stat" | "list" | "read" | "write" | "delete";
  /** Of the file or folder, in the store; empty for its root. */
  readonly path: string;
  readonly options: AdlsGen1Options;
  readonly host: string;
  /** Who signs in, as far as it is known. */
  readonly who: string;
}

/** An attempt that failed, ready to be worded. */
export interface Failure extends Attempt {
  /** `file or folder 'a/b'`, or the root. */
  readonly what: string;
  readonly store: string;
  /** The service's own words, first sentence, or the network's. */
  readonly said: string;
}

type Text = (failure: Failure) => string;
/** What an answer of the service means: a code, what happened, what to do next. */
export type Row = FailureRow<Failure>;

const verb = ({ operation }: Attempt): string => (operation === "stat" ? "look up" : operation);
/** A file is written in the root before it is moved to its place. */
const rights = ({ operation, path }: Attempt): string =>
  aclGrant(operation, path) + (operation === "write" && path.includes("/") ? ", and -wx on /" : "");
const RETIRED: Text = ({ options, path }) => retiredHint(options, path);

const MISSING: Row = [
  "not_found",
  ({ what, store }) => `There is no ${what} in store '${store}'.`,
  () => "Check the path: names are case-sensitive.",
];
const EXISTS: Row = [
  "already_exists",
  ({ what }) => `${what} exists already, or is a folder, or lies below a file.`,
  () => "Choose another path, or allow the file to be overwritten.",
];
const NOT_EMPTY: Row = [
  "precondition_failed",
  ({ what }) => `${what} is a folder that is not empty.`,
  () => "Delete it recursively.",
];
export const CHANGED: Row = [
  "precondition_failed",
  ({ what }) => `${what} was changed while it was read.`,
  () => "Read it again from the beginning.",
];
const BAD_OFFSET: Row = [
  "range_not_satisfiable",
  ({ what }) => `The range starts past the end of ${what}.`,
  () => "Look up its size first.",
];
const DENIED: Row = [
  "permission_denied",
  (f) => `The credential of ${f.who} may not ${verb(f)} ${f.what} in store '${f.store}'.`,
  (f) => `Grant in the access lists of store '${f.store}' to ${f.who}: ${rights(f)}.`,
];
const REFUSED: Row = [
  "auth_failed",
  ({ store, who }) => `Store '${store}' refused the access token of ${who}.`,
  () => "Check that the identity is of the store's own tenant, and that this machine's clock is right.",
];
const BAD_PATH: Row = [
  "path_invalid",
  ({ what, said }) => `The service does not take ${what}: ${said}.`,
  () => "Check the names in the path.",
];
const UNSUPPORTED: Row = [
  "unsupported",
  ({ what, said }) => `The service does not do this with ${what}: ${said}.`,
  RETIRED,
];
const BUSY: Row = [
  "rate_limited",
  ({ store }) => `Store '${store}' is asked too often.`,
  () => "Wait and try again, or lower the concurrency.",
];
export const SERVER: Row = [
  "unavailable",
  ({ store }) => `Store '${store}' failed to answer the request.`,
  RETIRED,
];
const LATE: Row = ["timeout", SERVER[1], () => "Try again."];
/** An answer that is none of WebHDFS: somebody else has the name, or nobody. */
export const NO_STORE: Row = [
  "unavailable",
  ({ host }) => `${host} does not answer as a Data Lake store.`,
  RETIRED,
];

/** https://learn.microsoft.com/rest/api/datalakestore/webhdfs-filesystem-apis, read 2026-11 */
export const EXCEPTIONS: Readonly<Record<string, Row>> = {
  FileNotFoundException: MISSING,
  FileAlreadyExistsException: EXISTS,
  ParentNotDirectoryException: EXISTS,
  PathIsNotEmptyDirectoryException: NOT_EMPTY,
  BadOffsetException: BAD_OFFSET,
  AccessControlException: DENIED,
  SecurityException: REFUSED,
  IllegalArgumentException: BAD_PATH,
  UnsupportedOperationException: UNSUPPORTED,
  ThrottledException: BUSY,
  RuntimeException: SERVER,
  IOException: SERVER,
};

export const STATUSES: Readonly<Record<number, Row>> = {
  401: REFUSED,
  403: DENIED,
  404: MISSING,
  408: LATE,
  409: EXISTS,
  416: BAD_OFFSET,
  429: BUSY,
  504: LATE,
};

/** For no answer at all. */
export const UNANSWERED: UnansweredHints<Failure> = { noHost: RETIRED, notListening: RETIRED, late: RETIRED };
