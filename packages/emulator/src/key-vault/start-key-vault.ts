import type { LocalCertificate } from "../certificate.ts";
import { serve, type RunningServer } from "../serve.ts";
import { createKeyVault, type KeyVaultOptions } from "./create-key-vault.ts";

export interface StartKeyVaultOptions extends KeyVaultOptions {
  /** A free one unless given. */
  readonly port?: number | undefined;
  readonly certificate?: LocalCertificate | undefined;
}

/** Starts a key vault on https, at `https://localhost:PORT`. */
export async function startKeyVault(options: StartKeyVaultOptions): Promise<RunningServer> {
  const { port, certificate } = options;
  return serve(await createKeyVault(options), { port, https: certificate ?? true });
}
