import { AmlError, isAmlError } from "./aml-error.ts";
import { credentialExpiry } from "./credential-expiry.ts";
import { SECRET_FIELDS, type Credential } from "./credential.ts";
import type { Pause } from "./resumable.ts";
import { Secret } from "./secret.ts";

/** A connection that can be made anew with another credential. */
export interface Renewable<S> {
  current(): S;
  /**
   * What decides after a failure of one operation: when the store refused the credential and there is another by now, it
   * returns and the operation is tried again; else it throws.
   *
   * @param used - the connection that the operation was last tried on.
   */
  pause(used: () => S): Pause;
  /** Looks whether there is another credential by now, and connects with it. */
  follow(): Promise<void>;
  /** All connections so far: whoever reads with an old one may still be doing so. */
  all(): readonly S[];
}

export interface RenewableOptions<S> {
  readonly credential: Credential<Secret>;
  connect(credential: Credential<Secret>): S;
  /** The credential as it is now; `undefined` when there is none for this store any more. */
  load(): Promise<Credential<Secret> | undefined>;
  onRenewed?(): void;
}

/**
 * Keeps a connection whose credential may change: when the store refuses it, the credential is looked up anew, once for
 * all operations that wait, and after that the account's other key is tried.
 */
export function createRenewable<S>(options: RenewableOptions<S>): Renewable<S> {
  let { credential } = options;
  let index = 0;
  const connections: S[] = [];
  let store = connect();
  let pending: Promise<boolean> | undefined;

  function connect(): S {
    const made = options.connect(candidatesOf(credential)[index] ?? credential);
    connections.push(made);
    return made;
  }
  const follow = async (): Promise<boolean> => {
    const fresh = await options.load();
    if (fresh === undefined || sameCredential(fresh, credential)) return false;
    credential = fresh;
    index = 0;
    store = connect();
    options.onRenewed?.();
    return true;
  };
  const renew = async (failures: number): Promise<boolean> => {
    // A registry that cannot be asked changes nothing about the refusal.
    if (await follow().catch(() => false)) return true;
    const { length } = candidatesOf(credential);
    if (failures >= length) return false;
    index = (index + 1) % length;
    store = connect();
    options.onRenewed?.();
    return true;
  };
  return {
    current: () => store,
    pause: (used) => async (error, failures, signal) => {
      signal?.throwIfAborted();
      // Once for the record that may have changed, and once for each key.
      if (!isRefusal(error) || failures > candidatesOf(credential).length + 1) throw error;
      if (used() !== store) return;
      pending ??= renew(failures).finally(() => (pending = undefined));
      if (!(await pending)) throw expired(credential, error) ?? error;
      signal?.throwIfAborted();
    },
    async follow() {
      await follow();
    },
    all: () => connections,
  };
}

/** The credentials that one stands for, in the order to try them: an account has two keys. */
export function candidatesOf<S>(credential: Credential<S>): readonly Credential<S>[] {
  if (credential.kind !== "account_key" || credential.secondaryKey === undefined) return [credential];
  const { kind, accountKey, secondaryKey } = credential;
  return [
    { kind, accountKey },
    { kind, accountKey: secondaryKey },
  ];
}

function isRefusal(error: unknown): error is AmlError {
  // Services answer 403 to a wrong key, too.
  return isAmlError(error, "auth_failed") || isAmlError(error, "permission_denied");
}

function expired(credential: Credential<Secret>, cause: AmlError): AmlError | undefined {
  const at = credentialExpiry(credential);
  if (at === undefined || at.getTime() > Date.now() || cause.message.includes(at.toISOString()))
    return undefined;
  return new AmlError("auth_failed", `The ${credential.kind} credential expired at ${at.toISOString()}.`, {
    operation: cause.operation,
    hint: "Update the datastore with a new one.",
    context: { ...cause.context, expiresAt: at.toISOString() },
    cause,
  });
}

function sameCredential(one: Credential<Secret>, other: Credential<Secret>): boolean {
  const secrets = SECRET_FIELDS[one.kind];
  const [a, b] = [one, other] as unknown as readonly Readonly<Record<string, unknown>>[];
  return [...Object.keys(one), ...Object.keys(other)].every((field) => {
    if (field === "expiresAt") return true;
    return secrets.includes(field) ? text(a?.[field]) === text(b?.[field]) : a?.[field] === b?.[field];
  });
}

function text(value: unknown): string | undefined {
  return value instanceof Secret ? value.reveal() : undefined;
}
