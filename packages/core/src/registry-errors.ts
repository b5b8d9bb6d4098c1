import { AmlError } from "./aml-error.ts";

/** For a registry: the name is taken and `overwrite` was not asked for. */
export function datastoreExists(name: string): AmlError {
  return new AmlError("already_exists", `There is a datastore "${name}" already.`, {
    hint: "Use another name, or `overwrite` to replace it in place.",
    context: { datastore: name },
  });
}

/** For a registry: no such datastore. */
export function datastoreNotFound(name: string): AmlError {
  return new AmlError("not_found", `There is no datastore "${name}".`, {
    hint: "List the datastores to see their names.",
    context: { datastore: name },
  });
}

/** For a registry: no such dataset, or, where `latest` is given, no such version of it. */
export function datasetNotFound(name: string, version?: number, latest?: number): AmlError {
  return latest === undefined
    ? new AmlError("not_found", `There is no dataset "${name}".`, {
        hint: "List the datasets to see their names.",
        context: { dataset: name },
      })
    : new AmlError("not_found", `The dataset "${name}" has no version ${version}.`, {
        hint: latest === 1 ? "Its only version is 1." : `Its versions are 1 to ${latest}.`,
        context: { dataset: name, version },
      });
}
