import { AmlError } from "@aml/core/adapter";

export interface AccessToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresOnTimestamp: number;
  /** Milliseconds since 1970; when the issuer would like to be asked again. */
  readonly refreshAfterTimestamp?: number;
}

export interface TokenCacheOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** After this a sign-in that hangs is given up (60,000). */
  readonly timeoutMs?: number;
  /** Who gives the tokens, for messages (Microsoft Entra ID). */
  readonly issuer?: string;
}

export interface TokenCache {
  /**
   * Gives the token kept under `key`, or acquires one. However many ask at once, one request is made.
   *
   * A token is renewed in the background from five minutes before it expires (or when its issuer says so), and
   * awaited in its last minute. A renewal that fails leaves the old token in use for as long as it is valid and is
   * tried again after 30 s. Aborting `signal` ends this call only, not the request that others wait for.
   *
   * @param options.force - do not use the token that is there: the service has refused it.
   * @throws what `acquire` throws; `timeout`; the reason of `signal`.
   */
  get(key: string, acquire: () => Promise<AccessToken>, options?: GetTokenOptions): Promise<AccessToken>;
}

export interface GetTokenOptions {
  readonly signal?: AbortSignal | undefined;
  readonly force?: boolean | undefined;
}

interface Entry {
  token?: AccessToken;
  refreshAt: number;
  pending?: Promise<AccessToken> | undefined;
}

const AHEAD_MS = 5 * 60_000;
const LAST_MS = 60_000;
const RETRY_MS = 30_000;

/** Makes an empty cache. Most callers use the one of the process, which `tokenCredential` does by itself. */
export function createTokenCache(options: TokenCacheOptions = {}): TokenCache {
  const now = options.now ?? Date.now;
  const timeoutMs = options.timeoutMs ?? 60_000;
  const issuer = options.issuer ?? "Microsoft Entra ID";
  const entries = new Map<string, Entry>();

  const refresh = (entry: Entry, acquire: () => Promise<AccessToken>): Promise<AccessToken> => {
    entry.pending ??= withTimeout(acquire, timeoutMs, issuer)
      .then((token) => {
        entry.token = token;
        entry.refreshAt = refreshTime(token, now());
        return token;
      })
      .catch((error: unknown) => {
        entry.refreshAt = now() + RETRY_MS;
        throw error;
      })
      .finally(() => {
        entry.pending = undefined;
      });
    return entry.pending;
  };

  return Object.freeze<TokenCache>({
    async get(key, acquire, { signal, force } = {}) {
      signal?.throwIfAborted();
      const entry = entries.get(key) ?? { refreshAt: 0 };
      entries.set(key, entry);
      if (force) delete entry.token;
      const { token } = entry;
      const left = token ? token.expiresOnTimestamp - now() : 0;
      if (!token || left <= 0) return unlessAborted(refresh(entry, acquire), signal);
      if (now() < entry.refreshAt) return token;
      const renewal = refresh(entry, acquire).catch((error: unknown) => {
        // Not lost: the next renewal reports it, if it fails too and the token has run out by then.
        if (token.expiresOnTimestamp > now()) return token;
        throw error;
      });
      if (left <= LAST_MS) return unlessAborted(renewal, signal);
      renewal.catch(() => undefined);
      return token;
    },
  });
}

/** Five minutes before the end, or at half time of a token that lives shorter than ten. */
function refreshTime(token: AccessToken, now: number): number {
  const end = token.expiresOnTimestamp;
  return token.refreshAfterTimestamp ?? Math.max(end - AHEAD_MS, now + (end - now) / 2);
}

async function withTimeout<T>(run: () => Promise<T>, timeoutMs: number, issuer: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new AmlError("timeout", `Signing in to ${issuer} took longer than ${timeoutMs / 1000} s.`, {
          hint: "Check the network, and a proxy or firewall before the sign-in endpoint.",
        }),
      );
    }, timeoutMs);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Settles as `promise` does, or rejects as soon as `signal` aborts. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
