import type { Service } from "../service.ts";
import { appToken, objectIdOf, remember, type Directory } from "./directory.ts";
import { json } from "./reply.ts";

/** What App Service gives a process as IDENTITY_HEADER. */
export const IDENTITY_HEADER = "identity-header";

/** The client ID of the identity that the machine itself has. */
const SYSTEM_ASSIGNED = objectIdOf("system-assigned identity");

/**
 * The managed identity endpoints of a virtual machine and of App Service. The machine has an identity of its own, and
 * every app registration is one that was assigned to it.
 *
 * @see https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token – read 2026-11
 */
export function managedIdentity(directory: Directory): Service {
  return async (request) => {
    const url = new URL(request.url);
    const path = url.pathname.replace(/\/$/, "");
    const appService = path === "/msi/token";
    if (!appService && path !== "/metadata/identity/oauth2/token") return json(404, {});
    const allowed = appService
      ? request.headers.get("x-identity-header") === IDENTITY_HEADER
      : request.headers.get("metadata") === "true";
    if (!allowed) return invalid("Required metadata header not specified");
    const clientId = url.searchParams.get("client_id") ?? undefined;
    const resource = url.searchParams.get("resource") ?? "";
    remember(directory, { grant: appService ? "app_service" : "imds", clientId, scope: resource });
    if (directory.failWith !== undefined) return json(directory.failWith, { error: "server_error" });
    if (resource === "") return invalid("Required query variable 'resource' is missing");
    if (clientId !== undefined && !directory.apps.has(clientId)) return invalid("Identity not found");
    const lifetime = directory.tokenLifetime;
    return json(200, {
      access_token: await appToken(directory, resource, clientId ?? SYSTEM_ASSIGNED),
      client_id: clientId ?? SYSTEM_ASSIGNED,
      expires_in: String(lifetime),
      expires_on: String(Math.floor(directory.now() / 1000) + lifetime),
      resource,
      token_type: "Bearer",
    });
  };
}

function invalid(text: string): Response {
  return json(400, { error: "invalid_request", error_description: text });
}
