import type { CredentialKindOf, OpenInput, StorePath } from "@aml/core/adapter";
import { DISCONNECTED, tokenCredential } from "@aml/azure-auth";
import { networkError, refusalError, rowError } from "./errors.ts";
import { NO_STORE, type Attempt } from "./error-rows.ts";
import { originOf, type AdlsGen1Options } from "./options.ts";
import { warnOnce } from "./retired.ts";

/** How a store can be signed in to. */
export type Gen1CredentialKind = CredentialKindOf<"azure_data_lake_gen1">;
export type Gen1Input = OpenInput<AdlsGen1Options, Gen1CredentialKind>;

/** https://learn.microsoft.com/azure/data-lake-store/data-lake-store-service-to-service-authenticate-rest-api, read 2026-11 */
export const SCOPE = "https://datalake.azure.net/.default";

export interface Call {
  readonly operation: Attempt["operation"];
  /** Of the file or folder, in the store. */
  readonly path: StorePath;
  readonly signal: AbortSignal | undefined;
}

export type Method = "GET" | "PUT" | "POST" | "DELETE";
type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** A store and the way into it. */
export interface Store {
  attempt(call: Call): Attempt;
  /** Sends one request, signed in. @returns an answer of success. @throws what its refusal means. */
  send(
    call: Call,
    method: Method,
    query: Query & { readonly op: string },
    body?: Uint8Array<ArrayBuffer>,
  ): Promise<Response>;
  /** As `send`: the answer, read. */
  ask(
    call: Call,
    method: Method,
    query: Query & { readonly op: string },
  ): Promise<Readonly<Record<string, unknown>>>;
}

const VERSION = "2018-09-01";

export function openStore(input: Gen1Input): Store {
  const { options, credential, tokenProvider, fetch = globalThis.fetch } = input;
  const origin = originOf(options);
  const tokens = tokenCredential(credential, { tokenProvider });
  const warn = warnOnce(options, input.onWarning);
  const attempt = ({ operation, path }: Call): Attempt => ({
    operation,
    path,
    options,
    host: new URL(origin).host,
    who: tokens.who(),
  });
  const send: Store["send"] = async (call, method, query, body) => {
    const { signal, path } = call;
    signal?.throwIfAborted();
    warn();
    let response: Response;
    try {
      const { token } = await tokens.getToken(SCOPE, signal === undefined ? {} : { abortSignal: signal });
      response = await fetch(`${origin}/webhdfs/v1/${encode(path)}?${queryOf(query)}`, {
        method,
        // The token goes to the store alone; the service itself never redirects.
        redirect: "manual",
        headers: { authorization: `Bearer ${token}`, "accept-encoding": "identity", "user-agent": "aml" },
        ...(body !== undefined && { body }),
        signal: signal ?? null,
      });
    } catch (error) {
      throw networkError(error, attempt(call), signal);
    }
    if (response.ok) return response;
    const error = await refusalError(response, attempt(call));
    signal?.throwIfAborted();
    throw error;
  };
  return Object.freeze<Store>({
    attempt,
    send,
    async ask(call, method, query) {
      const response = await send(call, method, query);
      let text: string;
      try {
        text = await response.text();
      } catch (error) {
        throw networkError(error, attempt(call), call.signal);
      }
      try {
        const value: unknown = JSON.parse(text);
        if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
      } catch {
        // Told below.
      }
      const cut = /\bjson\b/.test(response.headers.get("content-type") ?? "");
      throw rowError(cut ? DISCONNECTED : NO_STORE, attempt(call), { status: response.status });
    },
  });
}

function encode(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function queryOf(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  parameters.set("api-version", VERSION);
  return parameters.toString();
}
