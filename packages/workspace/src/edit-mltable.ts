import { AmlError, joinStorePath, type OperationOptions, type Workspace } from "@aml/core";
import type { MLTable, MLTableEdit } from "@aml/mltable";
import { folderUri, MLTABLE, readMLTableText } from "./load-mltable.ts";

/** See `FolderWorkspace.editMLTable`. */
export async function editMLTable(
  workspace: Workspace,
  folder: string,
  change: (table: MLTable) => MLTableEdit,
  options?: OperationOptions,
): Promise<void> {
  const uri = folderUri(workspace.resolve(folder));
  const [{ text, etag }, edits, { storage, path }] = await Promise.all([
    readMLTableText(workspace, uri, options),
    import("@aml/mltable"),
    workspace.locate(uri, options),
  ]);
  const edited = edits.editMLTable(text, change(edits.parseMLTable(text, { uri: `${uri}${MLTABLE}` })));
  if (edited === text) return;
  if (storage.write === undefined) {
    throw new AmlError("unsupported", `${storage.uri} is read-only`, {
      operation: "write",
      hint: "Copy the MLTable file to a store that can be written.",
    });
  }
  const bytes = new TextEncoder().encode(edited);
  await storage.write(joinStorePath(path, MLTABLE), new Response(bytes).body as ReadableStream<Uint8Array>, {
    size: bytes.length,
    contentType: "text/yaml",
    signal: options?.signal,
    ifMatch: storage.capabilities.conditionalWrites ? etag : undefined,
  });
}
