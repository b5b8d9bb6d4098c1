import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUDGETS, bundleSize, DEFAULT_BUDGET } from "./bundle-size.ts";
import { mapLimited } from "./commands.ts";
import { installAlone } from "./lone-install.ts";
import { checkShape } from "./shape.ts";
import { packAndCheck } from "./tarball.ts";
import { workspacePackages } from "./workspace-packages.ts";

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
  try {
    const packed = await mapLimited(packages, AT_ONCE, async (one) => {
      const tarball = await packAndCheck(root, one, work);
      report(one.manifest.name, [...checkShape(root, one), ...tarball.problems]);
      return [one.manifest.name, tarball] as const;
    });
    const tarballs = new Map(packed);
    const rows = await mapLimited(packages, AT_ONCE, async (one) => {
      const { name, version } = one.manifest;
      const size = await bundleSize(root, one);
      const budget = BUDGETS[name] ?? DEFAULT_BUDGET;
      if (size > budget) report(name, [`${size} bytes min+gzip, and its budget is ${budget}`]);
      try {
        const folders = { work, cache: join(root, ".toolchain", "npm-cache") };
        const alone = await installAlone(name, tarballs, folders);
        report(name, alone.problems);
        return [
          name,
          version,
          kilobytes(size),
          kilobytes(budget),
          String(alone.packages),
          megabytes(alone.bytes),
        ];
      } catch (error) {
        report(name, [error instanceof Error ? error.message : String(error)]);
        return [name, version, kilobytes(size), kilobytes(budget), "–", "–"];
      }
    });
    print([["package", "version", "min+gzip", "budget", "packages installed", "install size"], ...rows]);
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
