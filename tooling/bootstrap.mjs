#!/usr/bin/env node
// Runs one command of this repository on a machine that has only Node (18 or newer) and npm.
//
//   node tooling/bootstrap.mjs [options] <command> [args…]
//
//   --with=bun, --with=deno   fetch that runtime too and put it on PATH
//   --script=FILE             the command is `node FILE args…` on the sources, in the folder of the caller
//
// 1. A Node new enough for the tools: the running one, or the pinned one from npm.
// 2. The pnpm of package.json#packageManager: the one on PATH if it is that version, or from npm.
// 3. `pnpm install --frozen-lockfile` (a few milliseconds when nothing has changed).
// 4. The command, with node_modules/.bin and the tools above first on PATH.
//
// Everything fetched stays in .toolchain/ and node_modules/ of this folder. No dependencies, no build step.
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, ".toolchain");
const win = process.platform === "win32";
const { packageManager, engines, toolchain } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const pnpmVersion = /^pnpm@([^+]+)/.exec(packageManager)[1];
const floor = /(\d+)\.(\d+)/.exec(engines.node).slice(1).map(Number);

const say = (text) => process.stderr.write(`[setup] ${text}\n`);
const fail = (text) => {
  say(text);
  process.exit(1);
};
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** Installs one exact npm package under .toolchain/ and gives back its node_modules, or null. */
function fetchTool(name, version) {
  const home = join(tools, `${name.replace("/", "+")}-${version}`);
  if (existsSync(home)) return join(home, "node_modules");
  say(`fetching ${name} ${version} from npm into .toolchain/`);
  // Built aside and renamed: a run that was cut short or a second one beside it leaves no half a tool.
  for (const entry of readdirSync(tools)) {
    const [, owner] = /^.+-\d[\d.]*\.pid(\d+)$/.exec(entry) ?? [];
    if (owner && !lives(Number(owner))) rmSync(join(tools, entry), { recursive: true, force: true });
  }
  const draft = `${home}.pid${process.pid}`;
  mkdirSync(draft, { recursive: true });
  // npm asks for install scripts to be allowed by name: pnpm and bun put their own binary in place
  const manifest = { private: true, allowScripts: { [name]: true } };
  writeFileSync(join(draft, "package.json"), JSON.stringify(manifest));
  const cache = join(draft, ".npm");
  const quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--no-update-notifier"];
  // cwd is the draft, so that npm does not look at the repository's package.json
  const { status, stderr } = spawnSync(
    "npm",
    ["install", ...quiet, "--loglevel=error", "--logs-max=0", `--cache=${cache}`, `${name}@${version}`],
    { cwd: draft, stdio: ["ignore", "ignore", "pipe"], shell: win, encoding: "utf8" },
  );
  rmSync(cache, { recursive: true, force: true });
  if (status === 0) {
    try {
      renameSync(draft, home);
    } catch (error) {
      if (!existsSync(home)) throw error;
    }
  } else process.stderr.write(stderr ?? "");
  rmSync(draft, { recursive: true, force: true });
  return status === 0 ? join(home, "node_modules") : null;
}

function nodeDir() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > floor[0] || (major === floor[0] && minor >= floor[1])) return dirname(process.execPath);
  const platform = win ? "win" : process.platform;
  const arm = process.platform === "darwin" && process.arch === "arm64";
  const name = `${arm ? "node-bin" : "node"}-${platform}-${process.arch}`;
  const modules = fetchTool(name, toolchain.node);
  if (modules) return join(modules, name, "bin");
  return fail(`this needs Node ${floor.join(".")} or newer, and you run ${process.version}: install Node 24`);
}

function pnpmDir(path) {
  // No network for corepack: its stand-in for pnpm would fetch one into the home directory.
  const env = { ...process.env, PATH: path, pnpm_config_pm_on_fail: "ignore", COREPACK_ENABLE_NETWORK: "0" };
  const found = spawnSync("pnpm", ["--version"], { cwd: tools, encoding: "utf8", shell: win, env });
  if (found.status === 0 && found.stdout.trim() === pnpmVersion) return "";
  const modules = fetchTool("pnpm", pnpmVersion);
  return modules ? join(modules, ".bin") : fail(`pnpm ${pnpmVersion} could not be fetched from npm`);
}

function extraDir(name) {
  if (!toolchain[name]) fail(`package.json#toolchain names no ${name}`);
  const modules = fetchTool(name, toolchain[name]);
  return modules ? join(modules, ".bin") : fail(`${name} ${toolchain[name]} could not be fetched from npm`);
}

/** Runs `work` while no other bootstrap in this clone does; a lock whose owner is gone is taken over. */
function alone(work) {
  const lock = join(tools, "install.lock");
  for (let waited = false; ; sleep(100)) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (!ownerLives(lock)) rmSync(lock, { force: true });
      else if (!waited) say("waiting for another run to finish installing");
      waited = true;
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function ownerLives(lock) {
  try {
    const pid = Number(readFileSync(lock, "utf8"));
    if (pid) return lives(pid);
    // Empty: being written this very moment, or left so by a process that died in that moment.
    return Date.now() - statSync(lock).mtimeMs < 5000;
  } catch (error) {
    if (error.code === "ENOENT") return false; // given back just now
    throw error;
  }
}

function lives(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM"; // somebody else's
  }
}

/** pnpm keeps its store, cache and state in the clone; an existing node_modules keeps the store it came from. */
function install(env) {
  const note = join(root, "node_modules", ".modules.yaml");
  const fresh = !existsSync(note);
  const linked = fresh ? undefined : /"?storeDir"?: "?([^"\n]+)/.exec(readFileSync(note, "utf8"))?.[1];
  if (fresh) say("installing dependencies");
  const folders = [
    `--store-dir=${linked ?? join(tools, "store")}`,
    `--config.cacheDir=${join(tools, "pnpm-cache")}`,
    `--config.stateDir=${join(tools, "pnpm-state")}`,
  ];
  // The lockfile's age policy was checked when it was written; checking it again here asks the registry
  // about each of its packages, which takes longer than all the rest of the setup.
  const args = ["install", "--frozen-lockfile", "--trust-lockfile", "--reporter=append-only", ...folders];
  const done = spawnSync("pnpm", args, {
    cwd: root,
    env,
    shell: win,
    encoding: "utf8",
  });
  if (done.status === 0) return;
  rmSync(join(tools, "install.lock"), { force: true });
  fail(`${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}`);
}

/** Runs the command to its end and ends the way it did. */
function runCommand([command, ...args], options) {
  const child = spawn(command, args, { stdio: "inherit", ...options });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends Ctrl-C to the child as well; any other sender means only us.
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on("error", (error) => fail(error.message));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

const options = { with: [] };
let command = process.argv.slice(2);
// What stands behind --script is the script's own.
for (; !options.script && command[0]?.startsWith("--"); command = command.slice(1)) {
  const [, key, value] = /^--(with|script)=(.+)$/.exec(command[0]) ?? fail(`unknown option ${command[0]}`);
  if (key === "with") options.with.push(value);
  else options[key] = value;
}
const started = Date.now();
mkdirSync(tools, { recursive: true });
const path = process.env.PATH ?? "";
const node = nodeDir();
const dirs = [node, pnpmDir([node, path].join(delimiter)), ...options.with.map(extraDir)];
const env = {
  ...process.env,
  PATH: [join(root, "node_modules", ".bin"), ...dirs, path].filter(Boolean).join(delimiter),
  DO_NOT_TRACK: "1",
  TURBO_TELEMETRY_DISABLED: "1",
  // What these would keep in the home directory stays in the clone.
  PNPM_HOME: join(tools, "pnpm-home"),
  DENO_DIR: join(tools, "deno-cache"),
  BUN_INSTALL_CACHE_DIR: join(tools, "bun-cache"),
  BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
};
alone(() => install(env));
const seconds = Math.round((Date.now() - started) / 1000);
if (seconds > 2) say(`ready after ${seconds} s`);
if (options.script) {
  const script = ["--conditions=@aml/source", join(root, options.script), ...command];
  const cwd = process.env.INIT_CWD ?? process.cwd();
  runCommand([join(node, win ? "node.exe" : "node"), ...script], { cwd, env });
} else if (command.length) runCommand(command, { cwd: root, env, shell: win });
