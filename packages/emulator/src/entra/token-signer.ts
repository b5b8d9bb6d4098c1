import {
  calculateJwkThumbprint,
  compactVerify,
  errors,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  type JWK,
} from "jose";

/** What an access token says. */
export interface EntraClaims {
  readonly aud: string;
  /** Of the app or user. */
  readonly oid: string;
  readonly tid: string;
  /** Seconds since 1970. */
  readonly exp: number;
  readonly [claim: string]: unknown;
}

type Claims = Readonly<Record<string, unknown>>;

/** What is wrong with a token; its `claims` when nothing is. */
export type TokenVerdict =
  | { readonly ok: true; readonly claims: EntraClaims }
  | { readonly ok: false; readonly reason: "malformed" | "signature" | "issuer" | "audience" | "lifetime" };

/**
 * Judges an access token as a service of Azure does: signature, issuer, audience (a slash at the end is the same), and
 * lifetime, with five minutes of grace.
 */
export type TokenVerifier = (token: string, audience: string | readonly string[]) => Promise<TokenVerdict>;

export interface TokenSigner {
  readonly keys: readonly JWK[];
  sign(claims: Claims, lifetime: number): Promise<string>;
  /** The claims of a token that has this signature and issuer, however old. */
  read(token: string, issuer: string): Promise<EntraClaims | undefined>;
  verify(token: string, expected: { issuer?: string; audience: readonly string[] }): Promise<TokenVerdict>;
}

const GRACE = 300;
const KNOWN_AT_MOST = 100;

/** Signs tokens with a fresh RSA key. */
export async function createTokenSigner(now: () => number): Promise<TokenSigner> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  // A signature stays valid, and its client sends it with each request.
  const known = new Map<string, EntraClaims>();
  const claimsOf = async (token: string): Promise<EntraClaims> => {
    const found = known.get(token);
    if (found !== undefined) return found;
    const { payload } = await compactVerify(token, publicKey, { algorithms: ["RS256"] });
    const claims = JSON.parse(Buffer.from(payload).toString()) as EntraClaims;
    if (known.size >= KNOWN_AT_MOST) known.clear();
    known.set(token, claims);
    return claims;
  };
  return {
    keys: [{ ...jwk, kid, use: "sig", alg: "RS256" }],
    sign: (claims, lifetime) => {
      const iat = Math.floor(now() / 1000);
      return new SignJWT({ iat, nbf: Math.min(iat, iat + lifetime), exp: iat + lifetime, ...claims })
        .setProtectedHeader({ typ: "JWT", alg: "RS256", kid, x5t: kid })
        .sign(privateKey);
    },
    read: async (token, issuer) => {
      try {
        const claims = await claimsOf(token);
        return claims["iss"] === issuer ? claims : undefined;
      } catch {
        return undefined;
      }
    },
    verify: async (token, { issuer, audience }) => {
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          ...(issuer !== undefined && { issuer }),
          audience: audience.flatMap((one) => [one.replace(/\/$/, ""), `${one.replace(/\/$/, "")}/`]),
          algorithms: ["RS256"],
          clockTolerance: GRACE,
          requiredClaims: ["exp"],
          currentDate: new Date(now()),
        });
        return { ok: true, claims: payload as unknown as EntraClaims };
      } catch (error) {
        return { ok: false, reason: reasonOf(error) };
      }
    },
  };
}

function reasonOf(error: unknown): Extract<TokenVerdict, { ok: false }>["reason"] {
  if (error instanceof errors.JWSSignatureVerificationFailed) return "signature";
  if (error instanceof errors.JWTExpired) return "lifetime";
  if (!(error instanceof errors.JWTClaimValidationFailed)) return "malformed";
  if (error.claim === "iss") return "issuer";
  return error.claim === "aud" ? "audience" : "lifetime";
}
