import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { output } from "./commands.ts";
import type { Tarball } from "./tarball.ts";

export interface LoneInstall {
  /** How many packages npm put there, this one included. */
  readonly packages: number;
  /** Bytes of node_modules. */
  readonly bytes: number;
  readonly problems: readonly string[];
}

/** Installs one tarball as a user would, with npm in an empty folder, and imports each of its entries. */
export async function installAlone(
  name: string,
  tarballs: ReadonlyMap<string, Tarball>,
  folders: { readonly work: string; readonly cache: string },
): Promise<LoneInstall> {
  const home = join(folders.work, name.replace("/", "+"));
  await mkdir(home);
  // The packages of this repository come from their tarballs: no registry has them yet.
  const own = closure(name, tarballs);
  const dependencies = Object.fromEntries([...own].map((one) => [one, `file:${tarballs.get(one)?.file}`]));
  await writeFile(
    join(home, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies }),
  );
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--logs-max=0"];
  await output("npm", ["install", ...quiet, "--prefer-offline", `--cache=${folders.cache}`], home);
  const listed = (await output("npm", ["ls", "--all", "--parseable"], home)).trim().split("\n").slice(1);
  const problems: string[] = [];
  const cores = listed.filter((path) => path.endsWith(join("node_modules", "@aml", "core")));
  // The emulator knows nothing of ours.
  if (cores.length !== (own.has("@aml/core") ? 1 : 0))
    problems.push(`${cores.length} copies of @aml/core are installed`);
  if (name === "@aml/core" && listed.length !== 1) problems.push(`pulls in ${listed.length - 1} packages`);
  const manifest = tarballs.get(name)?.manifest;
  for (const command of Object.keys(manifest?.bin ?? {})) {
    const version = await output(join(home, "node_modules", ".bin", command), ["--version"], home);
    if (version.trim() !== manifest?.version) problems.push(`${command} --version prints ${version.trim()}`);
  }
  if (!manifest?.bin) problems.push(...(await importEntries(home, name, manifest?.exports ?? {})));
  return { packages: listed.length, bytes: await bytesBelow(join(home, "node_modules")), problems };
}

/** The package and every package of this repository that it needs. */
function closure(
  name: string,
  tarballs: ReadonlyMap<string, Tarball>,
  seen = new Set<string>(),
): Set<string> {
  const manifest = tarballs.get(name)?.manifest;
  if (!manifest || seen.has(name)) return seen;
  seen.add(name);
  const needs = { ...manifest.dependencies, ...manifest.peerDependencies };
  for (const need of Object.keys(needs)) closure(need, tarballs, seen);
  return seen;
}

async function importEntries(home: string, name: string, exports: object): Promise<readonly string[]> {
  const entries = Object.keys(exports)
    .filter((entry) => entry !== "./package.json")
    .map((entry) => name + entry.slice(1));
  const script = `for (const entry of ${JSON.stringify(entries)}) {
    if (!Object.keys(await import(entry)).length) console.log(entry + " exports nothing");
  }`;
  const said = await output(process.execPath, ["--input-type=module", "--eval", script], home);
  return said.split("\n").filter(Boolean);
}

async function bytesBelow(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return sum;
}
