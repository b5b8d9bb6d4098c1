import { storageConformance, type Fixture, type Need, type Runner } from "@aml/adapter-testkit";
import {
  client,
  CLIENT_SECRET,
  openStore,
  sharedWorkspace,
  smallPages,
  token,
  TOKEN,
  volumePath,
  type DbfsCredential,
} from "./workspace.ts";

/** Declares the conformance cases on the emulator: DBFS and a volume, each with a token and as a client. */
export function suite(runner: Runner): void {
  const inDbfs: readonly Need[] = ["etags", "atomicWrites", "properties", "md5", "copy", "resume"];
  const inVolume: readonly Need[] = ["etags", "sortedList", "properties", "md5", "copy", "resume"];
  storageConformance({ name: "dbfs with an access token", runner, open: inFolder(token), lacks: inDbfs });
  storageConformance({ name: "dbfs as a client", runner, open: inFolder(client), lacks: inDbfs });
  storageConformance({
    name: "dbfs, a volume with an access token",
    runner,
    open: inNewVolume(token),
    lacks: inVolume,
  });
  storageConformance({
    name: "dbfs, a volume as a client",
    runner,
    open: inNewVolume(client),
    lacks: inVolume,
  });
}

const SECRETS = [TOKEN, CLIENT_SECRET];

function inFolder(credential: DbfsCredential): () => Promise<Fixture> {
  return async () => ({ storage: openStore(await sharedWorkspace(), credential), secrets: SECRETS });
}

function inNewVolume(credential: DbfsCredential): () => Promise<Fixture> {
  return async () => ({
    storage: openStore(await sharedWorkspace(), credential, { path: volumePath(), fetch: smallPages }),
    secrets: SECRETS,
    pageSize: 7,
  });
}
