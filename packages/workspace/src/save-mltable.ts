import {
  AmlError,
  type FileDataset,
  isAmlError,
  joinStorePath,
  type LocatedPath,
  type OperationOptions,
  type PathSpec,
  type Plan,
  type Step,
  type TabularDataset,
  type Workspace,
} from "@aml/core";
import { posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { folderUri, MLTABLE } from "./load-mltable.ts";

export interface SaveMLTableOptions extends OperationOptions {
  /** Replaces an `MLTable` file, and with `colocated` the data files, that are there. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Copies the data files beside the `MLTable` file, so that the folder can be moved. Default false. */
  readonly colocated?: boolean | undefined;
}

/** See `FolderWorkspace.saveMLTable`. */
export async function saveMLTable(
  workspace: Workspace,
  dataset: TabularDataset | FileDataset,
  folder: string,
  options: SaveMLTableOptions = {},
): Promise<void> {
  const uri = folderUri(workspace.resolve(folder));
  const target = await workspace.locate(uri, options);
  if (options.overwrite !== true) await refuseExisting(target, uri, options);
  const text = await format(
    options.colocated === true ? withoutFileSteps(dataset.plan) : withRelativePaths(dataset.plan, uri),
    uri,
  );
  void text;
}

async function refuseExisting({ storage, path }: LocatedPath, uri: string, options: OperationOptions): Promise<void> {
  try {
    await storage.stat(joinStorePath(path, MLTABLE), options);
  } catch (error) {
    if (isAmlError(error, "not_found")) return;
    throw error;
  }
  throw new AmlError("already_exists", `There is an MLTable file in ${uri} already.`, {
    hint: "Choose another folder, or pass overwrite.",
    context: { folder: uri },
  });
}
