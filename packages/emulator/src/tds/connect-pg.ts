import type { Client, ClientConfig, Pool } from "pg";
import type { Login } from "./login7.ts";
import { PG_SCHEMA } from "./pg-schema.ts";
import { loadTypes, type TypeOf } from "./pg-types.ts";

/** PostgreSQL behind the TDS front: its databases are the databases of the front. */
export interface PgServer {
  readonly config: ClientConfig;
  /** The database that stands for `master`. */
  readonly defaultDatabase: string;
  /** Of that database: cancels statements, and knows which databases there are. */
  readonly admin: Pool;
  /** Of each database that was connected to: looks things up in its catalog. */
  readonly catalogs: Map<string, Promise<Catalog>>;
}

export interface Catalog {
  readonly pool: Pool;
  readonly typeOf: TypeOf;
}

const SEARCH_PATH = "dbo, sys, public, pg_catalog";

/** Opens the session of one client. @returns `undefined` when there is no such database. */
export async function connectPg(
  server: PgServer,
  { database: name, readOnly, application }: Pick<Login, "database" | "readOnly" | "application">,
): Promise<{ readonly client: Client; readonly catalog: Catalog; readonly database: string } | undefined> {
  const database = await findDatabase(server, name);
  if (database === undefined) return undefined;
  const catalog = await catalogOf(server, database);
  const { default: pg } = await import("pg");
  const client = new pg.Client({ ...server.config, database, application_name: application });
  // The connection of a server that ends: whoever waits for an answer hears of it.
  client.on("error", () => undefined);
  await client.connect();
  (client as unknown as { unref(): void }).unref();
  await client.query(
    `set search_path = ${SEARCH_PATH}; set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex';
     set extra_float_digits = 1; set client_min_messages = error; set default_transaction_read_only = ${readOnly ? "on" : "off"}`,
  );
  return { client, catalog, database };
}

async function findDatabase({ admin, defaultDatabase }: PgServer, name: string): Promise<string | undefined> {
  if (name === "" || name.toLowerCase() === "master") return defaultDatabase;
  const { rows } = await admin.query<{ name: string }>(
    "select datname as name from pg_catalog.pg_database where lower(datname) = lower($1) and not datistemplate",
    [name],
  );
  return rows[0]?.name;
}

function catalogOf(server: PgServer, database: string): Promise<Catalog> {
  let catalog = server.catalogs.get(database);
  if (!catalog) {
    catalog = openCatalog(server, database);
    server.catalogs.set(database, catalog);
    catalog.catch(() => server.catalogs.delete(database));
  }
  return catalog;
}

async function openCatalog(server: PgServer, database: string): Promise<Catalog> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    ...server.config,
    database,
    max: 2,
    idleTimeoutMillis: 0,
    allowExitOnIdle: true,
  });
  pool.on("error", () => undefined);
  const client = await pool.connect();
  try {
    const { rows } = await client.query("select from pg_catalog.pg_namespace where nspname = 'sys'");
    if (rows.length === 0) await client.query(PG_SCHEMA);
    return { pool, typeOf: await loadTypes(client) };
  } finally {
    client.release();
  }
}
