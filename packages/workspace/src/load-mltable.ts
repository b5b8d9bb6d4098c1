import { AmlError, type FileDataset, isAmlError, joinStorePath, type OperationOptions, type TabularDataset, type Workspace } from "@aml/core";

/** The one name that an MLTable file may have. */
export const MLTABLE = "MLTable";

/** Bytes; a longer file is not an MLTable. */
const LONGEST = 64 * 2 ** 20;

/** See `FolderWorkspace.loadMLTable`. */
export async function loadMLTable(
  workspace: Workspace,
  folder: string,
  options?: OperationOptions,
): Promise<TabularDataset | FileDataset> {
  const { text, uri } = await readMLTable(workspace, folder, options);
  const { parseMLTable, toPlan } = await import("@aml/mltable");
  const plan = toPlan(parseMLTable(text, { path: `${uri}${MLTABLE}` }), uri);
  const tabular = plan.steps.some((step) => step.op.startsWith("read_"));
  return tabular ? workspace.tabular.fromPlan(plan) : workspace.filesFromPlan(plan);
}

/** The text of a folder's `MLTable` file, and the folder's URI with a slash at its end. */
export async function readMLTable(
  workspace: Workspace,
  folder: string,
  options?: OperationOptions,
): Promise<{ readonly text: string; readonly uri: string }> {
  const uri = folderUri(workspace.resolve(folder));
  const { storage, path } = await workspace.locate(uri, options);
  try {
    const { body } = await storage.read(joinStorePath(path, MLTABLE), {
      ...options,
      range: { offset: 0, length: LONGEST },
    });
    return { text: await new Response(body).text(), uri };
  } catch (cause) {
    if (!isAmlError(cause, "not_found")) throw cause;
    throw new AmlError("not_found", `There is no file named MLTable in ${uri}.`, {
      operation: "read",
      hint: "Give the folder that holds it; its name is exactly MLTable, without an extension.",
      context: { folder: uri },
      cause,
    });
  }
}

/** A folder's URI ends in a slash. */
export function folderUri(uri: string): string {
  return uri.endsWith("/") ? uri : `${uri}/`;
}
