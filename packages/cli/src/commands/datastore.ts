import { AmlError, type Column, type DatastoreInput, type DatastoreRecord } from "@aml/core";
import { resolve } from "node:path";
import { credentialOf } from "../credential-flags.ts";
import { type DatastoreFlags, keyValues, readTextFile } from "../datastore-flags.ts";
import { storeOptions } from "../store-flags.ts";
import { jsonText } from "../json-text.ts";
import { oneLine, printTable } from "../print-table.ts";
import { type Session, tableStyle } from "../session.ts";

export type { DatastoreFlags } from "../datastore-flags.ts";

/** `aml datastore create` */
export async function createDatastore(
  session: Session,
  flags: DatastoreFlags,
  name: string | undefined,
): Promise<void> {
  const inputs = flags.file === undefined ? undefined : await readInputs(session, flags, flags.file);
  if (inputs !== undefined && inputs.length !== 1) checkOwnFlags(flags, name, inputs.length);
  const all = inputs && inputs.length > 1 ? inputs : [await flagInput(session, flags, name, inputs?.[0])];
  const workspace = await session.open();
  const records = await workspace.datastores.registerAll(all, {
    overwrite: flags.overwrite,
    skipValidation: flags.skipValidation,
    signal: session.signal,
  });
  records.forEach((record, index) => {
    if (record.name !== all[index]?.name)
      session.note(`note: datastore names are lower-case, so it is called '${record.name}'.`);
  });
  await session.print(records.length === 1 ? records[0] : records, () =>
    records.map((record) => `Datastore '${record.name}' is registered.\n`).join(""),
  );
}

async function readInputs(
  session: Session,
  { parameters }: DatastoreFlags,
  file: string,
): Promise<readonly DatastoreInput[]> {
  const { readDatastoreFile } = await import("@aml/workspace");
  const path = resolve(session.terminal.cwd, file);
  const valuesPath = parameters === undefined ? undefined : resolve(session.terminal.cwd, parameters);
  const values =
    valuesPath === undefined ? undefined : { text: await readTextFile(valuesPath), path: valuesPath };
  return readDatastoreFile(await readTextFile(path), path, { parameters: values });
}

/** What flags describe, over what a file of one datastore says. */
async function flagInput(
  session: Session,
  flags: DatastoreFlags,
  name: string | undefined,
  file: DatastoreInput | undefined,
): Promise<DatastoreInput> {
  const type = flags.type ?? file?.type;
  const called = name ?? file?.name;
  if (type === undefined || called === undefined) {
    throw new AmlError("config_invalid", `A datastore needs a ${called === undefined ? "name" : "type"}.`, {
      hint: "Write: aml datastore create NAME --type azure_blob …, or give a file with -f.",
    });
  }
  const options = { ...file?.options, ...storeOptions(session, flags, type) };
  const credential = await credentialOf(session, flags, { type });
  const description = flags.description ?? file?.description;
  const tags = { ...file?.tags, ...keyValues(flags.tag, "--tag") };
  return {
    name: called,
    type,
    options,
    credential: credential ?? file?.credential,
    ...(description !== undefined && { description }),
    ...(Object.keys(tags).length > 0 && { tags }),
  };
}

const FILE_FLAGS = ["file", "parameters", "overwrite", "skipValidation"];
const GLOBAL_FLAGS = ["json", "verbose", "workspace", "offline", "cache"];

function checkOwnFlags(flags: DatastoreFlags, name: string | undefined, count: number): void {
  const own = Object.entries(flags).find(
    ([flag, value]) => value !== undefined && ![...FILE_FLAGS, ...GLOBAL_FLAGS].includes(flag),
  );
  if (name === undefined && own === undefined) return;
  throw new AmlError("config_invalid", `The file has ${count} datastores, so flags cannot change one.`, {
    hint: "Beside -f give only --parameters, --overwrite and --skip-validation.",
  });
}

/** `aml datastore update` */
export async function updateDatastore(session: Session, flags: DatastoreFlags, name: string): Promise<void> {
  const workspace = await session.open();
  const { type, credential: before } = await workspace.datastores.get(name, { signal: session.signal });
  const options = storeOptions(session, flags, type);
  const credential = await credentialOf(session, flags, { type, before });
  const tags = flags.tag && keyValues(flags.tag, "--tag");
  const { description } = flags;
  if (!credential && !tags && description === undefined && Object.keys(options).length === 0) {
    throw new AmlError("config_invalid", "There is nothing to change.", {
      hint: "Say what to change, e.g. --account-key-env VARIABLE; see aml datastore update --help.",
    });
  }
  const record = await workspace.datastores.update(
    name,
    {
      options,
      ...(credential && { credential }),
      ...(description !== undefined && { description }),
      ...(tags && { tags }),
    },
    { skipValidation: flags.skipValidation, signal: session.signal },
  );
  await session.print(record, () => `Datastore '${record.name}' is updated.\n`);
}

/** `aml datastore list` */
export async function listDatastores(session: Session): Promise<void> {
  const { signal } = session;
  const workspace = await session.open();
  const { name: byDefault } = await workspace.datastores.getDefault({ signal });
  const records: (DatastoreRecord & { isDefault: boolean })[] = [];
  for await (const record of workspace.datastores.list({ signal })) {
    records.push({ ...record, isDefault: record.name === byDefault });
  }
  await session.print(records, () =>
    printTable(
      COLUMNS,
      records.map(({ name, type, options, credential, isDefault }) => ({
        name: `${name}${isDefault ? " *" : ""}`,
        type,
        credential: credential.kind,
        options: optionsText(options),
      })),
      tableStyle(session, false),
    ),
  );
}

const COLUMNS: readonly Column[] = ["name", "type", "credential", "options"].map((name) => ({
  name,
  type: "string",
  nullable: false,
}));

/** `aml datastore show` */
export async function showDatastore(session: Session, name: string): Promise<void> {
  const record = await (await session.open()).datastores.get(name, { signal: session.signal });
  await session.print(record, () => fieldsText(record));
}

/** `aml datastore test` */
export async function testDatastore(session: Session, name: string): Promise<void> {
  await (await session.open()).datastores.test(name, { signal: session.signal });
  await session.print({ name, reachable: true }, () => `Datastore '${name}' can be reached and listed.\n`);
}

/** `aml datastore delete` */
export async function deleteDatastore(session: Session, name: string): Promise<void> {
  await (await session.open()).datastores.delete(name, { signal: session.signal });
  await session.print(
    { name, deleted: true },
    () => `Datastore '${name}' is removed; its data is untouched.\n`,
  );
}

/** `aml datastore set-default` */
export async function setDefaultDatastore(session: Session, name: string): Promise<void> {
  await (await session.open()).datastores.setDefault(name, { signal: session.signal });
  await session.print({ name, isDefault: true }, () => `Datastore '${name}' is the default now.\n`);
}

/** Fields of a record for people, one a line. */
export function fieldsText(record: object): string {
  return Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${oneLine(typeof value === "string" ? value : jsonText(value))}\n`)
    .join("");
}

function optionsText(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : jsonText(value)}`)
    .join(" ");
}
