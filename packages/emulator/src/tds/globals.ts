import type { ConnectionState } from "./connection-state.ts";
import { quoteString } from "./sql-emitter.ts";
import { SERVER_NAME } from "./tokens.ts";

/** What this server says of itself. */
export const VERSION_TEXT =
  "@aml/emulator: a TDS server with a small dialect of T-SQL, over PostgreSQL. Not Microsoft SQL Server.";

/** Values of `@@name`, as expressions of PostgreSQL. */
export function globals(state: ConnectionState): Readonly<Record<string, string>> {
  return {
    "@@version": `${quoteString(VERSION_TEXT)}::sys.nvarchar(300)`,
    "@@spid": `${state.spid}::smallint`,
    "@@trancount": `${state.transactions}`,
    "@@rowcount": `${state.rowCount}`,
    "@@error": "0",
    "@@servername": `${quoteString(SERVER_NAME)}::sys.nvarchar(128)`,
    "@@language": "'us_english'::sys.nvarchar(128)",
    "@@max_precision": "38::sys.tinyint",
    "@@datefirst": "7::sys.tinyint",
    "@@lock_timeout": "(-1)",
    "@@textsize": "2147483647",
    "@@options": "5496",
    "@@nestlevel": "0",
  };
}
