import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entrySizes } from "./bundle-size.ts";
import { mapLimited } from "./commands.ts";
import { installAlone } from "./lone-install.ts";
import { checkShape } from "./shape.ts";
import { packAndCheck, type Tarball } from "./tarball.ts";
import { workspacePackages, type WorkspacePackage } from "./workspace-packages.ts";

/** Fewer published packages than this means that the check looks in the wrong place. */
const MINIMUM = 10;
/** Cores: npm and node keep one each busy. */
const AT_ONCE = 2;

/** Checks every published package as its users meet it; needs the packages to be built. */
export async function checkPackages(root: string): Promise<readonly string[]> {
  const packages = workspacePackages(root).filter(
    ({ kind, manifest }) => kind === "package" && !manifest.private,
  );
  const problems: string[] = [];
  if (packages.length < MINIMUM)
    problems.push(`saw ${packages.length} packages, there are at least ${MINIMUM}`);
  const work = await mkdtemp(join(tmpdir(), "aml-packages-"));
  const report = (name: string, found: readonly string[]): void => {
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  };
  /** One package that cannot be packed or installed does not keep the others from being checked. */
  const reporting = async <T>(one: WorkspacePackage, step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (error) {
      report(one.manifest.name, [error instanceof Error ? error.message : String(error)]);
      return undefined;
    }
  };
  try {
    const tarballs = new Map<string, Tarball>();
    await mapLimited(packages, AT_ONCE, async (one) => {
      report(one.manifest.name, checkShape(root, one));
      const tarball = await reporting(one, () => packAndCheck(root, one, work));
      if (tarball) tarballs.set(one.manifest.name, tarball);
      report(one.manifest.name, tarball?.problems ?? []);
    });
    const rows = await mapLimited(packages, AT_ONCE, async (one) => {
      const { name, version } = one.manifest;
      const sizes = (await reporting(one, () => entrySizes(root, one))) ?? [];
      for (const { entry, bytes, budget } of sizes) {
        if (bytes > budget) report(entry, [`${bytes} bytes min+gzip, and its budget is ${budget}`]);
      }
      const folders = { work, cache: join(root, ".toolchain", "npm-cache") };
      const alone = await reporting(one, () => installAlone(name, tarballs, folders));
      report(name, alone?.problems ?? []);
      const rest = [alone?.packages, alone && megabytes(alone.bytes)].map((cell) => String(cell ?? "–"));
      const [main, ...others] = sizes.map(({ entry, bytes, budget }) => [
        entry,
        version,
        kilobytes(bytes),
        kilobytes(budget),
      ]);
      return [[...(main ?? [name, version, "–", "–"]), ...rest], ...others];
    });
    print([["entry", "version", "min+gzip", "budget", "packages installed", "install size"], ...rows.flat()]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return problems.toSorted();
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

function megabytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1_000_000)} MB`;
}

function print(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[0] ?? 0),
    );
    console.log(cells.join("  "));
  }
}
