import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs a script of `test/python` on a folder, and reads the JSON of its last line. */
export async function runPython<T>(python: string, script: string, folder: string): Promise<T> {
  const path = join(import.meta.dirname, "python", script);
  // -B: no compiled files beside the sources.
  const { stdout } = await run(python, ["-B", path, folder], {
    maxBuffer: 2 ** 26,
    env: { ...process.env, PYSPARK_PYTHON: python, TMPDIR: folder },
  });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  return (line === "" ? undefined : JSON.parse(line)) as T;
}

/** What a script read: types by column, and rows with numbers as text. */
export interface ReadBack {
  readonly types: Readonly<Record<string, string>>;
  readonly rows: readonly (readonly unknown[])[];
}
