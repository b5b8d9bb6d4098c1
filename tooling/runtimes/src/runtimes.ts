import { spawnSync } from "node:child_process";
import process from "node:process";

export interface Runtime {
  readonly name: "node" | "bun" | "deno";
  readonly title: string;
  readonly command: string;
  /** Absent where the runtime is not installed. */
  readonly version: string | undefined;
  /** Runs one TypeScript or JavaScript file on the sources. */
  readonly args: readonly string[];
}

const SOURCE = "--conditions=@aml/source";
/** No type check (typecheck does that), no fetching of modules, node_modules as pnpm left them. */
const DENO = ["run", "--no-check", "--no-remote", "--node-modules-dir=manual", "--allow-all"];

/** The runtimes of the matrix, in the order of its columns. */
export function findRuntimes(): readonly Runtime[] {
  return [
    {
      name: "node",
      title: "Node",
      command: process.execPath,
      version: process.versions.node,
      args: [SOURCE],
    },
    { name: "bun", title: "Bun", command: "bun", version: versionOf("bun"), args: ["--bun", SOURCE] },
    { name: "deno", title: "Deno", command: "deno", version: versionOf("deno"), args: [...DENO, SOURCE] },
  ];
}

function versionOf(command: string): string | undefined {
  const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return status === 0 ? /\d+\.\d+\.\d+/.exec(stdout)?.[0] : undefined;
}
