import { AmlError, isAmlError, type AmlErrorCode, type CredentialKind } from "@aml/core/adapter";
import { networkFailure, readStorageFailure } from "./storage-failure.ts";

/** What was being done in a storage account, to what, by whom: for messages and hints. Holds no secret. */
export interface StorageAttempt {
  readonly operation: string;
  /** Of the file or folder; empty for the root. */
  readonly path: string;
  readonly account: string;
  readonly host: string;
  readonly credential: CredentialKind;
  /** Names the identity, of a credential that ends in a token. */
  readonly who?: string | undefined;
  /** Of a SAS token. */
  readonly expiresAt?: Date | undefined;
  readonly permissions?: string | undefined;
}

/** An attempt that failed, ready to be worded. */
export type FailedAttempt<A extends StorageAttempt = StorageAttempt> = A & {
  /** What it was about, e.g. `blob 'a.csv'`. */
  readonly what: string;
  /** Where that is, e.g. `container 'trips'`. */
  readonly place: string;
};

/** What an answer of the service means: a code, what happened, what to do next. */
export type StorageErrorRow<A extends StorageAttempt = StorageAttempt> = readonly [
  code: AmlErrorCode,
  what: (failure: FailedAttempt<A>) => string,
  hint: (failure: FailedAttempt<A>) => string,
];

/** What one service of Azure Storage has of its own. */
export interface StorageService<A extends StorageAttempt> {
  readonly what: (attempt: A) => string;
  readonly place: (attempt: A) => string;
  /** In the words of a message, e.g. `list blobs`. */
  readonly doing: (failure: FailedAttempt<A>) => string;
  readonly role: (attempt: A) => string;
  /** What a SAS token has to grant, e.g. `read (r)`. */
  readonly sasRight: (attempt: A) => string;
  /** The smallest grant that an identity lacks, as one sentence. */
  readonly grant: (attempt: A) => string;
  /** By the service's own code. They go before what all services share. */
  readonly codes: Readonly<Record<string, StorageErrorRow<A>>>;
  /** By status, for answers without a known code. 404 at least. */
  readonly statuses: Readonly<Record<number, StorageErrorRow<A>>>;
  /** The names of the store, for the error's context. */
  readonly names: (attempt: A) => Readonly<Record<string, string>>;
}

/** Turns a failure of a store into an `AmlError`; an abort into the reason of `signal`. */
export type ToStorageError<A extends StorageAttempt> = (
  error: unknown,
  attempt: A,
  signal?: AbortSignal,
) => unknown;

const CHANGED: StorageErrorRow = [
  "precondition_failed",
  ({ what }) => `${what} is not the version that was expected: it was changed or deleted meanwhile.`,
  () => "Look it up again and repeat with its new etag.",
];
export const EXISTS: StorageErrorRow = [
  "already_exists",
  ({ what }) => `${what} exists already.`,
  () => "Choose another path, or allow it to be overwritten.",
];
export const SERVER: StorageErrorRow = [
  "unavailable",
  ({ account }) => `Storage account '${account}' failed to answer the request.`,
  () => "Try again; if it stays, look at the status page of Azure Storage.",
];
const LATE: StorageErrorRow = ["timeout", SERVER[1], SERVER[2]];
const BUSY: StorageErrorRow = [
  "rate_limited",
  ({ account }) => `Storage account '${account}' is busy and asks to wait.`,
  () => "Wait and try again, or lower the concurrency.",
];
const FIREWALL: StorageErrorRow = [
  "permission_denied",
  ({ account }) => `The firewall of storage account '${account}' does not let this network in.`,
  () => "Add this machine's address under 'Networking' of the storage account, or use its private endpoint.",
];
const LEASED: StorageErrorRow = [
  "precondition_failed",
  ({ what }) => `${what} is leased by another client.`,
  () => "Break the lease or wait until it ends.",
];
const NO_RANGE: StorageErrorRow = [
  "range_not_satisfiable",
  ({ what }) => `The range starts past the end of ${what}.`,
  () => "Look up its size first.",
];
const CREDENTIAL: Partial<Record<CredentialKind, string>> = {
  account_key: "account key",
  sas: "SAS token",
  anonymous: "anonymous access",
};
const REFUSED: StorageErrorRow = [
  "auth_failed",
  (f) =>
    isExpired(f)
      ? `The SAS token for ${f.place} expired at ${f.expiresAt?.toISOString()}.`
      : `Storage account '${f.account}' refused the ${CREDENTIAL[f.credential] ?? `token of ${f.who ?? "the identity"}`}.`,
  ({ credential, place }) => {
    switch (credential) {
      case "account_key":
        return "Copy key1 or key2 from 'Access keys' of this storage account (it may have been rotated), and check this machine's clock.";
      case "sas":
        return `Create a new SAS token for ${place} of this account, and update the datastore with it.`;
      case "anonymous":
        return "Give the datastore a credential: the account allows no public access.";
      default:
        return "Check that the identity is of the account's tenant (or let in there as a guest), and that this machine's clock is right.";
    }
  },
];

/** Whether a SAS token has run out by now. */
function isExpired({ credential, expiresAt }: StorageAttempt): boolean {
  return credential === "sas" && expiresAt !== undefined && expiresAt.getTime() < Date.now();
}

/**
 * What all services answer.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes and the pages of each service, read
 * 2026-11
 */
function sharedCodes<A extends StorageAttempt>({
  doing,
  role,
  sasRight,
  grant,
}: StorageService<A>): Readonly<Record<string, StorageErrorRow<A>>> {
  const missingGrant = (f: FailedAttempt<A>): string => {
    switch (f.credential) {
      case "account_key":
        return "Check that the key belongs to this account.";
      case "anonymous":
        return `Use a credential: ${f.place} is not public.`;
      case "sas":
        return `Use a SAS token that grants ${sasRight(f)}${f.permissions === undefined ? "" : `; this one grants '${f.permissions}'`}.`;
      default:
        return grant(f);
    }
  };
  const denied: StorageErrorRow<A> = [
    "permission_denied",
    (f) =>
      `The credential${f.who === undefined ? "" : ` of ${f.who}`} may not ${doing(f)} in ${f.place} of account '${f.account}'.`,
    missingGrant,
  ];
  return {
    AuthenticationFailed: REFUSED,
    InvalidAuthenticationInfo: REFUSED,
    NoAuthenticationInformation: REFUSED,
    AccountIsDisabled: REFUSED,
    PublicAccessNotPermitted: REFUSED,
    KeyBasedAuthenticationNotPermitted: [
      "auth_failed",
      ({ account }) =>
        `Storage account '${account}' does not allow account keys or SAS tokens signed with them.`,
      (f) =>
        `Use an identity with the role "${role(f)}", or allow key access in the account's configuration.`,
    ],
    AuthorizationPermissionMismatch: denied,
    AuthorizationFailure: [
      denied[0],
      denied[1],
      (f) =>
        `${missingGrant(f).replace(/\.$/, "")}; check too that the account's firewall lets this network in.`,
    ],
    InsufficientAccountPermissions: denied,
    AuthorizationProtocolMismatch: denied,
    AuthorizationResourceTypeMismatch: denied,
    AuthorizationServiceMismatch: denied,
    AuthorizationSourceIPMismatch: FIREWALL,
    BlobAlreadyExists: EXISTS,
    ConditionNotMet: CHANGED,
    TargetConditionNotMet: CHANGED,
    SourceConditionNotMet: CHANGED,
    LeaseIdMissing: LEASED,
    LeaseAlreadyPresent: LEASED,
    LeaseIsAlreadyBroken: LEASED,
    BlobImmutableDueToPolicy: [
      "permission_denied",
      ({ what }) => `${what} is protected by an immutability policy.`,
      () => "Wait until the policy's retention ends, or write to another path.",
    ],
    InvalidRange: NO_RANGE,
    ServerBusy: BUSY,
    OperationTimedOut: LATE,
    InternalError: SERVER,
  };
}

const STATUSES: Readonly<Record<number, StorageErrorRow>> = {
  401: REFUSED,
  408: LATE,
  409: CHANGED,
  412: CHANGED,
  416: NO_RANGE,
  429: BUSY,
  503: BUSY,
  504: LATE,
};

/**
 * Makes what turns a failure of a store into an `AmlError`. An abort is given back as the reason of `signal`, an `AmlError`
 * (of a sign-in) as it is.
 */
export function storageErrors<A extends StorageAttempt>(service: StorageService<A>): ToStorageError<A> {
  const shared = sharedCodes(service);
  const codes = { ...shared, ...service.codes };
  const statuses: Readonly<Record<number, StorageErrorRow<A> | undefined>> = {
    ...STATUSES,
    403: shared["AuthorizationFailure"],
    ...service.statuses,
  };
  const findRow = (
    code: string,
    status: number,
    failure: FailedAttempt<A>,
  ): StorageErrorRow<A> | undefined => {
    // Whatever the service calls it.
    if ((status === 401 || status === 403) && isExpired(failure)) return REFUSED;
    // One word for both conditions that a write may carry, told apart by the status.
    if (code === "ConditionNotMet" && status === 409) return EXISTS;
    return codes[code] ?? statuses[status] ?? (status >= 500 ? SERVER : undefined);
  };
  return (error, attempt, signal) => {
    if (signal?.aborted) return signal.reason;
    if (isAmlError(error)) return error;
    const answer = readStorageFailure(error);
    const { code = "", status, said } = answer;
    const failure = { ...attempt, what: service.what(attempt), place: service.place(attempt) };
    const { operation, account, path } = attempt;
    const network = networkFailure(answer, attempt);
    const row: StorageErrorRow<A> | undefined = network
      ? [network.code, () => network.what, () => network.hint]
      : status === undefined
        ? undefined
        : findRow(code, status, failure);
    const message = row?.[1](failure) ?? `To ${operation} ${failure.what} failed: ${said}.`;
    return new AmlError(row?.[0] ?? "internal", sentence(message), {
      operation,
      hint: row?.[2](failure),
      context: {
        account,
        ...service.names(attempt),
        path,
        ...(status !== undefined && { status }),
        ...(code !== "" && { serviceCode: code }),
        requestId: answer.requestId,
      },
      retryAfterMs: answer.retryAfterMs,
      cause: error,
    });
  };
}

/** Starts with a capital: a row may begin with what it is about. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whether a container, a file system or a share may have this name. */
export function isStoreName(name: string): boolean {
  return !/[^a-z0-9$-]|--|^-|-$|^.{0,2}$|^.{64,}$/.test(name);
}
