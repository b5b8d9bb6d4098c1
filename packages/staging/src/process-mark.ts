import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import process from "node:process";

/** Of another host only the age of what it left can be seen. */
const FOREIGN_MS = 7 * 24 * 3_600_000;

/** What names of files and folders that go with this process say of it: `HOST~PID`. */
export function processMark(): string {
  return `${hostname()}~${process.pid}`;
}

/** Whether the process that a name with this mark is of may still run. One that was killed leaves its files behind. */
export async function mayRun(mark: string, path: string): Promise<boolean> {
  const [host, pid] = mark.split("~");
  if (host === hostname()) return isAlive(Number(pid));
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < FOREIGN_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
