import { storageConformance, type Fixture, type Runner } from "@aml/adapter-testkit";
import {
  accountSas,
  filesystemSas,
  newFilesystem,
  openStore,
  sasCredential,
  sharedServer,
  startServer,
  signatureOf,
  withPages,
} from "./gen2.ts";
import { entraSuite } from "../../../azure-auth/test/entra-suite.ts";

// The service's order is that of a tree.
const lacks = ["sortedList"] as const;

/** Declares the conformance cases on the emulator: account key, account SAS, file system SAS. */
export function suite(runner: Runner): void {
  storageConformance({ name: "azure_data_lake_gen2 with an account key", runner, open: withKey, lacks });
  storageConformance({
    name: "azure_data_lake_gen2 with an account SAS",
    runner,
    open: withAccountSas,
    lacks,
  });
  storageConformance({
    name: "azure_data_lake_gen2 with a SAS of the file system",
    runner,
    open: withFilesystemSas,
    lacks,
  });
  entraSuite(runner, {
    name: "azure_data_lake_gen2",
    lacks,
    start: ({ verifyToken }, https) => startServer({ https, verifyToken }),
    open: async (server, credential) => openStore(server, (await newFilesystem(server)).name, credential),
  });
}

async function withKey(): Promise<Fixture> {
  const server = await sharedServer();
  const { name } = await newFilesystem(server);
  return { storage: openStore(server, name), secrets: [server.accountKey] };
}

async function withAccountSas(): Promise<Fixture> {
  const server = await sharedServer();
  const { name } = await newFilesystem(server);
  const token = accountSas(server);
  return { storage: openStore(server, name, sasCredential(`?${token}`)), secrets: [signatureOf(token)] };
}

/** Through a `fetch` that makes pages small, so that cases meet more than one. */
async function withFilesystemSas(): Promise<Fixture> {
  const server = await sharedServer();
  const { name } = await newFilesystem(server);
  const token = filesystemSas(server, name);
  const smallPages: typeof fetch = (url, init) => fetch(withPages(url, 10), init);
  return {
    storage: openStore(server, name, sasCredential(token), { fetch: smallPages }),
    secrets: [signatureOf(token)],
    pageSize: 10,
  };
}
