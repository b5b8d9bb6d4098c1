import { storageConformance, type Fixture, type Runner } from "@aml/adapter-testkit";
import { startAzurite } from "@aml/emulator";
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
  SASProtocol,
} from "@azure/storage-blob";
import {
  containerSas,
  newContainer,
  openStore,
  sasCredential,
  serviceOf,
  sharedAzurite,
  withPages,
  signatureOf,
  type Service,
} from "./azurite.ts";
import { entraSuite } from "../../../azure-auth/test/entra-suite.ts";

// A folder is there while a blob is below it.
const lacks = ["directories"] as const;

/** Declares the conformance cases on Azurite: account key, account SAS, container SAS, anonymous. */
export function suite(runner: Runner): void {
  storageConformance({ name: "azure_blob with an account key", runner, open: withKey, lacks });
  storageConformance({ name: "azure_blob with an account SAS", runner, open: withAccountSas, lacks });
  storageConformance({ name: "azure_blob with a container SAS", runner, open: withContainerSas, lacks });
  storageConformance({
    name: "azure_blob, a public container",
    runner,
    open: anonymous,
    lacks: ["write", "delete", "conditionalWrites", "directories", "secrets", "copy", "resume"],
  });
  entraSuite(runner, {
    name: "azure_blob",
    lacks,
    start: async (_entra, https) => serviceOf(await startAzurite({ https, oauth: true })),
    open: async (server, credential) =>
      openStore(server, (await newContainer(server)).containerName, credential),
  });
}

async function service(): Promise<Service> {
  return serviceOf(await sharedAzurite());
}

async function withKey(): Promise<Fixture> {
  const azure = await service();
  const container = await newContainer(azure);
  return { storage: openStore(azure, container.containerName), secrets: [azure.azurite.accountKey] };
}

async function withAccountSas(): Promise<Fixture> {
  const azure = await service();
  const container = await newContainer(azure);
  const token = generateAccountSASQueryParameters(
    {
      services: AccountSASServices.parse("b").toString(),
      resourceTypes: AccountSASResourceTypes.parse("co").toString(),
      permissions: AccountSASPermissions.parse("rwdlac"),
      expiresOn: new Date(Date.now() + 3_600_000),
      protocol: SASProtocol.HttpsAndHttp,
    },
    azure.key,
  ).toString();
  return {
    storage: openStore(azure, container.containerName, sasCredential(`?${token}`)),
    secrets: [signatureOf(token)],
  };
}

/** Through a `fetch` that makes pages small, so that cases meet more than one. */
async function withContainerSas(): Promise<Fixture> {
  const azure = await service();
  const { containerName } = await newContainer(azure);
  const token = containerSas(azure, containerName);
  const smallPages: typeof fetch = (url, init) => fetch(withPages(url, 10), init);
  return {
    storage: openStore(azure, containerName, sasCredential(token), { fetch: smallPages }),
    secrets: [signatureOf(token)],
    pageSize: 10,
  };
}

async function anonymous(): Promise<Fixture> {
  const azure = await service();
  const container = await newContainer(azure, "container");
  const {
    write: _write,
    delete: _delete,
    copyFrom: _copyFrom,
    keptBytes: _keptBytes,
    ...storage
  } = openStore(azure, container.containerName, {
    kind: "anonymous",
  });
  const capabilities = { ...storage.capabilities, conditionalWrites: false, atomicWrites: true };
  return {
    storage: { ...storage, capabilities },
    seed: async (files) => {
      for (const [path, bytes] of Object.entries(files)) {
        await container.getBlockBlobClient(path).upload(bytes, bytes.byteLength);
      }
    },
  };
}
