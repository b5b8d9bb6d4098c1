import { execFile } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** The output of a command that has to succeed; its error says what the command said. */
export async function output(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const done = await exec(command, [...args], { cwd, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
    return done.stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    const said = `${stderr ?? ""}${stdout ?? ""}`.trim() || String(error);
    throw new Error(`${command} ${args.slice(0, 2).join(" ")} failed: ${said}`, { cause: error });
  }
}

/** Maps with at most `limit` at a time, in order. */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}
