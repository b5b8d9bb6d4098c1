import {
  AmlError,
  type FileDataset,
  isAmlError,
  joinStorePath,
  type OperationOptions,
  type TabularDataset,
  type Workspace,
} from "@aml/core";

/** The one name that an MLTable file may have. */
export const MLTABLE = "MLTable";

/** Bytes; what is longer is no recipe. */
const LONGEST = 16 * 2 ** 20;

/** See `FolderWorkspace.loadMLTable`. */
export async function loadMLTable(
  workspace: Workspace,
  folder: string,
  options?: OperationOptions,
): Promise<TabularDataset | FileDataset> {
  const uri = folderUri(workspace.resolve(folder));
  const { text } = await readMLTableText(workspace, uri, options);
  const { parseMLTable, toPlan } = await import("@aml/mltable");
  const plan = toPlan(parseMLTable(text, { uri: `${uri}${MLTABLE}` }), uri);
  const tabular = plan.steps.some((step) => step.op.startsWith("read_"));
  return tabular ? workspace.tabular.fromPlan(plan) : workspace.filesFromPlan(plan);
}

/** @throws `not_found` when there is none, `parse_failed` when it is too long. */
export async function readMLTableText(
  workspace: Workspace,
  uri: string,
  options?: OperationOptions,
): Promise<{ readonly text: string; readonly etag: string | undefined }> {
  const { storage, path } = await workspace.locate(uri, options);
  try {
    const { body, stat } = await storage.read(joinStorePath(path, MLTABLE), options);
    return { text: await boundedText(body, uri), etag: stat?.etag };
  } catch (cause) {
    if (!isAmlError(cause, "not_found")) throw cause;
    throw new AmlError("not_found", `There is no file named MLTable in ${uri}`, {
      operation: "read",
      hint: "Give the folder that holds it; the name is exactly MLTable, without an extension.",
      context: { folder: uri },
      cause,
    });
  }
}

async function boundedText(body: ReadableStream<Uint8Array>, uri: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > LONGEST) {
      throw new AmlError("parse_failed", `The file MLTable in ${uri} is longer than ${LONGEST} characters`, {
        hint: "It is data rather than a recipe: give its folder or a file name that tells the format.",
        context: { folder: uri },
      });
    }
  }
  return text + decoder.decode();
}

/** A folder's URI ends in a slash. */
export function folderUri(uri: string): string {
  return uri.endsWith("/") ? uri : `${uri}/`;
}
