import { AmlError } from "@aml/core";
import { access, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { DEFAULT_DATASTORES } from "./default-datastores.ts";
import { CONFIG_FILE, DEFAULT_CONFIG, type WorkspaceConfig } from "./workspace-config.ts";

/**
 * Makes a folder a workspace: writes `aml.config.json` and the folder `.aml` (which git ignores). What is there
 * already is kept.
 *
 * @returns the folder, absolute.
 * @throws `already_exists` when the folder has an `aml.config.json`; `permission_denied`, `resource_exhausted`,
 * `path_invalid` when it cannot be written.
 */
export async function initWorkspace(folder: string): Promise<string> {
  const root = resolve(folder);
  try {
    await makeFolders(root);
    await prepareFolders(root, DEFAULT_CONFIG);
    // Last, and only where there was none: whoever finds the file finds the rest.
    await writeFile(join(root, CONFIG_FILE), `${configText()}\n`, { flag: "wx" });
  } catch (cause) {
    throw writeError(cause, root);
  }
  return root;
}

/**
 * As `mkdir -p`, which Node never comes back from where a parent is there and takes no folders, as below `/proc`.
 */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path || (await exists(parent))) throw error;
    await makeFolders(parent);
    await mkdir(path);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Makes the folders that a workspace keeps its own things in. */
async function prepareFolders(root: string, config: WorkspaceConfig): Promise<void> {
  for (const name of DEFAULT_DATASTORES) await mkdir(join(root, config.data, name), { recursive: true });
  const own = join(root, dirname(config.registry));
  try {
    await writeFile(
      join(own, ".gitignore"),
      "# Registry, secrets, cache and data stay on this machine.\n*\n",
      {
        flag: "wx",
      },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function configText(): string {
  const { adapters, registry, secrets } = DEFAULT_CONFIG;
  return JSON.stringify(
    { adapters: adapters.map((entry) => entry.package), registry, secrets },
    undefined,
    2,
  );
}

/** A path of the configuration, absolute. */
export function inFolder(root: string, path: string): string {
  return isAbsolute(path) ? path : join(root, path);
}

function writeError(cause: unknown, root: string): unknown {
  switch ((cause as NodeJS.ErrnoException).code) {
    case "EEXIST":
    case "ENOTDIR": {
      const there = (cause as NodeJS.ErrnoException).path === join(root, CONFIG_FILE);
      const what = there ? "is a workspace already" : "cannot be a folder: a file is in its place";
      return new AmlError("already_exists", `${root} ${what}.`, {
        hint: there ? "Use it as it is, or choose another folder." : "Choose another folder.",
        context: { path: root },
        cause,
      });
    }
    case "ENOENT":
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new AmlError("permission_denied", `${root} cannot be written.`, {
        hint: "Choose a folder that you may write, or change its rights.",
        context: { path: root },
        cause,
      });
    case "ENOSPC":
    case "EDQUOT":
      return new AmlError("resource_exhausted", `The disk of ${root} is full.`, {
        hint: "Free some space and run it again.",
        context: { path: root },
        cause,
      });
    default:
      return cause;
  }
}
