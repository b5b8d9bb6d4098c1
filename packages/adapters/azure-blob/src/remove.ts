import { isAmlError, type DeleteOptions, type StorePath } from "@aml/core/adapter";
import type { Container } from "./container.ts";
import { isFolderMarker } from "./stat.ts";

const CONCURRENCY = 16;

/** Deletes a blob with its snapshots, and with `recursive` all that is below it. What is not there is deleted. */
export async function remove(
  container: Container,
  path: StorePath,
  { recursive = false, signal }: DeleteOptions = {},
): Promise<void> {
  if (recursive) await removeBelow(container, path, signal);
  if (path !== "") await removeBlob(container, path, signal);
}

async function removeBelow(
  container: Container,
  folder: StorePath,
  signal: AbortSignal | undefined,
): Promise<void> {
  // A directory of a hierarchical namespace must be empty before it goes, so those wait, the deepest first.
  const directories: string[] = [];
  const client = await container.client();
  const pages = client
    .listBlobsFlat({
      ...(folder !== "" && { prefix: `${folder}/` }),
      includeMetadata: true,
      ...(signal && { abortSignal: signal }),
    })
    .byPage({ maxPageSize: 5000 });
  for (;;) {
    const page = await container.attempt("delete", folder, signal, () => pages.next());
    if (page.done) break;
    const files: string[] = [];
    for (const { name, properties, metadata } of page.value.segment.blobItems) {
      (isFolderMarker(metadata, properties.contentLength ?? 0) ? directories : files).push(name);
    }
    await inParallel(files, (name) => removeBlob(container, name, signal));
  }
  for (const name of directories.toSorted().toReversed()) await removeBlob(container, name, signal);
}

async function removeBlob(
  container: Container,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await container.attempt("delete", name, signal, async () => {
      const client = await container.client();
      await client.getBlobClient(name).delete({
        deleteSnapshots: "include",
        ...(signal && { abortSignal: signal }),
      });
    });
  } catch (error) {
    const missing = isAmlError(error, "not_found") && error.context["serviceCode"] !== "ContainerNotFound";
    if (!missing) throw error;
  }
}

async function inParallel(names: readonly string[], run: (name: string) => Promise<void>): Promise<void> {
  const queue = names.values();
  const worker = async (): Promise<void> => {
    for (const name of queue) await run(name);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, names.length) }, worker));
}
