// The whole test run behind `npm test`: every suite in Node, core in Chromium, the suites in Node, Bun and Deno.
// Ends with one plain line, `N passed, N failed, N skipped`; fails on any failure and when nothing ran.
//
// AML_APT=0 keeps this from installing Debian's chromium, which it does only as root where apt is.
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), "aml-test-"));
// The tests of a machine do not depend on its user's settings, and leave nothing among them.
const home = join(root, ".toolchain", "test-home");
const homes = {
  XDG_CACHE_HOME: join(home, "cache"),
  XDG_CONFIG_HOME: join(home, "config"),
  XDG_DATA_HOME: join(home, "data"),
  XDG_STATE_HOME: join(home, "state"),
};
const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const skips = [];

function heading(text) {
  console.log(`\n━━ ${text}\n`);
}

/** Runs one stage, which leaves its counts in the file that AML_COUNTS names. */
function stage(title, command, args, env = {}) {
  heading(title);
  const file = join(scratch, "counts.json");
  rmSync(file, { force: true });
  const started = performance.now();
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...homes, ...env, AML_COUNTS: file },
    shell: process.platform === "win32",
  });
  const ending = error?.message ?? signal ?? `exit code ${status}`;
  const counts = readCounts(file);
  if (!counts) fail(title, `ended without a result (${ending})`);
  else {
    for (const key of Object.keys(total)) total[key] += counts[key];
    failures.push(...counts.failures.map((name) => `${title}: ${name}`));
    skips.push(...counts.skips.map((name) => `${title}: ${name}`));
    if (counts.passed + counts.failed === 0) fail(title, "no test ran");
    else if (status !== 0 && counts.failed === 0)
      fail(title, `every test passed, yet it ended with ${ending}`);
  }
  console.log(`(${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // the stage died before it wrote any
  }
}

function fail(title, why) {
  total.failed++;
  failures.push(`${title}: ${why}`);
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

/** A Chromium on this machine, from apt where that is possible; or the reason why there is none. */
function findChromium() {
  const found = process.env.CHROMIUM ?? onPath(...browserNames);
  if (found) return { found };
  const lacking = "no chromium here (set CHROMIUM to a browser's path)";
  if (!onPath("apt-get")) return { lacking: `${lacking}, and no apt to install it with` };
  if (process.getuid?.() !== 0)
    return { lacking: `${lacking}, and only root may install it: apt-get install chromium` };
  if (process.env.AML_APT === "0") return { lacking: `${lacking}, and AML_APT=0 forbids installing it` };
  console.log("installing Debian's chromium with apt-get (AML_APT=0 forbids this)");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) => spawnSync("apt-get", ["-qq", ...args], { env, encoding: "utf8" });
  const install = ["install", "-y", "--no-install-recommends", "chromium"];
  let last = apt(...install);
  // package lists may be absent or old
  if (last.status !== 0 && apt("update").status === 0) last = apt(...install);
  const installed = onPath(...browserNames);
  if (installed) return { found: installed };
  return {
    lacking: `${lacking}, and apt-get could not install it: ${last.stderr?.trim().split("\n").at(-1)}`,
  };
}

const started = performance.now();
stage("Node", "vitest", ["run", "--project=node", "--maxWorkers=2"]);

const browser = findChromium();
const inChromium = "Chromium (core)";
if (browser.found) {
  const env = { AML_BROWSER: "1", CHROMIUM: browser.found };
  stage(inChromium, "vitest", ["run", "--project=browser*"], env);
} else skip(inChromium, browser.lacking);

stage("Runtimes", process.execPath, [
  "--conditions=@aml/source",
  join("tooling", "runtimes", "src", "main.ts"),
]);

rmSync(scratch, { recursive: true, force: true });
heading(`Result after ${Math.round((performance.now() - started) / 1000)} s`);
list("Failed", "✗", failures);
list("Skipped", "-", skips);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed || !total.passed ? 1 : 0;
