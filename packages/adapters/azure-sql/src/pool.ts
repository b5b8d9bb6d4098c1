import { tokenCredentialOf, type AzureTokenCredential } from "@aml/azure-auth";
import { createSlots, type OpenInput } from "@aml/core/adapter";
import type { Connection, ConnectionConfiguration } from "tedious";
import { toError, toTokenError, type Attempt } from "./errors.ts";
import { hostOf, portOf, type AzureSqlOptions } from "./options.ts";
import { loadRowParsing, type RowParsing } from "./read-rows.ts";

export type AzureSqlCredentialKind =
  | "password"
  | "service_principal"
  | "service_principal_certificate"
  | "identity";
export type AzureSqlInput = OpenInput<AzureSqlOptions, AzureSqlCredentialKind>;

export const TOKEN_SCOPE = "https://database.windows.net/.default";

/** The driver, loaded with the first query. */
export type Driver = typeof import("tedious");

/** The connections of one source. The first one is made when the first is taken. */
export interface Connections {
  readonly attempt: Attempt;
  /** So many at once. */
  readonly most: number;
  /** @throws `AmlError`, or the reason of the signal. */
  take(signal: AbortSignal): Promise<PooledConnection>;
  close(): Promise<void>;
}

/** A connection that nobody else has. */
export interface PooledConnection {
  readonly driver: Driver;
  readonly tds: Connection;
  /** It has served before, and may have been lost since. */
  readonly used: boolean;
  /** Gives it back; `broken` closes it. Once. */
  release(broken: boolean): void;
}

const CONNECT_MS = 30_000;
/** How long a connection that nobody uses is kept. */
const IDLE_MS = 10_000;

/** As whom connections are made. */
interface SignIn {
  readonly input: AzureSqlInput;
  readonly tokens: AzureTokenCredential | undefined;
  readonly attempt: Attempt;
}

interface Idle {
  readonly tds: Connection;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Keeps connections for the next query, but keeps no process alive with them. */
export function createConnections(input: AzureSqlInput): Connections {
  const { options, credential } = input;
  const most = options.maxConnections ?? 8;
  const tokens = tokenCredentialOf(credential, { tokenProvider: input.tokenProvider });
  const attempt: Attempt = {
    host: hostOf(options),
    port: portOf(options),
    database: options.database,
    user: credential.kind === "password" ? credential.username : "",
    credential: credential.kind,
    who: tokens?.who,
  };
  const open = new Set<Connection>();
  const idle: Idle[] = [];
  const slots = createSlots(most);
  let loaded: Promise<[Driver, RowParsing]> | undefined;
  let closed = false;

  const dispose = (tds: Connection): void => {
    open.delete(tds);
    tds.close();
  };
  const giveBack = (tds: Connection, broken: boolean): void => {
    if (broken || closed || tds.closed) dispose(tds);
    else {
      tds.socket?.unref();
      const timer = setTimeout(() => {
        idle.splice(
          idle.findIndex((one) => one.tds === tds),
          1,
        );
        dispose(tds);
      }, IDLE_MS);
      timer.unref();
      idle.push({ tds, timer });
    }
  };
  const reuse = (): Connection | undefined => {
    for (let one = idle.pop(); one !== undefined; one = idle.pop()) {
      clearTimeout(one.timer);
      if (open.has(one.tds)) return one.tds;
    }
    return undefined;
  };

  return {
    attempt,
    most,
    async take(signal) {
      const leave = await slots.take(signal);
      try {
        signal.throwIfAborted();
        if (closed)
          throw toError(Object.assign(new Error("The source is closed"), { code: "ECLOSE" }), attempt);
        const [driver, rows] = await (loaded ??= Promise.all([loadDriver(), loadRowParsing()]));
        const ready = reuse();
        const tds = ready ?? (await connect(driver, rows, { input, tokens, attempt }, signal));
        tds.socket?.ref();
        if (ready === undefined) {
          open.add(tds);
          tds.on("end", () => open.delete(tds));
        }
        let released = false;
        const release = (broken: boolean): void => {
          if (released) return;
          released = true;
          giveBack(tds, broken);
          leave();
        };
        return { driver, tds, used: ready !== undefined, release };
      } catch (error) {
        leave();
        throw error;
      }
    },
    async close() {
      closed = true;
      for (const { timer } of idle) clearTimeout(timer);
      idle.length = 0;
      const ended = [...open].map((tds) => new Promise<void>((resolve) => tds.once("end", () => resolve())));
      for (const tds of open) tds.close();
      slots.open();
      await Promise.all(ended);
    },
  };
}

async function loadDriver(): Promise<Driver> {
  const loaded = await import("tedious");
  return (loaded as unknown as { readonly default?: Driver }).default ?? loaded;
}

function connect(
  driver: Driver,
  rows: RowParsing,
  { input, tokens, attempt }: SignIn,
  signal: AbortSignal,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const messages: { number: number; message: string }[] = [];
    let failure: unknown;
    const tds = new driver.Connection(
      configuration(input, tokens, (error) => (failure = toTokenError(error, attempt))),
    );
    const abort = (): void => {
      tds.close();
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    // Whoever uses a connection hears of its end by its query.
    tds.on("error", () => undefined);
    tds.on("errorMessage", ({ number, message }) => messages.push({ number, message }));
    tds.connect((error) => {
      signal.removeEventListener("abort", abort);
      tds.removeAllListeners("errorMessage");
      if (error === undefined || error === null) {
        rows.use(tds);
        return resolve(tds);
      }
      tds.close();
      reject(failure ?? toError(Object.assign(error, { messages }), attempt));
    });
  });
}

/** @param onTokenFailure - gets why there is no token: the driver would make a text of it. */
function configuration(
  input: AzureSqlInput,
  tokens: AzureTokenCredential | undefined,
  onTokenFailure: (error: unknown) => void,
): ConnectionConfiguration {
  const { options } = input;
  const { encrypt = true } = options;
  return {
    server: hostOf(options),
    authentication: authentication(input, tokens, onTokenFailure) as NonNullable<
      ConnectionConfiguration["authentication"]
    >,
    options: {
      port: portOf(options),
      database: options.database,
      encrypt,
      trustServerCertificate: options.trustServerCertificate ?? false,
      ...(options.ca !== undefined && { cryptoCredentialsDetails: { ca: options.ca } }),
      readOnlyIntent: options.applicationIntent !== "ReadWrite",
      appName: options.applicationName ?? "aml",
      connectTimeout: options.connectTimeoutMs ?? CONNECT_MS,
      // Bounded by the caller, and repeated by core alone.
      requestTimeout: 0,
      maxRetriesOnTransientErrors: 0,
      multiSubnetFailover: false,
      packetSize: 16_384,
      useUTC: true,
      lowerCaseGuids: true,
    },
  };
}

function authentication(
  { credential }: AzureSqlInput,
  tokens: AzureTokenCredential | undefined,
  onFailure: (error: unknown) => void,
): unknown {
  if (credential.kind === "password") {
    const { username: userName, password } = credential;
    return { type: "default", options: { userName, password: password.reveal() } };
  }
  const getToken = async (): Promise<{ token: string; expiresOnTimestamp: number } | undefined> => {
    try {
      // For new connections; those that are open go on after their token has expired. The scope that the server asks
      // for is not heard: it could name any service.
      return await tokens?.getToken(TOKEN_SCOPE);
    } catch (error) {
      onFailure(error);
      throw error;
    }
  };
  return { type: "token-credential", options: { credential: { getToken } } };
}
