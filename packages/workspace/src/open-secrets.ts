import { AmlError, type SecretStore, type TokenProvider } from "@aml/core";
import process from "node:process";
import type { ImportPackage } from "./adapter-finder.ts";
import { inFolder } from "./init-workspace.ts";
import { loadPackage } from "./load-package.ts";
import type { WorkspaceConfig } from "./workspace-config.ts";

export interface SecretsOptions {
  readonly importPackage?: ImportPackage | undefined;
  readonly tokenProvider?: TokenProvider | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** A key vault is not asked. */
  readonly offline?: boolean | undefined;
}

/** As `@aml/key-vault` exports it. */
type OpenKeyVault = (
  options: { readonly vaultUrl: string } & Omit<SecretsOptions, "importPackage" | "offline">,
) => SecretStore;

/**
 * The secrets of a workspace: the environment, then an encrypted file or a key vault.
 *
 * @throws `config_invalid` when there is a key vault and `@aml/key-vault` is not installed.
 */
export async function openSecrets(
  folder: string,
  config: WorkspaceConfig["secrets"],
  options: SecretsOptions,
): Promise<SecretStore> {
  const { envSecrets, firstOf, openVault } = await import("@aml/vault");
  const environment = envSecrets({ env: process.env });
  if (config.keyVault !== undefined && options.offline === true) return environment;
  if (config.keyVault !== undefined)
    return firstOf(environment, await openKeyVault(folder, config.keyVault, options));
  const { file, key, keyFile } = config;
  return firstOf(
    environment,
    openVault({
      file: inFolder(folder, file),
      key: key === "keychain" ? { kind: key } : { kind: key, keyFile: inFolder(folder, keyFile) },
    }),
  );
}

async function openKeyVault(
  folder: string,
  vaultUrl: string,
  { importPackage, tokenProvider, fetch }: SecretsOptions,
): Promise<SecretStore> {
  const name = "@aml/key-vault";
  const { keyVault } = await (importPackage?.(name) ?? loadPackage(name, folder));
  if (typeof keyVault === "function") return (keyVault as OpenKeyVault)({ vaultUrl, tokenProvider, fetch });
  throw new AmlError("config_invalid", `The package ${name} exports no key vault.`, {
    hint: `Install it again: npm install ${name}`,
    context: { package: name },
  });
}
