import { tokenCredential } from "@aml/azure-auth";
import { createSlots, type OpenInput } from "@aml/core/adapter";
import type { Client, PoolClient } from "pg";
import type tls from "node:tls";
import { cancelRequest } from "./cancel-request.ts";
import { createPool, type OpenPool } from "./create-pool.ts";
import { toError, type Attempt } from "./errors.ts";
import { hostOf, portOf, type PostgresqlOptions } from "./options.ts";

export type PostgresqlCredentialKind =
  | "password"
  | "service_principal"
  | "service_principal_certificate"
  | "identity";
export type PostgresqlInput = OpenInput<PostgresqlOptions, PostgresqlCredentialKind>;

export const TOKEN_SCOPE = "https://ossrdbms-aad.database.windows.net/.default";

/** The connections of one source. The first one is made when the first is taken. */
export interface Connections {
  readonly attempt: Attempt;
  readonly most: number;
  /** @throws `AmlError`. */
  take(signal?: AbortSignal): Promise<Connection>;
  close(): Promise<void>;
}

/** A connection that nobody else has. */
export interface Connection {
  readonly client: PoolClient;
  /** It has served before, and may have been lost since. */
  readonly used: boolean;
  /** Ends what it is running. */
  cancel(): Promise<void>;
  /** Gives it back; `broken` closes it. Only the first call counts. */
  release(broken: boolean): void;
}

/** As the driver says it. */
const CLOSED = "Cannot use a pool after calling end";
const CONNECT_MS = 30_000;
const IDLE_MS = 10_000;

export function createConnections({ options, credential, tokenProvider }: PostgresqlInput): Connections {
  const [host, port, most] = [hostOf(options), portOf(options), options.maxConnections ?? 8];
  const user = credential.kind === "password" ? credential.username : (options.user ?? "");
  const secure = tlsOf(options, host);
  // The driver would count the wait for another query to end as one for the server.
  const slots = createSlots(most);
  const held = new Set<Connection>();
  const served = new WeakSet<PoolClient>();
  let closing: Promise<void> | undefined;
  // For new connections; those that are open go on after their token has expired.
  const tokens = credential.kind === "password" ? undefined : tokenCredential(credential, { tokenProvider });
  const { kind } = credential;
  const { database } = options;
  const attempt: Attempt = { host, port, database, user, credential: kind, who: tokens?.who };
  const password = async (): Promise<string> => {
    if (credential.kind === "password") return credential.password.reveal();
    return (await tokens?.getToken(TOKEN_SCOPE))?.token ?? "";
  };
  let opening: Promise<OpenPool> | undefined;
  const connect = (): Promise<OpenPool> =>
    createPool({
      host,
      port,
      user,
      password,
      database: options.database,
      ssl: secure ?? false,
      application_name: options.applicationName ?? "aml",
      max: most,
      connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_MS,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
      keepAlive: true,
    });
  let waiting = 0;
  const connected = async (signal: AbortSignal | undefined): Promise<PoolClient> => {
    // A server does not wait long for a password, and signing in may need a person.
    await tokens?.getToken(TOKEN_SCOPE);
    const { pool, callOff } = await (opening ??= connect());
    // The next connection goes to whoever waits longest: none is needed when nobody is left.
    const leave = (): void => {
      waiting -= 1;
      if (waiting === 0) callOff();
    };
    waiting += 1;
    signal?.addEventListener("abort", leave, { once: true });
    try {
      return await pool.connect();
    } finally {
      signal?.removeEventListener("abort", leave);
      if (signal?.aborted !== true) waiting -= 1;
    }
  };
  return {
    attempt,
    most,
    async take(signal) {
      const leave = await slots.take(signal);
      try {
        if (closing !== undefined) throw new Error(CLOSED);
        const client = await connected(signal);
        const connection: Connection = {
          client,
          used: served.has(client),
          cancel: () => cancelRequest({ host, port, tls: secure, ...backendOf(client) }),
          release(broken) {
            if (!held.delete(connection)) return;
            client.release(broken);
            leave();
          },
        };
        served.add(client);
        held.add(connection);
        if (closing === undefined) return connection;
        connection.release(true);
        throw new Error(CLOSED);
      } catch (error) {
        leave();
        throw toError(error, attempt);
      }
    },
    async close() {
      closing ??= (async () => {
        slots.open();
        const open = await opening;
        open?.callOff();
        // Readers in the middle get the error of a connection that is gone.
        const ending = [...held].map(async (connection) => {
          await connection.cancel();
          connection.release(true);
        });
        await Promise.all(ending);
        await open?.pool.end();
      })();
      await closing;
    },
  };
}

function tlsOf(
  { tls: mode = "require", ca }: PostgresqlOptions,
  host: string,
): tls.ConnectionOptions | undefined {
  if (mode === "disable") return undefined;
  // An address has no name to ask for; the certificate is checked against it all the same.
  const named = !/^[\d.]+$|:/.test(host);
  return {
    host,
    rejectUnauthorized: true,
    ...(named && { servername: host }),
    ...(ca !== undefined && { ca }),
  };
}

/** The driver keeps them, and its types do not tell. */
function backendOf(client: PoolClient): { readonly processID: number; readonly secretKey: number } {
  const { processID = 0, secretKey = 0 } = client as unknown as Client & {
    processID?: number;
    secretKey?: number;
  };
  return { processID, secretKey };
}
