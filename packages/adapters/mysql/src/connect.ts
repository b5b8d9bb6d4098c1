import tls from "node:tls";
import { AmlError } from "@aml/core/adapter";
import { tokenCredential, type AzureTokenCredential } from "@aml/azure-auth";
import type { Connection, ConnectionOptions } from "mysql2";
import type { MysqlInput } from "./adapter.ts";
import { connectError, type Facts } from "./errors.ts";
import { hostOf, portOf, storeUri } from "./options.ts";

/** What Microsoft Entra ID calls the open-source databases of Azure. */
export const TOKEN_SCOPE = "https://ossrdbms-aad.database.windows.net/.default";

/** Opens connections to one database. */
export interface Connector {
  readonly facts: Facts;
  /** A connection that is signed in, in UTC, and does not keep the process alive while it is idle. */
  connect(signal?: AbortSignal): Promise<Connection>;
}

export function createConnector(input: MysqlInput): Connector {
  const { options, credential } = input;
  const tokens = tokenSource(input);
  const facts: Facts = {
    uri: storeUri(options),
    host: hostOf(options),
    port: portOf(options),
    database: options.database,
    user: credential.kind === "password" ? credential.username : (options.user ?? ""),
    credential: credential.kind,
    tls: options.tls !== "disable",
    who: tokens?.who,
  };
  return {
    facts,
    async connect(signal) {
      signal?.throwIfAborted();
      const password = await passwordOf(input, tokens, facts, signal);
      const { default: mysql } = await import("mysql2");
      const connection = mysql.createConnection(settings(input, facts, password));
      try {
        await opened(connection, signal);
        return connection;
      } catch (error) {
        connection.destroy();
        signal?.throwIfAborted();
        throw connectError(error, facts);
      }
    },
  };
}

/** The sign-in of credentials that end in a token; `undefined` for a password. */
export function tokenSource({ credential, tokenProvider }: MysqlInput): AzureTokenCredential | undefined {
  return credential.kind === "password" ? undefined : tokenCredential(credential, { tokenProvider });
}

async function passwordOf(
  { credential }: MysqlInput,
  tokens: AzureTokenCredential | undefined,
  facts: Facts,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (credential.kind === "password") return credential.password.reveal();
  if (facts.user === "") {
    throw new AmlError("config_invalid", `Signing in to ${facts.uri} by token needs the option user.`, {
      operation: "query",
      hint: "Give the name that the database has for the identity: the one of CREATE AADUSER.",
    });
  }
  if (!facts.tls) {
    throw new AmlError("config_invalid", `A token is not sent to ${facts.uri} without TLS.`, {
      operation: "query",
      hint: "Leave the option tls out, or sign in with a password.",
    });
  }
  const token = await tokens?.getToken(TOKEN_SCOPE, signal && { abortSignal: signal });
  return token?.token ?? "";
}

function settings({ options, credential }: MysqlInput, facts: Facts, password: string): ConnectionOptions {
  return {
    host: facts.host,
    port: facts.port,
    database: facts.database,
    user: facts.user,
    password,
    charset: "utf8mb4",
    timezone: "Z",
    connectTimeout: options.connectTimeoutMs ?? 15_000,
    // Rows come as arrays of what the wire has: nothing is rounded, and no column's name becomes code.
    rowsAsArray: true,
    disableEval: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    multipleStatements: false,
    maxPreparedStatements: 16,
    // LOAD DATA LOCAL would let the server ask for files of this machine.
    flags: ["-LOCAL_FILES", "-MULTI_STATEMENTS"],
    ...(facts.tls && { ssl: secure(options.ca) }),
    // Azure asks for a token in the clear, inside TLS; a password is never sent so.
    enableCleartextPlugin: credential.kind !== "password",
  };
}

function secure(ca: string | undefined): object {
  const trusted = ca === undefined ? {} : { ca: [...tls.rootCertificates, ca] };
  return { rejectUnauthorized: true, verifyIdentity: true, minVersion: "TLSv1.2", ...trusted };
}

function opened(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
    // A connection that is lost while nobody waits for it is found out by its next user.
    connection.on("error", () => undefined);
    connection.connect((error) => {
      signal?.removeEventListener("abort", abort);
      if (error) reject(error);
      else resolve();
    });
  });
}
