import { AmlError, isAmlError } from "@aml/core";
import type { SecretStore } from "@aml/core";

/**
 * Makes one store of several.
 *
 * `get` asks them in order and gives the first value found; only `not_found` moves on to the next. `set` and `delete`
 * go to the first store that has the verb, and are absent when none has. A value in an earlier read-only store hides
 * what is set here.
 *
 * @throws `not_found` from `get` when no store has the secret; any other error of a store as it is.
 */
export function firstOf(...stores: readonly SecretStore[]): SecretStore {
  const setter = stores.find((store) => store.set);
  const deleter = stores.find((store) => store.delete);
  return {
    async get(name, options) {
      const hints: string[] = [];
      for (const store of stores) {
        try {
          return await store.get(name, options);
        } catch (error) {
          if (!isAmlError(error, "not_found")) throw error;
          if (error.hint !== undefined) hints.push(error.hint);
        }
      }
      throw new AmlError("not_found", `There is no secret "${name}".`, {
        hint: hints.length ? hints.join(" Or: ") : undefined,
        context: { secret: name },
      });
    },
    ...(setter && { set: async (name, value, options) => setter.set?.(name, value, options) }),
    ...(deleter && { delete: async (name, options) => deleter.delete?.(name, options) }),
  };
}
