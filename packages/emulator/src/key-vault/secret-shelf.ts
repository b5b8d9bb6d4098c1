import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EmulatorError } from "../emulator-error.ts";
import type { SecretRecord } from "./secret-record.ts";

/** Where the secrets of a vault are kept. Names are the same in any case, as the service has it. */
export interface SecretShelf {
  get(name: string): SecretRecord | undefined;
  list(): readonly SecretRecord[];
  put(record: SecretRecord): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Opens the secrets in a folder's `secrets.json`, which only its owner may read; without a folder, in memory. */
export async function openSecretShelf(folder: string | undefined): Promise<SecretShelf> {
  const file = folder === undefined ? undefined : join(folder, "secrets.json");
  const records = new Map((await load(file)).map((record) => [record.name.toLowerCase(), record]));
  let saving: Promise<void> = Promise.resolve();
  const save = (): Promise<void> => {
    if (file === undefined) return saving;
    saving = saving.then(() => write(file, [...records.values()]));
    return saving;
  };
  return {
    get: (name) => records.get(name.toLowerCase()),
    list: () => [...records.values()],
    put(record) {
      records.set(record.name.toLowerCase(), record);
      return save();
    },
    remove(name) {
      records.delete(name.toLowerCase());
      return save();
    },
  };
}

async function load(file: string | undefined): Promise<readonly SecretRecord[]> {
  if (file === undefined) return [];
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    return (JSON.parse(text) as { secrets: SecretRecord[] }).secrets;
  } catch (cause) {
    throw new EmulatorError(`${file} is not a file of the Key Vault emulator.`, { cause });
  }
}

async function write(file: string, secrets: readonly SecretRecord[]): Promise<void> {
  await mkdir(join(file, ".."), { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify({ secrets }), { mode: 0o600 });
  await rename(draft, file);
}
