// node tooling/bench/run.ts [--only NAME]… [--no-build] [--quick]
//
// Measures what users get: the packages are built first and imported from their `dist`. With
// `--conditions=@aml/source` before the script, the sources are measured as they are.
//
//   --only NAME   just this subject; may be repeated
//   --no-build    the packages are built already
//   --quick       a tenth of the data, three repetitions: for a look, not for a claim
//
// A full run writes bench/results.md. The exit code is 1 when a bar is missed or two sides differ.
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { factsOf, tableOf, type Line } from "./src/report.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    "no-build": { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
  },
});
const { only, quick } = values;

if (!values["no-build"] && !process.execArgv.some((arg) => arg.includes("@aml/source"))) build();
const { BENCHES, LONG_BENCHES } = await import("./src/benches.ts");
const all = { ...BENCHES, ...LONG_BENCHES };
const unknown = only.find((name) => !(name in all));
if (unknown !== undefined)
  throw new Error(`There is no ${unknown}; there are ${Object.keys(all).join(", ")}.`);

const repetitions = quick ? 3 : 5;
const facts = factsOf(repetitions);
const started = performance.now();
const lines: Line[] = [];
const failures: string[] = [];
const home = join(root, ".toolchain", "bench");
await mkdir(home, { recursive: true });
for (const [name, bench] of Object.entries(only.length > 0 ? all : BENCHES)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const folder = await mkdtemp(join(home, `${name}-`));
  const report = (line: Line): void => {
    lines.push(line);
    console.error(`${name}: ${line.what}: ${line.ours}, ${line.peer}, ${line.ratio} ${line.bar}`);
  };
  try {
    await bench({ folder, repetitions, scale: quick ? 0.1 : 1, report });
  } catch (error) {
    failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    console.error(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const table = tableOf(lines);
console.log(`${facts}\n\n${table}\n`);
const missed = lines.filter(({ met }) => met === false).length;
const seconds = Math.round((performance.now() - started) / 1000);
console.log(`${lines.length} measured in ${seconds} s, ${missed} missed, ${failures.length} failed`);
for (const failure of failures) console.log(`failed: ${failure}`);
if (!quick && only.length === 0 && failures.length === 0) {
  await mkdir(join(root, "bench"), { recursive: true });
  const text = `# Results\n\nWritten by \`npm run bench\`; what each line means is in [README.md](README.md).\n\n${facts}\n\n${table}\n`;
  await writeFile(join(root, "bench", "results.md"), text);
}
process.exitCode = missed > 0 || failures.length > 0 ? 1 : 0;

function build(): void {
  const args = ["run", "build", "--filter=@aml/bench^...", "--filter=@aml/cli", "--output-logs=errors-only"];
  const { status } = spawnSync("turbo", args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error("The packages could not be built.");
}
