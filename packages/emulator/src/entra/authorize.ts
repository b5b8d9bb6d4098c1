import { randomUUID } from "node:crypto";
import type { Directory } from "./directory.ts";
import type { EntraApp } from "./entra-app.ts";
import { escapeHtml, html } from "./reply.ts";

const LIFETIME_MS = 600_000;

/** Answers `GET /TENANT/oauth2/v2.0/authorize`: who `login_hint` names, or the first user, signs in at once. */
export function answerAuthorize(directory: Directory, query: URLSearchParams): Response {
  const clientId = query.get("client_id") ?? "";
  const app = directory.apps.get(clientId);
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!app) return page(700016, `Application with identifier '${clientId}' was not found in the directory.`);
  if (!mayRedirect(app, redirectUri)) {
    return page(
      50011,
      `The redirect URI '${redirectUri}' specified in the request does not match those of the app.`,
    );
  }
  const state = query.get("state");
  const answer = (fields: Readonly<Record<string, string>>): Response =>
    sendBack(redirectUri, query.get("response_mode") ?? "query", {
      ...fields,
      ...(state !== null && { state }),
    });
  if (query.get("response_type") !== "code") {
    return answer({
      error: "unsupported_response_type",
      error_description: "AADSTS700054: response_type must be code.",
    });
  }
  const challenge = query.get("code_challenge") ?? undefined;
  if (challenge !== undefined && query.get("code_challenge_method") !== "S256") {
    return answer({
      error: "invalid_request",
      error_description: "AADSTS501491: code_challenge_method must be S256.",
    });
  }
  const hint = query.get("login_hint");
  const user = directory.users.find(({ username }) => hint === null || username === hint);
  if (!user) {
    return answer({
      error: "login_required",
      error_description: `AADSTS50034: The user account ${hint} does not exist.`,
    });
  }
  const code = randomUUID();
  directory.codes.set(code, {
    clientId,
    scope: query.get("scope") ?? "",
    user,
    redirectUri,
    challenge,
    nonce: query.get("nonce") ?? undefined,
    expiresAt: directory.now() + LIFETIME_MS,
  });
  return answer({ code });
}

function mayRedirect(app: EntraApp, redirectUri: string): boolean {
  if (app.redirectUris?.includes(redirectUri)) return true;
  return /^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?(\/|$)/.test(redirectUri);
}

function sendBack(redirectUri: string, mode: string, fields: Readonly<Record<string, string>>): Response {
  if (mode === "form_post") {
    const inputs = Object.entries(fields).map(
      ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
    );
    return html(
      200,
      `<form method="post" action="${escapeHtml(redirectUri)}">${inputs.join("")}</form><script>document.forms[0].submit()</script>`,
    );
  }
  const text = new URLSearchParams(fields).toString();
  const location =
    mode === "fragment"
      ? `${redirectUri}#${text}`
      : `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${text}`;
  return new Response(null, { status: 302, headers: { location } });
}

function page(code: number, text: string): Response {
  return html(400, `<p>AADSTS${code}: ${escapeHtml(text)}`);
}
