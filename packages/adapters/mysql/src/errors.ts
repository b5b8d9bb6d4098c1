import { AmlError, isAmlError, type AmlErrorCode, type CredentialKind } from "@aml/core/adapter";
import { missingGrant } from "./missing-grant.ts";
import {
  NO_HOST,
  NOT_LISTENING,
  UNREACHABLE,
  UNRESOLVED,
  UNTRUSTED,
  placeOfLine,
  type BoundStatement,
} from "@aml/core/sql";

/** Where and as whom: for messages and hints. Holds no secret. */
export interface Facts {
  readonly uri: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly credential: CredentialKind;
  readonly tls: boolean;
  /** Whose token it is, asked when something fails: a token tells more once it is there. */
  readonly who?: (() => string) | undefined;
}

interface Failure extends Facts {
  /** The server's or the driver's own words. */
  readonly said: string;
}

type Text = (failure: Failure) => string;
type Row = readonly [code: AmlErrorCode, what: Text, hint?: Text];

const server = ({ host, port }: Facts): string => `${host}:${port}`;
/** The user, and whose token it was for. */
const named: Text = ({ user, who }) =>
  who === undefined ? `'${user}'` : `'${user}' with the token of ${who()}`;
const WHO: Text = ({ credential, user, who }) =>
  credential === "password"
    ? "Check the user name and the password; some servers let a user in from certain hosts only."
    : `Check that '${user}' is a Microsoft Entra user of the server (CREATE AADUSER), and that it is the one of ${who?.() ?? "the identity"}.`;
const REFUSED: Row = ["auth_failed", (f) => `${server(f)} does not let ${named(f)} in: ${f.said}.`, WHO];
const NO_RIGHT: Row = ["permission_denied", (f) => `${named(f)} may not do that: ${f.said}.`, missingGrant];
const NO_TABLE: Row = [
  "not_found",
  (f) => `There is no such table: ${f.said}.`,
  () => "Check the name and its database; on most servers names of tables are case-sensitive.",
];
const READ_ONLY: Row = [
  "unsupported",
  (f) => `The statement writes, and datastores are read-only: ${f.said}.`,
  () => "Ask for rows with SELECT; change data with the database's own tools.",
];
const GONE: Row = [
  "unavailable",
  (f) => `The connection to ${f.uri} broke off: ${f.said}.`,
  () => "Try again.",
];
const LATER: Row = [
  "unavailable",
  (f) => `The query met another one in its way: ${f.said}.`,
  () => "Try again.",
];
const BUSY: Row = [
  "rate_limited",
  (f) => `${server(f)} has no room for another connection: ${f.said}.`,
  () => "Try again later, or use fewer connections.",
];
const NO_TLS: Row = [
  "config_invalid",
  (f) => `${server(f)} offers no TLS, and the sign-in must not go out in the clear.`,
  () => "Have TLS turned on there; for a server on this machine set the option tls to disable.",
];
const TOO_LONG: Row = [
  "timeout",
  (f) => `The server ended the query: ${f.said}.`,
  () => "Allow more time, or ask for less.",
];
const FULL: Row = [
  "resource_exhausted",
  (f) => `The server ran out of something: ${f.said}.`,
  () => "Ask for less, or give the server more.",
];
const FAILED: Row = ["query_failed", (f) => `${f.uri}: ${f.said}.`];

/**
 * By the server's error number. Those of both MySQL and MariaDB, where they agree.
 * https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html, read 2026-11
 */
export const NUMBERS: Readonly<Record<number, Row>> = {
  1040: BUSY,
  1203: BUSY,
  1226: BUSY,
  1044: NO_RIGHT,
  1045: REFUSED,
  1130: REFUSED,
  1131: REFUSED,
  1251: REFUSED,
  1524: REFUSED,
  1862: REFUSED,
  3118: REFUSED,
  3159: [
    "config_invalid",
    (f) => `${server(f)} takes connections with TLS only.`,
    () => "Leave the option tls out: TLS is the default.",
  ],
  1142: NO_RIGHT,
  1143: NO_RIGHT,
  1227: NO_RIGHT,
  1370: NO_RIGHT,
  1698: REFUSED,
  1049: [
    "not_found",
    (f) => `There is no database '${f.database}' on ${f.host}.`,
    () => "Check the option database: on most servers names are case-sensitive.",
  ],
  1109: NO_TABLE,
  1146: NO_TABLE,
  1290: READ_ONLY,
  1792: READ_ONLY,
  1836: READ_ONLY,
  1295: [
    "unsupported",
    (f) => `The server cannot prepare such a statement: ${f.said}.`,
    () => "Ask for rows with SELECT.",
  ],
  1205: LATER,
  1213: LATER,
  1317: TOO_LONG,
  1969: TOO_LONG,
  3024: TOO_LONG,
  1037: FULL,
  1038: FULL,
  1114: FULL,
  1153: FULL,
  1053: GONE,
  1077: GONE,
  1152: GONE,
  1158: GONE,
  1159: GONE,
  1160: GONE,
  1161: GONE,
  1184: GONE,
  1927: GONE,
};

/** By the code of a network or TLS failure, or of the driver. */
export const NETWORK: readonly (readonly [RegExp, Row])[] = [
  [/^(ENOTFOUND|EAI_NONAME)$/, NO_HOST],
  [/^EAI_/, UNRESOLVED],
  [/^ECONNREFUSED$/, NOT_LISTENING],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EACCES)$/, UNREACHABLE],
  [/^HANDSHAKE_NO_SSL_SUPPORT$/, NO_TLS],
  [/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO|HANDSHAKE_SSL_ERROR/, UNTRUSTED],
  [
    /^AUTH_SWITCH_PLUGIN_ERROR$/,
    [
      "auth_failed",
      (f) => `${server(f)} asks '${f.user}' for a way to sign in that is not known here: ${f.said}.`,
      () =>
        "Have the user identified by caching_sha2_password, mysql_native_password, or Microsoft Entra ID.",
    ],
  ],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|PROTOCOL_CONNECTION_LOST|PROTOCOL_INCORRECT_PACKET_SEQUENCE)$/, GONE],
];

/** By the driver's own words, where it gives no code. */
export const WORDS: readonly (readonly [RegExp, Row])[] = [
  [/closed state|connection is closed|Connection lost|is in closed|was destroyed/i, GONE],
];

interface DriverError {
  readonly message?: string;
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly sqlState?: unknown;
}

/** Turns what a connection threw before it was open into an `AmlError`. One of a sign-in stays as it is. */
export function connectError(error: unknown, facts: Facts): AmlError {
  return toError(error, facts);
}

/** Turns what a statement threw into an `AmlError`, with its place in the text where the server tells it. */
export function queryError(error: unknown, facts: Facts, statement: BoundStatement): AmlError {
  return toError(error, facts, statement);
}

function toError(error: unknown, facts: Facts, statement?: BoundStatement): AmlError {
  if (isAmlError(error)) return error;
  const { message = String(error), code, errno, sqlState } = (error ?? {}) as DriverError;
  const failure: Failure = { ...facts, said: saidBy(message) };
  const number = typeof errno === "number" && errno > 0 ? errno : undefined;
  const [amlCode, what, hint] =
    find(number, typeof code === "string" ? code : "", message) ?? unknown(number);
  const line = statement === undefined ? undefined : lineOf(message, statement);
  const place =
    line === undefined || statement === undefined ? undefined : placeOfLine(statement.original, line);
  return new AmlError(amlCode, place === undefined ? what(failure) : `${what(failure)} At ${place.shown}`, {
    operation: "query",
    hint: hint?.(failure),
    context: {
      host: facts.host,
      database: facts.database,
      user: facts.user,
      ...(number !== undefined && { errno: number }),
      ...(typeof sqlState === "string" && { sqlState }),
      ...(place !== undefined && { line: place.line }),
    },
    cause: error,
  });
}

function find(number: number | undefined, code: string, message: string): Row | undefined {
  if (number !== undefined && NUMBERS[number]) return NUMBERS[number];
  if (number !== undefined && number >= 1000 && number < 10_000) return FAILED;
  return (
    NETWORK.find(([pattern]) => pattern.test(code)) ?? WORDS.find(([pattern]) => pattern.test(message))
  )?.[1];
}

function unknown(number: number | undefined): Row {
  return number === undefined ? ["internal", (f) => `${f.uri}: ${f.said}.`] : FAILED;
}

/** `… near 'x' at line 2`: of the text that the server got, in which no line has moved. */
function lineOf(message: string, statement: BoundStatement): number | undefined {
  const found = /\bat line (\d+)\s*$/.exec(message.trim());
  const line = found?.[1] === undefined ? undefined : Number(found[1]);
  return line !== undefined && line <= statement.original.split("\n").length ? line : undefined;
}

function saidBy(message: string): string {
  return (message.split("\n")[0] ?? "").trim().replace(/\.$/, "");
}
