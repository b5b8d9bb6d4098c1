import { signedIn } from "@aml/azure-auth";
import { defineSqlAdapter, STORE_CREDENTIALS, type SqlDefinition } from "@aml/core/adapter";
import { open } from "./open.ts";
import { endpointOf, parseOptions, type AzureSqlOptions } from "./options.ts";
import { TOKEN_SCOPE, type AzureSqlCredentialKind } from "./pool.ts";

/** Azure SQL and SQL Server: a database as a datastore of type `azure_sql`. */
export const azureSql: SqlDefinition<AzureSqlOptions, AzureSqlCredentialKind> = defineSqlAdapter({
  type: "azure_sql",
  credentialKinds: STORE_CREDENTIALS.azure_sql,
  parseOptions,
  open,
  endpoint: endpointOf,
  signIn: ({ credential, tokenProvider }, options) =>
    signedIn(credential, TOKEN_SCOPE, { ...options, tokenProvider }),
});

export type { AzureSqlCredentialKind, AzureSqlOptions };
