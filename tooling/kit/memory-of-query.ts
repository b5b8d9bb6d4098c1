import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

/** Why no process can be asked for its peak here. */
export const lacksPeaks: string | undefined =
  process.platform === "linux" ? undefined : "needs Linux, whose processes tell their peak";

export interface QueryProgram {
  /** The package that runs it: what it imports is found from there. */
  readonly cwd: string;
  /** Of a module: makes `sql`, a source. */
  readonly open: string;
  readonly text: string;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/**
 * Reads a query to its end in a process of its own.
 *
 * @returns how many rows it gave, and by how many MiB the peak of resident memory grew over that of a query of one row.
 */
export async function memoryOfQuery({
  cwd,
  open,
  text,
  env,
}: QueryProgram): Promise<{ readonly rows: number; readonly grownMiB: number }> {
  const program = `
    import { readFileSync } from "node:fs";
    ${open}
    const peakMiB = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
    const read = async (text) => {
      let rows = 0;
      for await (const batch of (await sql.query({ text })).batches) rows += batch.length;
      return rows;
    };
    await read("SELECT 1 AS n");
    const before = peakMiB();
    const rows = await read(${JSON.stringify(text)});
    console.log(JSON.stringify({ rows, grownMiB: peakMiB() - before }));
    await sql.close();
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@aml/source", "--input-type=module", "--eval", program],
    { cwd, env: { ...process.env, NODE_OPTIONS: "", ...env } },
  );
  return JSON.parse(stdout) as { rows: number; grownMiB: number };
}
