import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CONFIG_FILE } from "./workspace-config.ts";

/** The nearest folder, from `folder` upwards, that holds an `aml.config.json`; `undefined` when none does. */
export async function findWorkspace(folder: string): Promise<string | undefined> {
  let here = resolve(folder);
  for (;;) {
    if (await isFile(join(here, CONFIG_FILE))) return here;
    const parent = dirname(here);
    if (parent === here) return undefined;
    here = parent;
  }
}

/** False for a missing path; any other failure is thrown. */
async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}
