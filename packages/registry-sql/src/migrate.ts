import { AmlError } from "@aml/core";
import type { Kysely } from "kysely";
import type { Tables } from "./tables.ts";

type Database = Kysely<Tables>;

/** Step n brings schema version n to n + 1. A released step never changes. */
const STEPS: readonly ((db: Database) => Promise<void>)[] = [createTables];

/**
 * Tells which schema version a database has; 0 for an empty one.
 *
 * @throws `config_invalid` when it belongs to something else; `unsupported` when a newer release wrote it.
 */
export async function schemaVersion(db: Database, place: string): Promise<number> {
  const tables = (await db.introspection.getTables()).map((table) => table.name);
  if (!tables.includes("aml_schema")) {
    if (tables.length === 0) return 0;
    throw new AmlError("config_invalid", `${place} is a database of something else.`, {
      hint: "Name a file that does not exist yet, or one that holds a registry.",
      context: { place, tables: tables.slice(0, 5).join(", ") },
    });
  }
  const { version } = await db.selectFrom("aml_schema").select("version").executeTakeFirstOrThrow();
  if (version <= STEPS.length) return version;
  throw new AmlError(
    "unsupported",
    `${place} has schema version ${version}; this release knows ${STEPS.length}.`,
    {
      hint: "Upgrade @aml/registry-sql to the release that wrote it, or a newer one.",
      context: { place, version },
    },
  );
}

/** Brings a database to the newest schema in one transaction; several processes may try at once. */
export async function migrate(db: Database, place: string): Promise<void> {
  if ((await schemaVersion(db, place)) === STEPS.length) return;
  await db.transaction().execute(async (transaction) => {
    const from = await schemaVersion(transaction, place);
    for (const step of STEPS.slice(from)) await step(transaction);
    await transaction.updateTable("aml_schema").set({ version: STEPS.length }).execute();
  });
}

async function createTables(db: Database): Promise<void> {
  await db.schema
    .createTable("aml_schema")
    .addColumn("version", "integer", (column) => column.notNull())
    .execute();
  await db.insertInto("aml_schema").values({ version: 1 }).execute();
  await db.schema
    .createTable("datastores")
    .addColumn("name", "text", (column) => column.primaryKey().notNull())
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("spec", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("updated_at", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("datasets")
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("version", "integer", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addColumn("spec", "text", (column) => column.notNull())
    .addColumn("plan", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("datasets_pk", ["name", "version"])
    .execute();
  await db.schema
    .createTable("settings")
    .addColumn("key", "text", (column) => column.primaryKey().notNull())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
}
