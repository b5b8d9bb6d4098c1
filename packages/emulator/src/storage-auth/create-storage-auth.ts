import { judgeSas } from "./judge-sas.ts";
import { judgeSharedKey } from "./judge-shared-key.ts";
import { judgeToken } from "./judge-token.ts";
import { challenge, INVALID_AUTHENTICATION_INFO } from "./refusals.ts";
import { sasKind } from "./sas-text.ts";
import type {
  StorageAccess,
  StorageAccount,
  StorageIdentity,
  StoredAccessPolicy,
  TokenClaims,
} from "./storage-account.ts";
import type { StorageError } from "./storage-error.ts";

export interface StorageAuthOptions {
  readonly account: StorageAccount;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Of whoever asks; 127.0.0.1, as the servers here listen on loopback only. */
  readonly clientAddress?: string | undefined;
  /** The claims of a bearer token whose signature is good. Without it no token is accepted. */
  readonly verifyToken?: ((token: string) => Promise<TokenClaims | undefined>) | undefined;
  /** The roles of an identity, for tokens and user delegation SAS; all is allowed unless given. */
  readonly mayAccess?: ((objectId: string, access: StorageAccess) => boolean) | undefined;
  /** A stored access policy of a container or share. */
  readonly storedPolicy?: ((container: string, id: string) => StoredAccessPolicy | undefined) | undefined;
  /** Whether anyone may do it, without a credential. Nobody may unless given. */
  readonly isPublic?: ((access: StorageAccess) => boolean) | undefined;
}

export type StorageVerdict =
  | { readonly allowed: true; readonly identity: StorageIdentity }
  | { readonly allowed: false; readonly error: StorageError };

export interface StorageAuth {
  /** Judges a request as the service does. `access` says what the operation is; see `StorageAccess`. */
  judge(request: Request, access: StorageAccess): Promise<StorageVerdict>;
}

/**
 * Judges who may do what in a storage account: SharedKey, SharedKeyLite, account SAS, service SAS (container, share,
 * directory, file), user delegation SAS, bearer tokens, nobody at all. What is refused says so in the service's words.
 */
export function createStorageAuth(options: StorageAuthOptions): StorageAuth {
  return Object.freeze<StorageAuth>({
    async judge(request, access) {
      const result = await judge(options, request, access);
      return "kind" in result ? { allowed: true, identity: result } : { allowed: false, error: result };
    },
  });
}

async function judge(
  options: StorageAuthOptions,
  request: Request,
  access: StorageAccess,
): Promise<StorageIdentity | StorageError> {
  const query = new URL(request.url).searchParams;
  const authorization = request.headers.get("authorization");
  if (authorization !== null) {
    const [scheme = "", value = ""] = authorization.split(" ", 2);
    if (scheme === "SharedKey" || scheme === "SharedKeyLite") {
      return judgeSharedKey(options, request, scheme, value);
    }
    if (scheme.toLowerCase() === "bearer") return judgeToken(options, request, access, value);
    return INVALID_AUTHENTICATION_INFO;
  }
  const kind = sasKind(query);
  if (kind !== undefined) return judgeSas(options, request, access, kind, query);
  if (options.isPublic?.(access)) return { kind: "anonymous" };
  return challenge();
}
