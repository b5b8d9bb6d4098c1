import { AmlError } from "@aml/core";
import {
  checkDatasetSpec,
  checkDatastoreSpec,
  datasetNotFound,
  datastoreExists,
  datastoreNotFound,
  renewLabels,
} from "@aml/core/registry";
import type { DatasetRecord, DatastoreRecord, Registry } from "@aml/core";
import type { Kysely, Selectable } from "kysely";
import type { Tables } from "./tables.ts";

type Database = Kysely<Tables>;

/** The registry on any database that Kysely speaks to, given that its transactions exclude one another's writes. */
export function sqlRegistry(db: Database, place: string): Required<Registry> {
  let closing: Promise<void> | undefined;
  const open = (): Database => {
    if (!closing) return db;
    throw new AmlError("config_invalid", `The registry ${place} is closed.`, { hint: "Open it again." });
  };
  return {
    contract: "aml.registry/1",
    ...datastoreVerbs(open),
    ...datasetVerbs(open),
    ...settingVerbs(open, place),
    close: () => (closing ??= db.destroy()),
  };
}

function datastoreVerbs(
  db: () => Database,
): Pick<Registry, "putDatastore" | "getDatastore" | "listDatastores" | "deleteDatastore"> {
  return {
    async putDatastore(spec, options) {
      options?.signal?.throwIfAborted();
      const { name, type, ...rest } = checkDatastoreSpec(spec);
      return db()
        .transaction()
        .execute(async (transaction) => {
          const old = await findDatastore(transaction, name);
          if (old && !options?.overwrite) throw datastoreExists(name);
          const now = new Date().toISOString();
          const row = {
            name,
            type,
            spec: JSON.stringify(rest),
            created_at: old?.created_at ?? now,
            updated_at: now,
          };
          if (old) await transaction.updateTable("datastores").set(row).where("name", "=", name).execute();
          else await transaction.insertInto("datastores").values(row).execute();
          return toDatastore(row);
        });
    },
    async getDatastore(name, options) {
      options?.signal?.throwIfAborted();
      const row = await findDatastore(db(), name.toLowerCase());
      if (!row) throw datastoreNotFound(name);
      return toDatastore(row);
    },
    async *listDatastores(options) {
      options?.signal?.throwIfAborted();
      for (const row of await db().selectFrom("datastores").selectAll().orderBy("name").execute()) {
        options?.signal?.throwIfAborted();
        yield toDatastore(row);
      }
    },
    async deleteDatastore(name, options) {
      options?.signal?.throwIfAborted();
      const gone = await db()
        .deleteFrom("datastores")
        .where("name", "=", name.toLowerCase())
        .returning("name")
        .execute();
      if (gone.length === 0) throw datastoreNotFound(name);
    },
  };
}

function datasetVerbs(db: () => Database): Pick<Registry, "registerDataset" | "getDataset" | "listDatasets"> {
  return {
    async registerDataset(spec, options) {
      options?.signal?.throwIfAborted();
      const { name, kind, hash, plan, description, tags } = checkDatasetSpec(spec);
      return db()
        .transaction()
        .execute(async (transaction) => {
          const latest = await findDataset(transaction, name);
          if (latest?.hash === hash && latest.kind === kind) {
            const renewed = renewLabels(toDataset(latest), { description, tags });
            await transaction
              .updateTable("datasets")
              .set({ spec: JSON.stringify({ description: renewed.description, tags: renewed.tags }) })
              .where("name", "=", name)
              .where("version", "=", renewed.version)
              .execute();
            return renewed;
          }
          const row = {
            name,
            version: (latest?.version ?? 0) + 1,
            kind,
            hash,
            spec: JSON.stringify({ description, tags }),
            plan: JSON.stringify(plan),
            created_at: new Date().toISOString(),
          };
          await transaction.insertInto("datasets").values(row).execute();
          return toDataset(row);
        });
    },
    async getDataset(name, version, options) {
      options?.signal?.throwIfAborted();
      const row = await findDataset(db(), name, version);
      if (row) return toDataset(row);
      const latest = version === undefined ? undefined : await findDataset(db(), name);
      throw datasetNotFound(name, version, latest?.version);
    },
    async *listDatasets(options) {
      options?.signal?.throwIfAborted();
      // Versions never change, so the keys are a snapshot, and one plan (maybe of many files) at a time is in memory.
      for (const key of await datasetKeys(db(), options?.name)) {
        options?.signal?.throwIfAborted();
        const row = await findDataset(db(), key.name, key.version);
        if (!row) throw datasetNotFound(key.name, key.version);
        yield toDataset(row);
      }
    },
  };
}

function settingVerbs(db: () => Database, place: string): Pick<Registry, "getSetting" | "setSetting"> {
  return {
    async getSetting(key, options) {
      options?.signal?.throwIfAborted();
      const row = await db().selectFrom("settings").select("value").where("key", "=", key).executeTakeFirst();
      return row && (parseJson(row.value, `setting "${key}"`) as string);
    },
    async setSetting(key, value, options) {
      options?.signal?.throwIfAborted();
      if (typeof value !== "string" || key.includes("\0"))
        throw new AmlError("config_invalid", `The setting "${key}" in ${place} must be a string.`);
      const row = { key, value: JSON.stringify(value) };
      await db()
        .insertInto("settings")
        .values(row)
        .onConflict((conflict) => conflict.column("key").doUpdateSet(row))
        .execute();
    },
  };
}

function findDatastore(db: Database, name: string): Promise<Selectable<Tables["datastores"]> | undefined> {
  return db.selectFrom("datastores").selectAll().where("name", "=", name).executeTakeFirst();
}

function findDataset(
  db: Database,
  name: string,
  version?: number,
): Promise<Selectable<Tables["datasets"]> | undefined> {
  let query = db.selectFrom("datasets").selectAll().where("name", "=", name);
  if (version !== undefined) query = query.where("version", "=", version);
  return query.orderBy("version", "desc").limit(1).executeTakeFirst();
}

function datasetKeys(
  db: Database,
  name: string | undefined,
): Promise<readonly { readonly name: string; readonly version: number }[]> {
  if (name === undefined)
    return db
      .selectFrom("datasets")
      .select((e) => ["name", e.fn.max("version").as("version")])
      .groupBy("name")
      .orderBy("name")
      .execute();
  return db
    .selectFrom("datasets")
    .select(["name", "version"])
    .where("name", "=", name)
    .orderBy("version", "desc")
    .execute();
}

function toDatastore(row: Tables["datastores"]): DatastoreRecord {
  const spec = parseJson(row.spec, `datastore "${row.name}"`) as Omit<DatastoreRecord, "name" | "type">;
  return { name: row.name, type: row.type, ...spec, createdAt: row.created_at, updatedAt: row.updated_at };
}

function toDataset(row: Tables["datasets"]): DatasetRecord {
  const what = `dataset "${row.name}:${row.version}"`;
  const spec = parseJson(row.spec, what) as Pick<DatasetRecord, "description" | "tags">;
  const plan = parseJson(row.plan, what) as DatasetRecord["plan"];
  const { name, version, kind, hash } = row;
  return { name, version, kind, hash, plan, ...spec, createdAt: row.created_at };
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AmlError("parse_failed", `The record of ${what} is damaged.`, {
      hint: "Restore the registry from a backup.",
      cause,
    });
  }
}
