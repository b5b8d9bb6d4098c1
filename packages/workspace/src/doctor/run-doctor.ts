import {
  AmlError,
  type AnyAdapterDefinition,
  type Credential,
  type DatastoreRecord,
  type Endpoint,
  isAmlError,
  parseStorePath,
  Secret,
  type SecretRef,
  type SecretStore,
  type SignedIn,
  type SqlSource,
  type StorageAdapter,
  type StorePath,
  type TokenProvider,
  type FileStat,
} from "@aml/core";
import { SECRET_FIELDS } from "@aml/core/adapter";
import { examineCredential } from "./credential-hop.ts";
import { type DoctorOptions, type DoctorReport, type Finding, ok, skipped } from "./doctor-types.ts";
import { createHopLog, type HopLog } from "./hop-log.ts";
import { compareClocks, connectTcp, resolveName } from "./network-hops.ts";
import {
  checkRights,
  firstQuery,
  firstRequest,
  probeList,
  probeRead,
  probeWrite,
  touch,
} from "./store-hops.ts";
import { shakeHands } from "./tls-hop.ts";

/** What the doctor needs of a workspace. */
export interface DoctorContext {
  getDatastore(
    name: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<DatastoreRecord>;
  findDefinition(type: string): Promise<AnyAdapterDefinition | undefined>;
  readonly secrets: SecretStore;
  readonly tokenProvider: TokenProvider | undefined;
  readonly fetch: typeof globalThis.fetch | undefined;
}

/** See `FolderWorkspace.doctor`. */
export async function runDoctor(
  context: DoctorContext,
  name: string,
  options: DoctorOptions = {},
): Promise<DoctorReport> {
  const path = parseStorePath(options.path ?? "");
  const log = createHopLog(options);
  const patient: Patient = { name, path };
  const steps = [
    () => findRecord(context, patient, log),
    () => findSecret(context, patient, log),
    () => walkNetwork(patient, log),
    () => examine(context, patient, log),
    () => useStore(context, patient, log, options),
  ];
  try {
    for (const step of steps) if (!(await step())) break;
  } finally {
    await patient.store?.close?.();
  }
  await log.skipRest();
  const { hops } = log;
  const type = patient.record?.type;
  return { datastore: name, type, ok: hops.every(({ status }) => status !== "failed"), hops };
}

const HERE = "The store is on this machine.";

interface Patient {
  readonly name: string;
  readonly path: StorePath;
  record?: DatastoreRecord;
  definition?: AnyAdapterDefinition;
  options?: unknown;
  credential?: Credential<Secret>;
  endpoint?: Endpoint | undefined;
  store?: StorageAdapter | SqlSource;
}

async function findRecord(context: DoctorContext, patient: Patient, log: HopLog): Promise<boolean> {
  return log.run("record", async (signal) => {
    const record = (patient.record = await context.getDatastore(patient.name, { signal }));
    const definition = await context.findDefinition(record.type);
    if (definition === undefined) {
      throw new AmlError(
        "config_invalid",
        `No adapter for datastores of type '${record.type}' is installed.`,
        {
          hint: "Install the adapter's package.",
        },
      );
    }
    patient.definition = definition;
    patient.options = definition.parseOptions(record.options);
    patient.endpoint = definition.endpoint?.(patient.options as never);
    const { kind } = record.credential;
    const how = kind === "anonymous" ? "without a credential" : `with a credential of kind ${kind}`;
    // Not its options: the address of a web store may hold a token.
    return ok(`'${record.name}' is registered, as ${record.type} and ${how}.`, { type: record.type, kind });
  });
}

async function findSecret({ secrets }: DoctorContext, patient: Patient, log: HopLog): Promise<boolean> {
  return log.run("secret", async (signal) => {
    const stored = (patient.record as DatastoreRecord).credential;
    const fields: Record<string, unknown> = { ...stored };
    const names: string[] = [];
    for (const field of SECRET_FIELDS[stored.kind]) {
      const reference = fields[field] as SecretRef | undefined;
      if (reference === undefined) continue;
      names.push(reference.secret);
      fields[field] = await secrets.get(reference.secret, { signal });
    }
    patient.credential = fields as unknown as Credential<Secret>;
    if (names.length === 0) return skipped(`A credential of kind ${stored.kind} keeps no secret here.`);
    return ok(`The secret ${names.map((name) => `'${name}'`).join(", ")} is there.`, { names });
  });
}

async function walkNetwork({ endpoint, definition }: Patient, log: HopLog): Promise<boolean> {
  if (endpoint === undefined) {
    const why = definition?.type === "local" ? HERE : "The adapter tells no address.";
    for (const hop of ["name", "tcp", "tls", "clock"] as const) await log.note(hop, skipped(why));
    return true;
  }
  let addresses: readonly string[] = [];
  const resolved = await log.run("name", async () => {
    const { finding, addresses: found } = await resolveName(endpoint);
    addresses = found;
    return finding;
  });
  if (!resolved) return false;
  let address = "";
  const connected = await log.run("tcp", async (signal) => {
    const { finding, address: found = "" } = await connectTcp(endpoint, addresses, signal);
    address = found;
    return finding;
  });
  if (!connected) return false;
  if (!(await log.run("tls", (signal) => shakeHands(endpoint, address, signal)))) return false;
  return log.run("clock", (signal) => compareClocks(endpoint, signal), true);
}

function openInput({ tokenProvider, fetch }: DoctorContext, { options, credential }: Patient): never {
  return { options, credential, tokenProvider, fetch } as never;
}

async function examine(context: DoctorContext, patient: Patient, log: HopLog): Promise<boolean> {
  const { definition, credential, endpoint } = patient;
  return log.run("credential", (signal) =>
    examineCredential(credential as Credential<Secret>, endpoint, async (): Promise<SignedIn | undefined> =>
      definition?.signIn?.(openInput(context, patient), { signal }),
    ),
  );
}

async function useStore(
  context: DoctorContext,
  patient: Patient,
  log: HopLog,
  options: DoctorOptions,
): Promise<boolean> {
  const first = (patient.definition as AnyAdapterDefinition).open(openInput(context, patient));
  patient.store = first;
  if (first.contract === "aml.sql/1") {
    if (!(await firstQuery(log, first))) return false;
    await log.skipRest("A database has no files.");
    return true;
  }
  if (patient.endpoint === undefined && first.type === "local") {
    await log.note("firewall", skipped(HERE));
    await log.note("sign_in", skipped(HERE));
    const look = async (signal: AbortSignal): Promise<Finding> => {
      await touch(first, signal);
      return ok("The store is there.");
    };
    if (!(await log.run("store", look))) return false;
  } else if (!(await firstRequest(log, (signal) => touch(first, signal), otherKey(context, patient)))) {
    return false;
  }
  // It may have been opened again with the other key.
  return probe(patient.store as StorageAdapter, patient.path, log, options);
}

async function probe(
  store: StorageAdapter,
  path: StorePath,
  log: HopLog,
  { write, signal: outer }: DoctorOptions,
): Promise<boolean> {
  if (!(await log.run("rights", (signal) => checkRights(store, path, signal)))) return false;
  const named = path === "" ? undefined : await statIfAllowed(store, path, outer);
  let file: FileStat | undefined = named?.kind === "file" ? named : undefined;
  const folder = file === undefined ? path : parentOf(path);
  const listing = async (signal: AbortSignal): Promise<Finding> => {
    const listed = await probeList(store, folder, signal);
    file ??= listed.file;
    return listed.finding;
  };
  // What may not be listed may still be read.
  await log.run("list", listing, true);
  await log.run("read", (signal) => probeRead(store, file, signal), true);
  if (write === true) return log.run("write", (signal) => probeWrite(store, folder, signal));
  await log.note("write", skipped("Not asked for: --write tries it."));
  return true;
}

/** The same request with the account's other key: a store goes on with it when the first is refused. */
function otherKey(
  context: DoctorContext,
  patient: Patient,
): ((signal: AbortSignal) => Promise<void>) | undefined {
  const { credential, definition } = patient;
  if (credential?.kind !== "account_key" || credential.secondaryKey === undefined) return undefined;
  const second = { kind: credential.kind, accountKey: credential.secondaryKey } as const;
  return async (signal) => {
    const store = (definition as AnyAdapterDefinition).open(
      openInput(context, { ...patient, credential: second }),
    );
    if (store.contract !== "aml.storage/1") return;
    await touch(store, signal);
    await patient.store?.close?.();
    patient.store = store;
  };
}

function parentOf(path: StorePath): StorePath {
  return parseStorePath(path.split("/").slice(0, -1).join("/"));
}

async function statIfAllowed(
  store: StorageAdapter,
  path: StorePath,
  signal: AbortSignal | undefined,
): Promise<FileStat | undefined> {
  try {
    return await store.stat(path, { signal });
  } catch (error) {
    if (isAmlError(error)) return undefined;
    throw error;
  }
}
