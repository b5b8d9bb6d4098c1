import type { AmlErrorCode } from "./aml-error.ts";

/** A database that could not be spoken with. Holds no secret. */
export interface UnreachedDatabase {
  readonly host: string;
  readonly port: number;
  /** What the driver said of it. */
  readonly said: string;
}

/** What a failure of the network means: a code, what happened, what to do next. */
export type DatabaseNetworkRow = readonly [
  code: AmlErrorCode,
  what: (failure: UnreachedDatabase) => string,
  hint: (failure: UnreachedDatabase) => string,
];

/** `ENOTFOUND`, `EAI_NONAME` */
export const NO_HOST: DatabaseNetworkRow = [
  "not_found",
  ({ host }) => `There is no host ${host}.`,
  () => "Check the options server and endpoint, and that this machine resolves names.",
];
/** Other failures of name resolution. */
export const UNRESOLVED: DatabaseNetworkRow = [
  "unavailable",
  ({ host }) => `The name ${host} could not be resolved.`,
  () => "Check the network, then try again.",
];
/** `ECONNREFUSED` */
export const NOT_LISTENING: DatabaseNetworkRow = [
  "unavailable",
  ({ host, port }) => `Nothing listens at ${host}:${port}.`,
  () => "Check the options server and port, and that the server runs.",
];
/** `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`, `EACCES` */
export const UNREACHABLE: DatabaseNetworkRow = [
  "unavailable",
  ({ host, port }) => `${host}:${port} cannot be reached.`,
  () => "Check the network and the server's firewall: Azure lets in only the addresses that it is told.",
];
/** A certificate that no known authority vouches for, or that is another server's. */
export const UNTRUSTED: DatabaseNetworkRow = [
  "unavailable",
  ({ host, port, said }) => `No trusted TLS connection to ${host}:${port} was possible: ${said}.`,
  () =>
    "Give the authority's certificate in the option ca, or with NODE_EXTRA_CA_CERTS; check that the option server is the name in the certificate.",
];
