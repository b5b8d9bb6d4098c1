import type { Registry, SecretStore } from "@aml/core";
import { memoryRegistry } from "@aml/core/memory";
import process from "node:process";
import { initWorkspace, inFolder } from "./init-workspace.ts";
import { lazyRegistry } from "./lazy-registry.ts";
import { openSecrets, type SecretsOptions } from "./open-secrets.ts";
import type { WorkspaceConfig } from "./workspace-config.ts";

/** What a workspace remembers. */
export interface WorkspaceState {
  readonly registry: Registry;
  readonly secrets: SecretStore;
  initialized(): boolean;
}

/**
 * The registry and secrets of a workspace folder, opened when first needed. Secrets are looked for in the environment
 * (`AML_SECRET_…`), then in the vault or key vault, which also takes new ones.
 *
 * @param written - whether the folder has its `aml.config.json`; else the first write makes it, and until then there
 * is nothing to read.
 */
export function openState(
  folder: string,
  config: WorkspaceConfig,
  written: boolean,
  secretsOptions: SecretsOptions = {},
): WorkspaceState {
  let initialized = written;
  const init = once(async () => {
    if (!initialized) await initWorkspace(folder);
    initialized = true;
  });
  const empty = memoryRegistry();
  const registry = once(async () => {
    await init();
    const { openSqliteRegistry } = await import("@aml/registry-sql");
    return openSqliteRegistry({ file: inFolder(folder, config.registry) });
  });
  const vault = once(async () => {
    await init();
    return openSecrets(folder, config.secrets, secretsOptions);
  });
  return {
    registry: lazyRegistry(
      async (intent) => (initialized || intent === "write" ? registry() : empty),
      async () => (await registry.started)?.close?.(),
    ),
    secrets: {
      async get(name, options) {
        if (initialized) return (await vault()).get(name, options);
        const { envSecrets } = await import("@aml/vault");
        return envSecrets({ env: process.env }).get(name, options);
      },
      set: async (name, value, options) => (await vault()).set?.(name, value, options),
      delete: async (name, options) => {
        if (initialized) await (await vault()).delete?.(name, options);
      },
    },
    initialized: () => initialized,
  };
}

interface Once<T> {
  (): Promise<T>;
  readonly started: Promise<T> | undefined;
}

/** Runs a task at the first call and keeps its result; a failure is not kept. */
function once<T>(task: () => Promise<T>): Once<T> {
  let running: Promise<T> | undefined;
  const call = (): Promise<T> => {
    if (running === undefined) {
      running = task();
      running.catch(() => (running = undefined));
    }
    return running;
  };
  return Object.defineProperty(call, "started", { get: () => running }) as Once<T>;
}
