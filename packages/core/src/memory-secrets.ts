import { AmlError } from "./aml-error.ts";
import type { Secret, SecretStore } from "./secret.ts";

/** A secret store that lives as long as the program. */
export function memorySecrets(initial: Readonly<Record<string, Secret>> = {}): SecretStore {
  const secrets = new Map(Object.entries(initial));
  return {
    async get(name: string): Promise<Secret> {
      const secret = secrets.get(name);
      if (secret !== undefined) return secret;
      throw new AmlError("not_found", `There is no secret '${name}'.`, { hint: "Set it before using it." });
    },
    async set(name: string, value: Secret): Promise<void> {
      secrets.set(name, value);
    },
    async delete(name: string): Promise<void> {
      secrets.delete(name);
    },
  };
}
