import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VaultKey } from "@aml/vault";

export const KEY_FILE: VaultKey = { kind: "file" };

/** Gives a test the path of a vault, and the folder for it, which is removed afterwards. */
export async function inFolder(use: (file: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "aml-vault-"));
  try {
    await use(join(folder, "vault"), folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
