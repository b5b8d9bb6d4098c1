import type {
  CredentialKindOf,
  Endpoint,
  OpenInput,
  OperationOptions,
  SignedIn,
  SqlSource,
} from "@aml/core/adapter";
import { Secret } from "@aml/core/adapter";
import { createSqlSource, type SqlDialect } from "@aml/core/sql";
import { createConnector, TOKEN_SCOPE, tokenSource } from "./connect.ts";
import { hostOf, portOf, storeUri, type MysqlOptions } from "./options.ts";
import { PARTS } from "./parts.ts";
import { createPool } from "./pool.ts";
import { start } from "./start.ts";
import { startRanges } from "./start-ranges.ts";

/** How a database can be signed in to. */
export type MysqlCredentialKind = CredentialKindOf<"mysql">;
export type MysqlInput = OpenInput<MysqlOptions, MysqlCredentialKind>;

const DIALECT = {
  placeholder: () => "?",
  positional: true,
  quotes: { "'": "'", '"': '"', "`": "`" },
  backslashes: "always",
  hashComments: true,
  parts: PARTS,
} satisfies SqlDialect;

/** Opens a database. No connection is made before the first query. */
export function open(input: MysqlInput): SqlSource {
  const pool = createPool(createConnector(input));
  const zeroDates = input.options.zeroDates ?? "fail";
  return createSqlSource({
    type: "mysql",
    uri: storeUri(input.options),
    dialect: DIALECT,
    start: (statement, options) => start(pool, statement, { ...options, zeroDates }),
    startRanges: (statement, options, partition) =>
      startRanges(pool, DIALECT, statement, { ...options, zeroDates }, partition),
    close: () => pool.close(),
  });
}

export function endpoint(options: MysqlOptions): Endpoint {
  const tls = options.tls === "disable" ? "none" : "negotiated";
  return { host: hostOf(options), port: portOf(options), tls };
}

export async function signIn(
  input: MysqlInput,
  { signal }: OperationOptions = {},
): Promise<SignedIn | undefined> {
  const source = tokenSource(input);
  if (source === undefined) return undefined;
  const { token, expiresOnTimestamp } = await source.getToken(TOKEN_SCOPE, signal && { abortSignal: signal });
  return { token: new Secret(token), expiresAtMs: expiresOnTimestamp, scope: TOKEN_SCOPE };
}
