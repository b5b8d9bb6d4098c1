import { AmlError, Secret } from "@aml/core";
import type { SecretStore } from "@aml/core";

export interface EnvSecretsOptions {
  /** The variables, e.g. `process.env`. Looked up at each call. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: `AML_SECRET_`. */
  readonly prefix?: string | undefined;
}

/**
 * Reads secrets from environment variables; it cannot write.
 *
 * The variable is the prefix and the name in capitals, where every character other than a letter or digit becomes
 * `_`: `datastores/lake/account_key` is `AML_SECRET_DATASTORES_LAKE_ACCOUNT_KEY`. An empty variable counts as unset.
 * Names that differ in just those characters or in case share a variable.
 *
 * @throws `not_found` from `get`, with the variable's name as a hint.
 */
export function envSecrets({ env, prefix = "AML_SECRET_" }: EnvSecretsOptions): SecretStore {
  return {
    async get(name, options) {
      options?.signal?.throwIfAborted();
      const variable = prefix + name.toUpperCase().replace(/[^A-Z0-9]/gu, "_");
      const value = env[variable];
      if (typeof value === "string" && value !== "") return new Secret(value);
      throw new AmlError("not_found", `There is no secret "${name}" in the environment.`, {
        hint: `Set the environment variable ${variable}.`,
        context: { secret: name, variable },
      });
    },
  };
}
