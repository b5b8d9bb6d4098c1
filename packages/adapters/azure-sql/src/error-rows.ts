import type { AmlErrorCode, CredentialKind } from "@aml/core/adapter";
import { bracketed, missingGrant } from "./missing-grant.ts";
import { NO_HOST, NOT_LISTENING, UNRESOLVED, type BoundStatement } from "@aml/core/sql";

/** What was being done, where, by whom: for messages and hints. Holds no secret. */
export interface Attempt {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Empty for an identity: only its token knows who it is. */
  readonly user: string;
  readonly credential: CredentialKind;
  /** Who signs in with a token, asked when something fails: a token tells more once it is there. */
  readonly who?: (() => string) | undefined;
  /** What was running. */
  readonly bound?: BoundStatement | undefined;
}

export interface Failure extends Attempt {
  /** The server's own words. */
  readonly said: string;
}

type Text = (failure: Failure) => string;
export type Row = readonly [code: AmlErrorCode, what: Text, hint?: Text];

const address = ({ host, port }: Failure): string => `${host}:${port}`;
const server = (f: Failure): string => `the server ${address(f)}`;
const who = ({ user, credential, who: identity }: Failure): string =>
  user === "" ? (identity?.() ?? `the ${credential}`) : `'${user}'`;

const REFUSED: Row = [
  "auth_failed",
  (f) => `${server(f)} does not let ${who(f)} in: ${f.said}.`,
  (f) =>
    f.credential === "password"
      ? `Check the user name, the password, and that the user may connect to '${f.database}'; Azure also says so when SQL authentication is off (Microsoft Entra-only).`
      : `Create the user in '${f.database}': CREATE USER [NAME] FROM EXTERNAL PROVIDER, where NAME is the display name of ${who(f)}.`,
];
const FIREWALL: Row = [
  "permission_denied",
  (f) => `The firewall of ${f.host} lets this address not in: ${f.said}.`,
  () =>
    "Add a firewall rule for this address, or connect through the private endpoint; it takes up to five minutes.",
];
const NO_DATABASE: Row = [
  "not_found",
  (f) => `There is no database '${f.database}' on ${f.host} for ${who(f)}.`,
  () => "Check the option database; if it exists, the user is not one of its users.",
];
const NO_OBJECT: Row = [
  "not_found",
  (f) => `There is no such table: ${f.said}.`,
  () => "Check the name and its schema, and the option database.",
];
const FORBIDDEN: Row = [
  "permission_denied",
  (f) => `${who(f)} may not do that: ${f.said}.`,
  (f) =>
    f.user === ""
      ? `Have it granted: ${missingGrant(f.said, "NAME")}, where NAME is the database's user of ${who(f)}.`
      : `Have it granted: ${missingGrant(f.said, f.user)}.`,
];
const READ_ONLY: Row = [
  "unsupported",
  (f) => `The statement writes, and datastores are read-only: ${f.said}.`,
  () => "Ask for rows with SELECT; change data with the database's own tools.",
];
const AWAY: Row = [
  "unavailable",
  (f) => `${server(f)} is not there for us: ${f.said}.`,
  () => "Try again in a minute.",
];
const BUSY: Row = [
  "rate_limited",
  (f) => `${server(f)} has no room: ${f.said}.`,
  () => "Try again later, use fewer connections, or give the database more.",
];
const CONFLICT: Row = [
  "unavailable",
  (f) => `The query met another one in its way: ${f.said}.`,
  () => "Try again.",
];
const FULL: Row = [
  "resource_exhausted",
  (f) => `The server ran out of something: ${f.said}.`,
  () => "Ask for less, or give the database more.",
];
export const NO_TOKEN: Row = [
  "auth_failed",
  (f) => `There is no token for ${server(f)}: ${f.said}.`,
  () => "Check how the identity signs in: aml doctor NAME tries it.",
];
export const FAILED: Row = ["query_failed", (f) => `database '${f.database}' on ${f.host}: ${f.said}.`];

/**
 * By the server's error number.
 *
 * @see https://learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues – read 2026-11
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors – read 2026-11
 */
export const NUMBERS: Readonly<Record<number, Row>> = {
  18_456: REFUSED,
  18_452: REFUSED,
  18_470: REFUSED,
  18_486: REFUSED,
  18_487: REFUSED,
  18_488: REFUSED,
  33_134: REFUSED,
  40_615: FIREWALL,
  40_914: FIREWALL,
  47_073: [
    "permission_denied",
    (f) => `${f.host} takes no connections from public networks: ${f.said}.`,
    () => "Connect through the private endpoint, or allow public network access.",
  ],
  40_532: [
    "not_found",
    (f) => `There is no server ${f.host} for this login: ${f.said}.`,
    () => "Check the option server: it is the name of the server, not of the database.",
  ],
  4060: NO_DATABASE,
  911: NO_DATABASE,
  208: NO_OBJECT,
  2812: NO_OBJECT,
  4121: NO_OBJECT,
  229: FORBIDDEN,
  230: FORBIDDEN,
  262: FORBIDDEN,
  297: FORBIDDEN,
  300: FORBIDDEN,
  916: [
    "permission_denied",
    (f) => `${who(f)} is no user of '${f.database}': ${f.said}.`,
    (f) =>
      f.user === ""
        ? `Create the user in '${f.database}': CREATE USER [NAME] FROM EXTERNAL PROVIDER, where NAME is the display name of ${who(f)}.`
        : `Create the user in '${f.database}': CREATE USER ${bracketed(f.user)} FOR LOGIN ${bracketed(f.user)}.`,
  ],
  3906: READ_ONLY,
  3952: [
    "unsupported",
    (f) => `database '${f.database}' on ${f.host} has no snapshots that ranges could be read of: ${f.said}.`,
    (f) =>
      `Read without partitionOn, or have them allowed: ALTER DATABASE ${bracketed(f.database)} SET ALLOW_SNAPSHOT_ISOLATION ON.`,
  ],
  978: [
    "config_invalid",
    (f) => `The replica takes only connections that intend to read: ${f.said}.`,
    () => "Leave the option applicationIntent at ReadOnly.",
  ],
  40_197: AWAY,
  40_613: AWAY,
  40_540: AWAY,
  40_143: AWAY,
  42_108: AWAY,
  42_109: AWAY,
  4221: AWAY,
  233: AWAY,
  596: AWAY,
  6005: AWAY,
  615: AWAY,
  926: AWAY,
  40_501: BUSY,
  40_544: FULL,
  10_928: BUSY,
  10_929: BUSY,
  10_936: BUSY,
  49_918: BUSY,
  49_919: BUSY,
  49_920: BUSY,
  40_549: FULL,
  40_550: FULL,
  40_551: FULL,
  40_552: FULL,
  40_553: FULL,
  701: FULL,
  802: FULL,
  1101: FULL,
  1105: FULL,
  1204: FULL,
  8645: FULL,
  1205: CONFLICT,
  1222: CONFLICT,
  3960: CONFLICT,
  3961: CONFLICT,
  3935: CONFLICT,
};

const UNTRUSTED: Row = [
  "unavailable",
  (f) => `No trusted TLS connection to ${address(f)} was possible: ${f.said}.`,
  () =>
    "Give the authority's certificate in the option ca, or with NODE_EXTRA_CA_CERTS; check that the option server is the name in the certificate.",
];

/** By the code of the driver or of the network, and its words: the first that fits. */
export const NETWORK: readonly (readonly [RegExp, Row])[] = [
  [
    /EENCRYPT|did not negotiate encryption/,
    [
      "config_invalid",
      (f) => `${server(f)} offers no TLS.`,
      () => "Switch TLS on at the server, or, on a network that you trust, give encrypt: false.",
    ],
  ],
  [/ENOTFOUND|EAI_NONAME/, NO_HOST],
  [/EAI_/, UNRESOLVED],
  [/ECONNREFUSED/, NOT_LISTENING],
  [/CERT|certificate|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO|altnames/i, UNTRUSTED],
  [
    /ETIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EACCES/,
    [
      "unavailable",
      (f) => `${server(f)} cannot be reached: ${f.said}.`,
      () =>
        "Check the network: outbound port 1433 (and 11000 to 11999 inside Azure) must be open. A serverless database may be waking up.",
    ],
  ],
  [
    /ESOCKET|ECONNCLOSED|ECONNRESET|EPIPE|ECLOSE|ENOTOPEN|EINVALIDSTATE|socket hang up/,
    ["unavailable", (f) => `The connection to ${address(f)} broke off: ${f.said}.`, () => "Try again."],
  ],
];
