import type { Credential, Endpoint, Secret, SignedIn } from "@aml/core";
import { failed, type Finding, ok, skipped } from "./doctor-types.ts";

const SOON_MS = 7 * 86_400_000;

/** What a credential is by itself, before it is shown to anyone; tokens are asked for. */
export async function examineCredential(
  credential: Credential<Secret>,
  endpoint: Endpoint | undefined,
  signIn: () => Promise<SignedIn | undefined>,
): Promise<Finding> {
  switch (credential.kind) {
    case "anonymous":
      return ok("None: the store is used as anybody may.");
    case "account_key":
      return examineKeys([
        credential.accountKey,
        ...(credential.secondaryKey ? [credential.secondaryKey] : []),
      ]);
    case "sas":
      return examineSas(credential.sasToken.reveal(), endpoint);
    case "password":
      return ok(`The password of '${credential.username}'; only the database can check it.`, {
        username: credential.username,
      });
    case "access_token":
      return ok("A token of the store's own; only the store can check it.");
    default: {
      const signedIn = await signIn();
      if (signedIn !== undefined) return examineToken(signedIn);
      return skipped("It is checked when it is used.");
    }
  }
}

function examineKeys([first, second]: readonly Secret[]): Finding {
  const finding = examineKey(first?.reveal() ?? "");
  if (second === undefined || finding.status === "failed") return finding;
  const other = examineKey(second.reveal());
  return other.status === "failed"
    ? { ...finding, hint: `Its other key is no key: ${other.message}` }
    : { ...finding, message: `${finding.message} The account's other key is there too.` };
}

function examineKey(key: string): Finding {
  const text = key.trim();
  const isBase64 =
    /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) && text !== "";
  const bytes = isBase64 ? Buffer.from(text, "base64").length : 0;
  if (!isBase64) {
    return failed(
      "auth_failed",
      "The account key is not base64 text.",
      "Copy it whole from 'Access keys' of the storage account; a connection string is something else.",
    );
  }
  return ok(
    `The account key is base64 text of ${bytes} bytes.`,
    { bytes },
    bytes === 64 ? undefined : "Azure's account keys have 64 bytes: check that it was copied whole.",
  );
}

/** https://learn.microsoft.com/rest/api/storageservices/create-service-sas, read 2026-11 */
function examineSas(token: string, endpoint: Endpoint | undefined): Finding {
  const query = new URLSearchParams(token.trim().replace(/^[?&]+/, ""));
  if (!query.get("sig") || !query.get("sv")) {
    return failed(
      "auth_failed",
      "The SAS token is not whole: it has no signature or no version.",
      "Copy the whole token, from sv= to the end of sig=….",
    );
  }
  const field = (name: string): string | undefined => query.get(name) ?? undefined;
  const [starts, expires] = [dateOf(field("st")), dateOf(field("se"))];
  const facts = {
    scope: query.has("skoid") ? "user_delegation" : query.has("ss") ? "account" : "service",
    permissions: field("sp"),
    startsAt: starts?.toISOString(),
    expiresAt: expires?.toISOString(),
    protocol: field("spr"),
    addresses: field("sip"),
    services: field("ss"),
    resourceTypes: field("srt"),
    resource: field("sr"),
    policy: field("si"),
    version: field("sv"),
  };
  const now = Date.now();
  const renew =
    "Create a new SAS token and give it to the datastore: aml datastore update NAME --credential sas.";
  if (expires !== undefined && expires.getTime() <= now) {
    return failed("auth_failed", `The SAS token expired at ${expires.toISOString()}.`, renew, facts);
  }
  if (starts !== undefined && starts.getTime() > now) {
    const hint = "Wait, or create one without a start; check this machine's clock.";
    return failed("auth_failed", `The SAS token is not valid before ${starts.toISOString()}.`, hint, facts);
  }
  if (facts.protocol === "https" && endpoint?.tls === "none") {
    const hint = "Use an https endpoint, or a token that allows http.";
    return failed("auth_failed", "The SAS token is for https only, and the endpoint is http.", hint, facts);
  }
  const until =
    expires === undefined ? `until policy '${facts.policy}' ends` : `until ${expires.toISOString()}`;
  const soon = expires !== undefined && expires.getTime() - now < SOON_MS;
  return ok(
    `A SAS token (${facts.scope}) that grants '${facts.permissions ?? "what its policy says"}' ${until}.`,
    facts,
    soon ? `It expires soon. ${renew}` : undefined,
  );
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? "");
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function examineToken({ token, expiresAtMs, scope }: SignedIn): Finding {
  const claims = claimsOf(token.reveal());
  const text = (name: string): string | undefined => {
    const value = claims[name];
    return typeof value === "string" ? value : undefined;
  };
  const identity = text("upn") ?? text("preferred_username") ?? text("appid") ?? text("azp") ?? text("oid");
  const facts = {
    identity,
    objectId: text("oid"),
    tenant: text("tid"),
    audience: text("aud"),
    issuer: text("iss"),
    scope,
    expiresAt: expiresAtMs === undefined ? undefined : new Date(expiresAtMs).toISOString(),
  };
  if (expiresAtMs !== undefined && expiresAtMs <= Date.now()) {
    const hint = "Check this machine's clock, and whoever gives out its tokens.";
    return failed("auth_failed", `The token that came expired at ${facts.expiresAt}.`, hint, facts);
  }
  const wanted = scope?.replace(/\/\.default$/, "").replace(/\/$/, "");
  const audience = facts.audience?.replace(/\/$/, "");
  // A resource may also be named by the ID of its application.
  if (wanted !== undefined && audience !== undefined && /^https?:/.test(audience) && audience !== wanted) {
    return failed(
      "auth_failed",
      `The token is for ${audience}, and the store needs one for ${wanted}.`,
      "Whoever signs in here must ask for the scope of the store.",
      facts,
    );
  }
  const tenant = facts.tenant === undefined ? "" : ` of tenant ${facts.tenant}`;
  return ok(`A token for ${identity ?? "an identity that it does not name"}${tenant}.`, facts);
}

/** Read, not checked: that is the store's business. */
function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    // Not every issuer's tokens can be read.
    return {};
  }
}
