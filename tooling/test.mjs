// The whole test run behind `npm test`: every suite in Node, core in Chromium, the suites in Node, Bun and Deno.
// Ends with one plain line, `N passed, N failed, N skipped`; fails on any failure and when nothing ran.
// A few files that fail get a second try, by themselves when all else has ended: what fails there again has failed, and
// what passes there is listed as unsteady, with how it failed shown above.
//
// AML_RUNS is the share of the long random tests' runs, a twentieth by default, all of them (1) in CI. Below 1, sizes are smaller, a
// store's contract is run whole in Node for one way to sign in; else, and in Bun and Deno, one case of each verb.
// AML_APT=0 keeps this from installing Debian packages (a browser, MariaDB, foreign clients), which it does only as
// root where apt is. AML_PYPI=0 keeps it from making Python environments in .toolchain/ with packages of PyPI.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { makePythonVenv, pythonVenv, pythonVenvNames } from "./kit/python-venv.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Not only a part of what is alike, as in CI. */
const all = Number(process.env.AML_RUNS ?? 0) >= 1;
const scratch = mkdtempSync(join(tmpdir(), "aml-test-"));
// The tests of a machine do not depend on its user's settings, and leave nothing among them.
const home = join(root, ".toolchain", "test-home");
const homes = {
  XDG_CACHE_HOME: join(home, "cache"),
  XDG_CONFIG_HOME: join(home, "config"),
  XDG_DATA_HOME: join(home, "data"),
  XDG_STATE_HOME: join(home, "state"),
  // Hundreds of processes start from the same sources.
  NODE_COMPILE_CACHE: join(home, "compile-cache"),
};
const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const skips = [];
const unsteady = [];
/** More files than these fail for a reason. */
const SECOND_TRIES = 6;

function heading(text) {
  console.log(`\n━━ ${text}\n`);
}

/**
 * Runs one stage and adds its counts to the total. One that runs beside another is `quiet`: its output comes when it has
 * ended.
 */
async function stage(title, command, args, options) {
  add(title, await counted(title, command, args, options));
}

/** Runs a stage of vitest; `steady` gives files that failed a second try. */
async function vitestStage(title, args, options) {
  const first = await counted(title, "vitest", args, options);
  const broken = Object.keys(first.files ?? {}).filter((file) => first.files[file].failed);
  const outside = first.failed - broken.reduce((sum, file) => sum + first.files[file].failed, 0);
  const steady = async () => {
    if (!broken.length || broken.length > SECOND_TRIES || outside) return add(title, first);
    const again = `${title}, a second try of ${broken.join(", ")}`;
    const second = await counted(again, "vitest", [...args, ...broken], { ...options, quiet: false });
    // What has not run again stays as it was.
    for (const file of broken) if (second.files?.[file]) subtract(first, first.files[file]);
    const passing = broken.filter((file) => second.files?.[file]?.failed === 0);
    for (const file of passing)
      unsteady.push(...first.files[file].failures.map((name) => `${title}: ${name}`));
    add(title, first);
    add(title, second);
  };
  return { steady };
}

function add(title, counts) {
  for (const key of Object.keys(total)) total[key] += counts[key];
  failures.push(...counts.failures.map((name) => `${title}: ${name}`));
  skips.push(...counts.skips.map((name) => `${title}: ${name}`));
  unsteady.push(...(counts.unsteady ?? []).map((name) => `${title}: ${name}`));
}

function subtract(counts, part) {
  for (const key of Object.keys(total)) counts[key] -= part[key];
  counts.failures = counts.failures.filter((name) => !part.failures.includes(name));
  counts.skips = counts.skips.filter((name) => !part.skips.includes(name));
}

/** Runs a command that leaves its counts in the file that AML_COUNTS names. */
async function counted(title, command, args, { env = {}, quiet = false } = {}) {
  if (!quiet) heading(title);
  const file = join(scratch, `${title.slice(0, 40).replaceAll(/\W/g, "")}.json`);
  const started = performance.now();
  const { output, ending, failed } = await run(command, args, quiet, {
    ...process.env,
    ...homes,
    ...env,
    AML_COUNTS: file,
  });
  if (quiet) {
    heading(title);
    process.stdout.write(output);
  }
  console.log(`(${title}: ${((performance.now() - started) / 1000).toFixed(1)} s)`);
  const counts = readCounts(file);
  if (!counts) return failedBecause(`ended without a result (${ending})`);
  if (counts.passed + counts.failed === 0) return failedBecause("no test ran");
  if (failed && counts.failed === 0) {
    counts.failed++;
    counts.failures.push(`every test passed, yet it ended with ${ending}`);
  }
  return counts;
}

function failedBecause(why) {
  return { passed: 0, failed: 1, skipped: 0, failures: [why], skips: [] };
}

async function run(command, args, quiet, env) {
  const out = quiet ? "pipe" : "inherit";
  const shell = process.platform === "win32";
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", out, out], env, shell });
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => chunks.push(chunk));
  const ending = await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (status, signal) => resolve(signal ?? `exit code ${status}`));
  });
  return { output: Buffer.concat(chunks).toString(), ending, failed: ending !== "exit code 0" };
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // the stage died before it wrote any
  }
}

function list(title, marker, lines) {
  if (!lines.length) return;
  // a test's name may hold line breaks; each entry stays on one line
  console.log(
    `${title}:\n${lines.map((line) => `  ${marker} ${line.replaceAll(/\s*\n\s*/g, " ")}`).join("\n")}\n`,
  );
}

function skip(title, why) {
  heading(title);
  console.log(`skipped: ${why}`);
  total.skipped++;
  skips.push(`${title}: ${why}`);
}

function onPath(...names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // not here: the next folder
      }
    }
  }
  return undefined;
}

const browserNames = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const findBrowser = () => process.env.CHROMIUM ?? onPath(...browserNames);

const packages = "/usr/lib/python3/dist-packages";
const debianPython = [
  ["python3-azure-datalake-store", () => isThere(`${packages}/azure/datalake/store/core.py`)],
  ["python3-azure-storage", () => isThere(`${packages}/azure/storage/blob/__init__.py`)],
  ["python3-fsspec", () => isThere(`${packages}/fsspec/implementations/dbfs.py`)],
];

/** What the tests use of a machine's own: a Debian package, and how to tell that it is there. */
const debian = [
  ["chromium", () => findBrowser()],
  ["mariadb-server-core", () => onPath("mariadbd") ?? isThere("/usr/sbin/mariadbd")],
  ["mariadb-client-core", () => onPath("mariadb")],
  // The clients of PyPI are the same and newer; these take most of a minute to install.
  ...(all ? debianPython : []),
  ["rclone", () => onPath("rclone")],
  ["freetds-bin", () => onPath("tsql")],
  ["python3-venv", () => hasVenv() || undefined],
  ["default-jre-headless", () => onPath("java")],
];

function hasVenv() {
  return spawnSync("python3", ["-c", "import ensurepip, venv"]).status === 0;
}

function isThere(path) {
  return existsSync(path) ? path : undefined;
}

/** Installs what is missing where that is possible. Tests that lack something all the same are skipped by name. */
async function installFromDebian() {
  const missing = debian.filter(([, find]) => !find()).map(([name]) => name);
  if (!missing.length) return;
  heading("Debian packages");
  const why = !onPath("apt-get")
    ? "there is no apt here"
    : process.getuid?.() !== 0
      ? "only root may install them"
      : process.env.AML_APT === "0"
        ? "AML_APT=0 forbids it"
        : undefined;
  if (why) {
    console.log(`not installed, since ${why}: ${missing.join(" ")}; tests that need them are skipped`);
    return;
  }
  console.log(`installing ${missing.join(" ")} with apt-get (AML_APT=0 forbids this)`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) => run("apt-get", ["-qq", ...args], true, env);
  const install = () => apt("install", "-y", "--no-install-recommends", ...missing);
  let last = await install();
  // package lists may be absent or old
  if (last.failed && !(await apt("update")).failed) last = await install();
  if (last.failed) console.log(`apt-get failed: ${last.output.trim().split("\n").at(-1)}`);
}

/** Makes the Python environments of `tooling/python/`, all at once. Tests that lack one are skipped by name. */
async function installFromPyPI() {
  const missing = pythonVenvNames().filter((name) => !pythonVenv(name));
  if (!missing.length) return;
  heading("Python packages");
  if (process.env.AML_PYPI === "0") {
    console.log(`not installed, since AML_PYPI=0 forbids it: ${missing.join(" ")}`);
    return;
  }
  console.log(`installing ${missing.join(" ")} from PyPI into .toolchain/ (AML_PYPI=0 forbids this)`);
  const from = performance.now();
  const install = async (name) => {
    const lacks = await makePythonVenv(name);
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    console.log(lacks ? `${name} is not there, so its tests are skipped: ${lacks}` : `${name}: ${seconds} s`);
  };
  await Promise.all(missing.map(install));
}

const started = performance.now();
const cores = availableParallelism();
const fromDebian = installFromDebian();
const python = hasVenv() ? installFromPyPI() : fromDebian.then(installFromPyPI);
await fromDebian;
const browser = findBrowser();
const inChromium = "Chromium (core)";
const besides = async () => {
  let inBrowser;
  if (browser)
    inBrowser = await vitestStage(inChromium, ["run", "--project=browser*"], {
      env: { AML_BROWSER: "1", CHROMIUM: browser },
      quiet: true,
    });
  else skip(inChromium, "no chromium here (set CHROMIUM to a browser's path, or apt-get install chromium)");
  const runtimes = ["--conditions=@aml/source", join("tooling", "runtimes", "src", "main.ts")];
  const options = [`--workers=${Math.max(1, Math.round(cores / 3))}`];
  if (!all) options.push("--brief");
  await stage("Runtimes", process.execPath, [...runtimes, ...options], { quiet: true });
  return inBrowser;
};
const suites = async () => {
  await python;
  // Conformance suites run in Node too, with the other runtimes: no need to run them twice.
  const workers = Math.max(2, Math.ceil(cores / 2));
  return vitestStage("Node", ["run", "--project=node", "--project=alone", `--maxWorkers=${workers}`]);
};
// Servers and processes are waited for here and there; while one does, another works.
const tried = await Promise.all([suites(), besides()]);
for (const suite of tried) await suite?.steady();

rmSync(scratch, { recursive: true, force: true });
heading(`Result after ${Math.round((performance.now() - started) / 1000)} s`);
list("Failed", "✗", failures);
list("Unsteady (failed, then passed a second try)", "!", unsteady);
list("Skipped", "-", skips);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed || !total.passed ? 1 : 0;
