import { AmlError, isAmlError, type AmlErrorCode, type CredentialKind } from "@aml/core/adapter";
import { missingGrant } from "./missing-grant.ts";
import { quoteName } from "./quote-name.ts";
import {
  NO_HOST,
  NOT_LISTENING,
  UNREACHABLE,
  UNRESOLVED,
  UNTRUSTED,
  placeAt,
  type BoundStatement,
  type StatementPlace,
} from "@aml/core/sql";

/** What was being done, where, by whom: for messages and hints. Holds no secret. */
export interface Attempt {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly credential: CredentialKind;
  /** Whose token it is, asked when something fails: a token tells more once it is there. */
  readonly who?: (() => string) | undefined;
  /** What was running, and how many characters were put before its text. */
  readonly statement?: { readonly bound: BoundStatement; readonly prefix: number } | undefined;
  readonly timeoutMs?: number | undefined;
}

interface Failure extends Attempt {
  /** The server's own words. */
  readonly said: string;
}

type Text = (failure: Failure) => string;
type Row = readonly [code: AmlErrorCode, what: Text, hint?: Text];

const where = ({ host, database }: Failure): string => `database '${database}' on ${host}`;
const server = ({ host, port }: Failure): string => `${host}:${port}`;

/** The role, and whose token it was for. */
const role: Text = ({ user, who }) =>
  who === undefined ? `'${user}'` : `'${user}' with the token of ${who()}`;

const PASSWORD: Text = ({ credential, user, who }) =>
  credential === "password"
    ? "Check the user name and the password; on a single server of Azure the name ends in @SERVER."
    : `Check that ${quoteName(user)} is a role for Microsoft Entra ID in the database, and that it is the role of ${who?.() ?? "the identity"}.`;
const REFUSED: Row = ["auth_failed", (f) => `${server(f)} does not let ${role(f)} in: ${f.said}.`, PASSWORD];
const GONE: Row = [
  "unavailable",
  (f) => `The connection to ${where(f)} broke off: ${f.said}.`,
  () => "Try again.",
];
const READ_ONLY: Row = [
  "unsupported",
  (f) => `The statement writes, and datastores are read-only: ${f.said}.`,
  () => "Ask for rows with SELECT; change data with the database's own tools.",
];
const BUSY: Row = [
  "rate_limited",
  (f) => `${server(f)} has no room: ${f.said}.`,
  () => "Try again later, or use fewer connections.",
];
const FAILED: Row = ["query_failed", (f) => `${where(f)}: ${f.said}.`];
const UNKNOWN: Row = ["internal", (f) => `${where(f)}: ${f.said}.`];
const FULL: Row = [
  "resource_exhausted",
  (f) => `The server ran out of something: ${f.said}.`,
  () => "Ask for less, or give the server more.",
];

/** By SQLSTATE, else by its class, its first two characters. https://www.postgresql.org/docs/18/errcodes-appendix.html, read 2026-11 */
export const STATES: Readonly<Record<string, Row>> = {
  "28P01": REFUSED,
  "28": REFUSED,
  "3D000": [
    "not_found",
    (f) => `There is no database '${f.database}' on ${f.host}.`,
    () => "Check the option database: names are case-sensitive.",
  ],
  "42P01": [
    "not_found",
    (f) => `There is no such table: ${f.said}.`,
    () => "Check the name, its schema (option schema) and its case: unquoted names are folded to lower case.",
  ],
  "3F000": ["not_found", (f) => `There is no such schema: ${f.said}.`, () => "Check the option schema."],
  "42501": ["permission_denied", (f) => `${role(f)} may not do that: ${f.said}.`, missingGrant],
  "25006": READ_ONLY,
  "25001": READ_ONLY,
  "0A000": [
    "unsupported",
    (f) => `The statement cannot be read row by row: ${f.said}.`,
    () => "Ask for rows with SELECT.",
  ],
  "57014": [
    "timeout",
    (f) => `The query was cancelled by the server: ${f.said}.`,
    () => "Allow more time, or ask for less.",
  ],
  "57P05": GONE,
  "57": ["unavailable", (f) => `${server(f)} is not there for us: ${f.said}.`, () => "Try again."],
  "40": ["unavailable", (f) => `The query met another one in its way: ${f.said}.`, () => "Try again."],
  "08": GONE,
  "53300": BUSY,
  "53": FULL,
  "54": FULL,
  "55000": ["unavailable", (f) => `${server(f)} cannot do that now: ${f.said}.`, () => "Try again."],
};

/** By the code of a network or TLS failure. */
export const NETWORK: readonly (readonly [RegExp, Row])[] = [
  [/^(ENOTFOUND|EAI_NONAME)$/, NO_HOST],
  [/^EAI_/, UNRESOLVED],
  [/^ECONNREFUSED$/, NOT_LISTENING],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EACCES)$/, UNREACHABLE],
  [/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/, UNTRUSTED],
  [/^(ECONNRESET|EPIPE|ECONNABORTED)$/, GONE],
];

/** By the driver's own words, where it gives no code. */
export const WORDS: readonly (readonly [RegExp, Row])[] = [
  [
    /does not support SSL/i,
    [
      "config_invalid",
      (f) => `${server(f)} offers no TLS, and the password must not go out in the clear.`,
      () =>
        "Switch TLS on at the server; only for a server on this machine or in a network of your own, set tls to disable.",
    ],
  ],
  [
    /timeout exceeded when trying to connect|timeout expired/i,
    [
      "unavailable",
      (f) => `${server(f)} did not let us in within the time set.`,
      () => "Check the network and the server's firewall, or raise connectTimeoutMs.",
    ],
  ],
  [/Connection terminated|not queryable|Client has encountered a connection error|socket/i, GONE],
  [/password must be a string|SASL|SCRAM/i, REFUSED],
  [
    /Cannot use a pool after calling end/i,
    ["config_invalid", (f) => `The datastore ${where(f)} is closed.`, () => "Open it again."],
  ],
];

interface DriverError {
  readonly message?: string;
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly position?: unknown;
  readonly detail?: unknown;
}

/** Turns a failure of the driver or the server into an `AmlError`. An `AmlError` (of a sign-in) is given back as it is. */
export function toError(error: unknown, attempt: Attempt): AmlError {
  if (isAmlError(error)) return error;
  const { message = String(error), code, severity, position } = (error ?? {}) as DriverError;
  const failure: Failure = { ...attempt, said: message.replace(/\.$/, "") };
  const state = typeof code === "string" && severity !== undefined ? code : undefined;
  const place = placeOf(position, attempt);
  const known = state === "42601" && isCommand(attempt, place) ? READ_ONLY : find(code, state, failure);
  const [kind, what, hint] = known ?? UNKNOWN;
  return new AmlError(kind, what(failure) + (place === undefined ? "" : `\nAt ${place.shown}`), {
    operation: "query",
    hint: hint?.(failure),
    context: {
      host: attempt.host,
      database: attempt.database,
      user: attempt.user,
      ...(state !== undefined ? { sqlState: state } : typeof code === "string" && { networkCode: code }),
      ...(place !== undefined && { line: place.line, column: place.column }),
    },
    cause: error,
  });
}

/** Commands that give no rows, or write. The declaration of a cursor takes none of them. */
const COMMANDS =
  /^(insert|update|delete|merge|create|drop|alter|truncate|grant|revoke|copy|call|do|set|reset|begin|start|commit|end|rollback|savepoint|lock|vacuum|analyze|refresh|reindex|cluster|comment|explain|show|execute|prepare|declare|fetch|listen|notify|discard|import)\b/i;

/** The server says of them no more than that they are a mistake of syntax. */
function isCommand({ statement }: Attempt, place: ReturnType<typeof placeOf>): boolean {
  if (statement === undefined || place === undefined) return false;
  const { original } = statement.bound;
  return (
    COMMANDS.test(original.slice(place.offset)) &&
    /^(\s|--.*\n|\/\*.*?\*\/)*$/s.test(original.slice(0, place.offset))
  );
}

function find(code: unknown, state: string | undefined, { said }: Failure): Row | undefined {
  if (state !== undefined) return STATES[state] ?? STATES[state.slice(0, 2)] ?? FAILED;
  const network = NETWORK.find(([pattern]) => typeof code === "string" && pattern.test(code));
  return network?.[1] ?? WORDS.find(([pattern]) => pattern.test(said))?.[1];
}

/** The server counts characters, from 1, in the text that it was sent. */
function placeOf(
  position: unknown,
  { statement }: Attempt,
): (StatementPlace & { readonly offset: number }) | undefined {
  if (typeof position !== "string" || statement === undefined) return undefined;
  const { bound, prefix } = statement;
  const characters = Number(position) - 1 - prefix;
  if (!(characters >= 0)) return undefined;
  const offset = bound.originalOffset([...bound.text].slice(0, characters).join("").length);
  return { ...placeAt(bound.original, offset), offset };
}
