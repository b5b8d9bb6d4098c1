import type { CredentialKindOf, OpenInput, StorePath } from "@aml/core/adapter";
import { DISCONNECTED } from "@aml/azure-auth";
import {
  isSilentRefusal,
  isTokenRefused,
  networkError,
  readRefusal,
  refusalError,
  rowError,
} from "./errors.ts";
import { NO_WORKSPACE, type Attempt } from "./error-rows.ts";
import { originOf, parseRoot, type DbfsOptions, type Root } from "./options.ts";
import { createTokens } from "./tokens.ts";

/** How a workspace can be signed in to. */
export type DbfsCredentialKind = CredentialKindOf<"dbfs">;
export type DbfsInput = OpenInput<DbfsOptions, DbfsCredentialKind>;

export interface Call {
  readonly operation: Attempt["operation"];
  /** Of the file or folder, in the store. */
  readonly path: StorePath;
  readonly signal: AbortSignal | undefined;
}

export interface RequestParts {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent once: such a request is not repeated with a new token. */
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

/** A workspace and the root in it. */
export interface Workspace {
  readonly root: Root;
  attempt(call: Call): Attempt;
  /**
   * Sends one request, signed in. A token that is refused is fetched anew once.
   *
   * @param target - path and query.
   * @returns an answer of success.
   * @throws what its refusal means.
   */
  send(call: Call, target: string, parts: RequestParts): Promise<Response>;
  /** A call of DBFS: its answer, read. */
  dbfs(
    call: Call,
    name: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>>;
}

const READING = new Set(["get-status", "list", "read"]);

export function openWorkspace(input: DbfsInput): Workspace {
  const { options, fetch = globalThis.fetch } = input;
  const root = parseRoot(options);
  const origin = originOf(options);
  const tokens = createTokens(input);
  const facts = {
    root: root.kind === "volume" ? root.path : `dbfs:${root.path || "/"}`,
    kind: root.kind,
    host: new URL(origin).host,
    credential: input.credential.kind,
  };
  const attempt = ({ operation, path }: Call): Attempt => ({ ...facts, who: tokens.who(), operation, path });
  const once = async (call: Call, target: string, parts: RequestParts, force: boolean): Promise<Response> => {
    const { signal } = call;
    try {
      signal?.throwIfAborted();
      const token = await tokens.get(attempt(call), { signal, force });
      return await fetch(`${origin}${target}`, requestInit(parts, token, signal));
    } catch (error) {
      throw networkError(error, attempt(call), signal);
    }
  };
  const send: Workspace["send"] = async (call, target, parts) => {
    for (let force = false; ; force = true) {
      const response = await once(call, target, parts, force);
      if (response.ok) return response;
      const refusal = await readRefusal(response);
      call.signal?.throwIfAborted();
      const renew = isTokenRefused(refusal) || isSilentRefusal(refusal);
      const again = tokens.renewable && !force && !(parts.body instanceof ReadableStream) && renew;
      if (!again) throw refusalError(refusal, attempt(call));
    }
  };
  return Object.freeze<Workspace>({
    root,
    attempt,
    send,
    async dbfs(call, name, values) {
      const text = JSON.stringify(values);
      const query = new URLSearchParams();
      for (const [key, value] of Object.entries(values)) query.set(key, String(value));
      const response = READING.has(name)
        ? await send(call, `/api/2.0/dbfs/${name}?${query.toString()}`, { method: "GET" })
        : await send(call, `/api/2.0/dbfs/${name}`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: text,
          });
      return json(response, attempt(call), call.signal);
    },
  });
}

function requestInit(
  { method, headers, body }: RequestParts,
  token: string,
  signal: AbortSignal | undefined,
): RequestInit {
  return {
    method,
    // The token goes to the workspace alone, and what leads elsewhere is no workspace.
    redirect: "manual",
    headers: { ...headers, authorization: `Bearer ${token}`, "user-agent": "aml" },
    ...(body !== undefined && { body }),
    ...(body instanceof ReadableStream && { duplex: "half" }),
    signal: signal ?? null,
  };
}

/** @throws `config_invalid` for an answer that is not JSON: a page for people; `unavailable` for one that broke off. */
export async function json(
  response: Response,
  attempt: Attempt,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    throw networkError(error, attempt, signal);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  if (/\bjson\b/.test(response.headers.get("content-type") ?? "")) throw rowError(DISCONNECTED, attempt);
  throw rowError(NO_WORKSPACE, attempt, { status: response.status });
}
