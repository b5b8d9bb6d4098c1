// node tooling/check/src/main.ts [STAGE…] — everything in CI except the tests; `npm run check`.
// Runs all stages, or those named, even after one has failed; a table of them at the end.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { checkBoundaries } from "./boundaries.ts";
import { checkExamples } from "./examples.ts";
import { checkHygiene } from "./hygiene.ts";
import { LAYERS } from "./layers.ts";
import { checkPackages } from "./packages.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/[\\/]$/, "");
/** The tree has more modules than this; fewer means that the check of boundaries has gone blind. */
const MODULES = 150;

type Problems = readonly string[];
type Stage = () => Problems | Promise<Problems>;

function command(name: string, ...args: readonly string[]): Stage {
  return () => {
    const { status, signal, error } = spawnSync(name, args, {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      shell: process.platform === "win32",
    });
    if (status === 0) return [];
    return [`${name} ended with ${error?.message ?? signal ?? `exit code ${status}`}`];
  };
}

function boundaries(): Problems {
  const { modules, imports, violations } = checkBoundaries(root, LAYERS, MODULES);
  console.log(`${imports} imports in ${modules} modules`);
  return violations;
}

const turbo = ["--log-prefix=none", "--log-order=grouped", "--output-logs=errors-only"];
const build = command("turbo", "run", "build", "--continue", ...turbo);
const stages: Readonly<Record<string, Stage>> = {
  format: command("oxfmt", "--check"),
  lint: command("oxlint", "--type-aware"),
  hygiene: () => checkHygiene(root),
  sherif: command("sherif"),
  knip: command("knip", "--no-progress", "--no-config-hints"),
  boundaries,
  types: command("turbo", "run", "typecheck", "--continue", ...turbo),
  examples: () => checkExamples(root),
  packages: async () => [...(await build()), ...(await checkPackages(root))],
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !stages[name]);
if (unknown) throw new Error(`no stage ${unknown}; there are ${Object.keys(stages).join(", ")}`);

const results: { name: string; problems: Problems; seconds: number }[] = [];
for (const [name, stage] of Object.entries(stages)) {
  if (wanted.length && !wanted.includes(name)) continue;
  console.log(`\n━━ ${name}\n`);
  const started = performance.now();
  const problems = await attempt(stage);
  for (const problem of problems) console.log(`✗ ${problem}`);
  results.push({ name, problems, seconds: (performance.now() - started) / 1000 });
}

console.log("\n━━ Checks\n");
for (const { name, problems, seconds } of results) {
  console.log(`${problems.length ? "✗" : "✓"} ${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s`);
}
process.exitCode = results.some(({ problems }) => problems.length) ? 1 : 0;

async function attempt(stage: Stage): Promise<Problems> {
  try {
    return await stage();
  } catch (error) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  }
}
