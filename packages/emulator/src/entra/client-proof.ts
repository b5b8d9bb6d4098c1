import { createHash, X509Certificate } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import type { Directory } from "./directory.ts";
import type { EntraApp } from "./entra-app.ts";
import { refuse } from "./reply.ts";

const EXCHANGE = "api://AzureADTokenExchange";

/** A token of the kind that Kubernetes mounts, for workload identity. */
export function federatedToken({ signer, tokenLifetime }: Directory, subject: string): Promise<string> {
  return signer.sign({ iss: "https://kubernetes.default.svc", aud: EXCHANGE, sub: subject }, tokenLifetime);
}

/**
 * Checks what an app proves itself with.
 *
 * @param audience - the token endpoint, which a signed proof must be for.
 * @returns the refusal; `undefined` when all is well.
 */
export async function checkClient(
  directory: Directory,
  app: EntraApp,
  body: URLSearchParams,
  audience: string,
): Promise<Response | undefined> {
  const assertion = body.get("client_assertion");
  if (assertion) return checkAssertion(directory, app, assertion, audience);
  const secret = body.get("client_secret");
  if (secret === null) {
    return refuse(
      401,
      "invalid_client",
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
  }
  if (app.secrets?.includes(secret)) return undefined;
  if (app.expiredSecrets?.includes(secret)) {
    return refuse(
      401,
      "invalid_client",
      7000222,
      `The provided client secret keys for app '${app.clientId}' are expired.`,
    );
  }
  return refuse(
    401,
    "invalid_client",
    7000215,
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
  );
}

/** An app that has nothing to prove itself with need not. */
export function isPublic(app: EntraApp): boolean {
  return !app.secrets?.length && !app.expiredSecrets?.length && !app.certificate && !app.federatedSubject;
}

async function checkAssertion(
  directory: Directory,
  app: EntraApp,
  assertion: string,
  audience: string,
): Promise<Response | undefined> {
  const claims = decoded(() => decodeJwt(assertion));
  if (claims === undefined) {
    return refuse(401, "invalid_client", 50027, "JWT token is invalid or malformed.");
  }
  if (typeof claims.exp !== "number" || claims.exp * 1000 < directory.now()) {
    return refuse(401, "invalid_client", 700024, "Client assertion is not within its valid time range.");
  }
  if (claims.aud === EXCHANGE) {
    const { ok } = await directory.signer.verify(assertion, { audience: [EXCHANGE] });
    if (ok && app.federatedSubject !== undefined && app.federatedSubject === claims.sub) return undefined;
    return refuse(
      401,
      "invalid_client",
      700213,
      `No matching federated identity record found for presented assertion subject '${String(claims.sub)}'.`,
    );
  }
  if (
    app.certificate &&
    (await isSignedWith(app.certificate, app.clientId, assertion, audience, directory.now()))
  ) {
    return undefined;
  }
  return refuse(
    401,
    "invalid_client",
    700027,
    "The certificate with identifier used to sign the client assertion is not registered on application.",
  );
}

/** Whether a proof is signed with this certificate's key, names it, and is from and for whom it should be. */
async function isSignedWith(
  pem: string,
  clientId: string,
  assertion: string,
  audience: string,
  now: number,
): Promise<boolean> {
  const certificate = new X509Certificate(pem);
  const header = decoded(() => decodeProtectedHeader(assertion));
  const digest = (algorithm: string): string =>
    createHash(algorithm).update(certificate.raw).digest("base64url");
  const named = header?.["x5t#S256"] ?? header?.x5t;
  if (named !== digest(header?.["x5t#S256"] === undefined ? "sha1" : "sha256")) return false;
  try {
    await jwtVerify(assertion, certificate.publicKey, {
      algorithms: ["RS256", "PS256"],
      issuer: clientId,
      subject: clientId,
      audience,
      clockTolerance: 300,
      currentDate: new Date(now),
    });
    return true;
  } catch {
    return false;
  }
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
