import { defineSqlAdapter, STORE_CREDENTIALS, type SqlDefinition } from "@aml/core/adapter";
import { endpoint, open, signIn, type MysqlCredentialKind } from "./adapter.ts";
import { parseOptions, type MysqlOptions } from "./options.ts";

export type { MysqlCredentialKind } from "./adapter.ts";
export type { MysqlOptions } from "./options.ts";

/** MySQL and MariaDB databases, Azure Database for MySQL among them, as datastores of type `mysql`. */
export const mysql: SqlDefinition<MysqlOptions, MysqlCredentialKind> = defineSqlAdapter({
  type: "mysql",
  credentialKinds: STORE_CREDENTIALS.mysql,
  parseOptions,
  endpoint,
  signIn,
  open,
});
