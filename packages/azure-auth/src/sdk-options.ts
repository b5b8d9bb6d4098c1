import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { createDefaultHttpClient, type HttpClient } from "@azure/core-rest-pipeline";
import type { SignInFailure } from "./errors.ts";

const PUBLIC_AUTHORITIES: ReadonlySet<string> = new Set([
  "login.microsoftonline.com",
  "login.microsoftonline.us",
  "login.partner.microsoftonline.cn",
]);

/** What every credential of the SDK is made with. */
export function sdkOptions(
  authorityUrl: string | undefined = process.env["AZURE_AUTHORITY_HOST"],
): SdkOptions {
  return {
    ...authority(authorityUrl),
    httpClient: watched,
    // Core's withRetry is the one layer that repeats.
    retryOptions: { maxRetries: 0 },
  };
}

export interface SdkOptions {
  readonly authorityHost?: string;
  readonly disableInstanceDiscovery?: boolean;
  readonly httpClient: HttpClient;
  readonly retryOptions: { readonly maxRetries: number };
}

/** Only Microsoft's own authorities know themselves; any other is taken at its word. */
function authority(url: string | undefined): { authorityHost?: string; disableInstanceDiscovery?: boolean } {
  if (!url) return {};
  const authorityHost = url.replace(/\/+$/, "");
  const host = URL.canParse(authorityHost) ? new URL(authorityHost).host : "";
  return { authorityHost, ...(!PUBLIC_AUTHORITIES.has(host) && { disableInstanceDiscovery: true }) };
}

// The SDK keeps the first managed identity's client for the process, so what a request met is filed by call.
export const failures: AsyncLocalStorage<SignInFailure> = new AsyncLocalStorage<SignInFailure>();
const transport = createDefaultHttpClient();

/** Notes what the wire said: the SDK's own errors leave the status and the network's reason out. */
const watched: HttpClient = {
  async sendRequest(request) {
    const failure = failures.getStore() ?? {};
    // A machine without a metadata endpoint often drops the packets.
    request.timeout ||= request.url.startsWith("https:") ? 30_000 : 10_000;
    try {
      const response = await transport.sendRequest(request);
      if (response.status >= 400) {
        failure.status = response.status;
        failure.aadsts = /AADSTS(\d+)/.exec(response.bodyAsText ?? "")?.[1];
        failure.retryAfter = response.headers.get("retry-after");
      }
      return response;
    } catch (error) {
      failure.network = error instanceof Error && "code" in error ? String(error.code) : "no answer";
      failure.host = new URL(request.url).host;
      throw error;
    }
  },
};
