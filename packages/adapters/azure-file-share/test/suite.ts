import { storageConformance, type Fixture, type Runner } from "@aml/adapter-testkit";
import { AccountSASPermissions, generateAccountSASQueryParameters } from "@azure/storage-file-share";
import {
  newShare,
  openStore,
  sasCredential,
  sharedFiles,
  shareSas,
  signatureOf,
  startFiles,
} from "./files-server.ts";
import { gaps, lacks, withoutSignature } from "./gaps.ts";
import { entraSuite } from "../../../azure-auth/test/entra-suite.ts";

/** Declares the conformance cases on the emulator: account key, account SAS, share SAS. */
export function suite(runner: Runner): void {
  const common = { runner, lacks, gaps };
  storageConformance({ name: "azure_file with an account key", open: withKey, ...common });
  storageConformance({ name: "azure_file with an account SAS", open: withAccountSas, ...common });
  storageConformance({ name: "azure_file with a share SAS", open: withShareSas, ...common });
  entraSuite(runner, {
    name: "azure_file",
    lacks,
    gaps: { ...gaps, ...withoutSignature },
    start: ({ verifyToken }, certificate) => startFiles({ pageSize: 10, verifyToken }, certificate),
    open: async (server, credential) => openStore(server, (await newShare(server)).name, credential),
  });
}

async function withKey(): Promise<Fixture> {
  const server = await sharedFiles();
  const share = await newShare(server);
  return { storage: openStore(server, share.name), secrets: [server.files.accountKey] };
}

async function withAccountSas(): Promise<Fixture> {
  const server = await sharedFiles();
  const share = await newShare(server);
  const token = generateAccountSASQueryParameters(
    {
      services: "f",
      resourceTypes: "co",
      permissions: AccountSASPermissions.parse("rwdlc"),
      expiresOn: new Date(Date.now() + 3_600_000),
    },
    server.key,
  ).toString();
  return {
    storage: openStore(server, share.name, sasCredential(`?${token}`)),
    secrets: [signatureOf(token)],
  };
}

/** Through `fetch`, as tests and proxies do. */
async function withShareSas(): Promise<Fixture> {
  const server = await sharedFiles();
  const { name } = await newShare(server);
  const token = shareSas(server, name);
  return {
    storage: openStore(server, name, sasCredential(token), { fetch }),
    secrets: [signatureOf(token)],
  };
}
