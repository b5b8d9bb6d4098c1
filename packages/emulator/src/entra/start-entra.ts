import type { LocalCertificate } from "../certificate.ts";
import { serve } from "../serve.ts";
import type { Service } from "../service.ts";
import { createEntra, type EntraDirectory } from "./create-entra.ts";
import type { EntraApp, EntraOptions } from "./entra-app.ts";
import { IDENTITY_HEADER } from "./managed-identity.ts";

export interface StartEntraOptions extends EntraOptions {
  /** Free ones unless given. */
  readonly port?: number | undefined;
  readonly managedPort?: number | undefined;
  readonly certificate?: LocalCertificate | undefined;
  /** Comes between the sockets and the services, e.g. `withFaults`. */
  readonly wrap?: ((service: Service) => Service) | undefined;
}

export interface Entra extends EntraDirectory, AsyncDisposable {
  /** `https://localhost:PORT` */
  readonly authorityUrl: string;
  readonly certificatePem: string;
  /** `http://127.0.0.1:PORT`: for AZURE_POD_IDENTITY_AUTHORITY_HOST. */
  readonly imdsUrl: string;
  /** For IDENTITY_ENDPOINT and IDENTITY_HEADER. */
  readonly appService: { readonly endpoint: string; readonly header: string };
  close(): Promise<void>;
}

/**
 * Starts an authority with Microsoft Entra ID's paths, errors and token claims on https, and the managed identity
 * endpoints of a virtual machine and of App Service on http.
 *
 * @param options - or only the app registrations.
 */
export async function startEntra(options: StartEntraOptions | readonly EntraApp[] = {}): Promise<Entra> {
  const given: StartEntraOptions = "length" in options ? { apps: options } : options;
  const entra = await createEntra(given);
  const wrap = given.wrap ?? ((service: Service): Service => service);
  const login = await serve(wrap(entra.login), { port: given.port, https: given.certificate ?? true });
  try {
    const managed = await serve(wrap(entra.managed), { port: given.managedPort });
    const close = async (): Promise<void> => {
      await Promise.all([login.close(), managed.close()]);
    };
    return Object.assign(entra, {
      authorityUrl: login.url,
      certificatePem: login.certificatePem as string,
      imdsUrl: managed.url,
      appService: { endpoint: `${managed.url}/msi/token`, header: IDENTITY_HEADER },
      close,
      [Symbol.asyncDispose]: close,
    });
  } catch (error) {
    await login.close();
    throw error;
  }
}
