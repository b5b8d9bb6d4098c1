import { storageConformance, type Runner, type StorageConformanceOptions } from "@aml/adapter-testkit";
import { Secret, type Credential, type StorageAdapter } from "@aml/core/adapter";
import { startEntra, type Entra } from "@aml/emulator";
import { runtimeCertificate, type RuntimeCertificate } from "@aml/kit/runtime-certificate";

const CLIENT = "f997392c-e15a-4ad8-af9e-cd6966caba7f";
const SECRET = "client-secret-5f0c2b";

/** A credential of the application that the token server knows. */
export type EntraCredential = Extract<Credential<Secret>, { readonly kind: "service_principal" }>;

export interface EntraSuiteOptions<Server> extends Pick<
  StorageConformanceOptions,
  "name" | "lacks" | "gaps"
> {
  /** A store on https that takes the tokens of this server. */
  start(entra: Entra, certificate: RuntimeCertificate): Promise<Server>;
  /** An empty place of the store. */
  open(server: Server, credential: EntraCredential): Promise<StorageAdapter>;
}

/**
 * Declares the conformance cases for a service principal, where a token server on https can be trusted from the start
 * of the process: in the runtime matrix.
 */
export function entraSuite<Server>(
  runner: Runner,
  { name, start, open, ...cases }: EntraSuiteOptions<Server>,
): void {
  const certificate = runtimeCertificate();
  if (certificate === undefined) return;
  const begin = async (): Promise<{ readonly entra: Entra; readonly server: Server }> => {
    const entra = await startEntra({ apps: [{ clientId: CLIENT, secrets: [SECRET] }], certificate });
    return { entra, server: await start(entra, certificate) };
  };
  let running: ReturnType<typeof begin> | undefined;
  storageConformance({
    ...cases,
    name: `${name} with a service principal, over https`,
    runner,
    async open() {
      running ??= begin();
      const { entra, server } = await running;
      const credential: EntraCredential = {
        kind: "service_principal",
        tenantId: entra.tenantId,
        clientId: CLIENT,
        authorityUrl: entra.authorityUrl,
        clientSecret: new Secret(SECRET),
      };
      return { storage: await open(server, credential), secrets: [SECRET] };
    },
  });
}
