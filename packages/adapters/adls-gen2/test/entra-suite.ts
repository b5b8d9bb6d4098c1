import { storageConformance, type Fixture, type Runner } from "@aml/adapter-testkit";
import { Secret } from "@aml/core/adapter";
import { startEntra, type Entra } from "@aml/emulator";
import { runtimeCertificate, type RuntimeCertificate } from "@aml/kit/runtime-certificate";
import { newFilesystem, openStore, startServer, type Server } from "./gen2.ts";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const SECRET = "client-secret-5f0c2b";

/**
 * Declares the conformance cases for a service principal, where a token server on https can be trusted from the start
 * of the process: in the runtime matrix.
 */
export function entraSuite(runner: Runner): void {
  const certificate = runtimeCertificate();
  if (certificate === undefined) return;
  let running: ReturnType<typeof start> | undefined;
  storageConformance({
    name: "azure_data_lake_gen2 with a service principal, over https",
    runner,
    lacks: ["sortedList"],
    async open(): Promise<Fixture> {
      running ??= start(certificate);
      const { entra, server } = await running;
      const credential = {
        kind: "service_principal",
        tenantId: entra.tenantId,
        clientId: CLIENT,
        authorityUrl: entra.authorityUrl,
        clientSecret: new Secret(SECRET),
      } as const;
      const { name } = await newFilesystem(server);
      return { storage: openStore(server, name, credential), secrets: [SECRET] };
    },
  });
}

async function start(certificate: RuntimeCertificate): Promise<{ entra: Entra; server: Server }> {
  const entra = await startEntra({ apps: [{ clientId: CLIENT, secrets: [SECRET] }], certificate });
  const server = await startServer({ https: certificate, verifyToken: entra.verifyToken });
  return { entra, server };
}
