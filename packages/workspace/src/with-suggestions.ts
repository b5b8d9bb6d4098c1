import { AmlError, isAmlError, type Registry } from "@aml/core";
import { nearestName } from "./nearest-name.ts";

/** Adds the nearest existing name to the hint of a datastore or dataset that is not there. */
export function withSuggestions(registry: Registry): Registry {
  return {
    ...registry,
    getDatastore: (name, options) =>
      suggesting(name, registry.getDatastore(name, options), () => registry.listDatastores(options)),
    getDataset: (name, version, options) =>
      suggesting(name, registry.getDataset(name, version, options), () => registry.listDatasets(options)),
  };
}

async function suggesting<T>(
  wanted: string,
  call: Promise<T>,
  list: () => AsyncIterable<{ readonly name: string }>,
): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!isAmlError(error, "not_found")) throw error;
    const names = new Set<string>();
    for await (const { name } of list()) names.add(name);
    const near = names.has(wanted) ? undefined : nearestName(wanted, names);
    if (near === undefined) throw error;
    const { message, operation, context, cause } = error;
    throw new AmlError("not_found", message, {
      operation,
      hint: `Did you mean '${near}'?`,
      context,
      cause,
    });
  }
}
