import { signedIn } from "@aml/azure-auth";
import { defineSqlAdapter, STORE_CREDENTIALS, type SqlDefinition } from "@aml/core/adapter";
import { open } from "./open.ts";
import { endpointOf, parseOptions, type PostgresqlOptions } from "./options.ts";
import { TOKEN_SCOPE, type PostgresqlCredentialKind } from "./pool.ts";

/** PostgreSQL: a database as a datastore of type `postgresql`. */
export const postgresql: SqlDefinition<PostgresqlOptions, PostgresqlCredentialKind> = defineSqlAdapter({
  type: "postgresql",
  credentialKinds: STORE_CREDENTIALS.postgresql,
  parseOptions,
  open,
  endpoint: endpointOf,
  signIn: ({ credential, tokenProvider }, options) =>
    signedIn(credential, TOKEN_SCOPE, { ...options, tokenProvider }),
});

export type { PostgresqlCredentialKind, PostgresqlOptions };
