import { AmlError, type StorageAdapter, type StorePath } from "@aml/core";
import { createLayer } from "@aml/core/layers";
import { memoryStorage, type MemoryStorageOptions } from "@aml/core/memory";
import { withService } from "./model-service.ts";

/**
 * The contract's model with all that a store may have: a memory store in which, like on a disk, a file and a directory
 * cannot share a name, and which copies by itself and keeps what has arrived of a write. (An empty directory does not stay, which the contract leaves open.)
 */
export function modelStorage(options: MemoryStorageOptions = {}): StorageAdapter {
  const inner = memoryStorage(options);
  const kindOf = async (path: StorePath): Promise<"file" | "directory" | undefined> => {
    for await (const { path: found, kind } of inner.list(parentOf(path), { prefix: nameOf(path) })) {
      if (found === path) return kind;
    }
    return path === "" ? "directory" : undefined;
  };
  const layer = createLayer(inner, {
    async write(path, body, writeOptions) {
      const blocked = await obstacle(path, kindOf);
      if (blocked === undefined)
        return (inner.write as NonNullable<typeof inner.write>)(path, body, writeOptions);
      await body.cancel(blocked);
      throw blocked;
    },
    async delete(path, deleteOptions) {
      if (deleteOptions?.recursive !== true && (await kindOf(path)) === "directory") {
        throw new AmlError("precondition_failed", `${JSON.stringify(path)} is a folder that is not empty.`);
      }
      await inner.delete?.(path, deleteOptions);
    },
  });
  return withService({ ...layer, capabilities: { ...layer.capabilities, directories: true } });
}

async function obstacle(
  path: StorePath,
  kindOf: (path: StorePath) => Promise<"file" | "directory" | undefined>,
): Promise<AmlError | undefined> {
  if (path === "") return undefined;
  const blocked = async (where: StorePath, kind: "file" | "directory"): Promise<boolean> =>
    (await kindOf(where)) === kind;
  for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
    if (await blocked(parent, "file"))
      return new AmlError("already_exists", `${JSON.stringify(parent)} is a file.`);
  }
  return (await blocked(path, "directory"))
    ? new AmlError("already_exists", `${JSON.stringify(path)} is a folder.`)
    : undefined;
}

function parentOf(path: StorePath): StorePath {
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as StorePath;
}

function nameOf(path: StorePath): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
