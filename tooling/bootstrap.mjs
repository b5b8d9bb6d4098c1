#!/usr/bin/env node
// Runs one command of this repository on a machine that has only Node (18 or newer) and npm.
//
//   node tooling/bootstrap.mjs [--with=bun] [--with=deno] [--env=NAME=VALUE] <command> [args…]
//
// 1. A Node new enough for the tools: the running one, or the pinned one from npm.
// 2. The pnpm of package.json#packageManager: the one on PATH if it is that version, or from npm.
// 3. `pnpm install --frozen-lockfile` (a few milliseconds when nothing has changed).
// 4. The command, with node_modules/.bin and the tools above first on PATH.
//
// What 1 and 2 fetch goes to .toolchain/ in this folder and nowhere else. No dependencies, no build step.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
const run = (cmd, args, opts) => spawnSync(cmd, args, { cwd: root, stdio: "inherit", shell: win, ...opts });

/** Installs one exact npm package under .toolchain/ and gives back its node_modules. */
function fetchTool(name, version) {
  const prefix = join(tools, `${name.replace("/", "+")}-${version}`);
  const done = join(prefix, ".done");
  if (!existsSync(done)) {
    say(`fetching ${name} ${version} from npm into .toolchain/`);
    rmSync(prefix, { recursive: true, force: true });
    mkdirSync(prefix, { recursive: true });
    // npm asks for install scripts to be allowed by name: pnpm and bun put their own binary in place
    writeFileSync(
      join(prefix, "package.json"),
      JSON.stringify({ private: true, allowScripts: { [name]: true } }),
    );
    const flags = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
    // cwd is the prefix, so that npm does not look at the repository's package.json
    if (
      run("npm", ["install", ...flags, `${name}@${version}`], {
        cwd: prefix,
        stdio: ["ignore", "ignore", "inherit"],
      }).status !== 0
    )
      return null;
    writeFileSync(done, "");
  }
  return join(prefix, "node_modules");
}

function nodeDir() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > floor[0] || (major === floor[0] && minor >= floor[1])) return dirname(process.execPath);
  const platform = win ? "win" : process.platform;
  const name = `${platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node"}-${platform}-${process.arch}`;
  const modules = fetchTool(name, toolchain.node);
  if (modules) return join(modules, name, "bin");
  say(
    `this repository needs Node ${floor.join(".")} or newer, and you run ${process.version}: please install Node 24`,
  );
  process.exit(1);
}

function pnpmDir(path) {
  const env = { ...process.env, PATH: path, pnpm_config_pm_on_fail: "ignore" };
  const found = spawnSync("pnpm", ["--version"], { cwd: tools, encoding: "utf8", shell: win, env });
  if (found.status === 0 && found.stdout.trim() === pnpmVersion) return "";
  const modules = fetchTool("pnpm", pnpmVersion);
  if (modules) return join(modules, ".bin");
  process.exit(1);
}

mkdirSync(tools, { recursive: true });
const extra = {};
const wanted = [];
let rest = process.argv.slice(2);
for (; rest[0]?.startsWith("--"); rest = rest.slice(1)) {
  const [, key, value] = /^--(with|env)=(.+)$/.exec(rest[0]) ?? [];
  if (key === "with") wanted.push(value);
  else if (key === "env") extra[value.slice(0, value.indexOf("="))] = value.slice(value.indexOf("=") + 1);
  else throw new Error(`unknown option ${rest[0]}`);
}
const old = process.env.PATH ?? "";
const node = nodeDir();
const dirs = [node, pnpmDir([node, old].join(delimiter))];
for (const name of wanted) {
  const modules = fetchTool(name, toolchain[name]);
  if (!modules) process.exit(1);
  dirs.push(join(modules, ".bin"));
}
const env = {
  ...process.env,
  ...extra,
  PATH: [join(root, "node_modules", ".bin"), ...dirs, old].filter(Boolean).join(delimiter),
  DO_NOT_TRACK: "1",
  TURBO_TELEMETRY_DISABLED: "1",
};
const fresh = !existsSync(join(root, "node_modules", ".modules.yaml"));
if (fresh) say("installing dependencies");
const install = spawnSync("pnpm", ["install", "--frozen-lockfile", "--reporter=append-only"], {
  cwd: root,
  env,
  shell: win,
  encoding: "utf8",
});
if (install.status !== 0) {
  process.stderr.write(`${install.stdout ?? ""}${install.stderr ?? ""}${install.error?.message ?? ""}\n`);
  process.exit(install.status ?? 1);
}
if (rest.length) {
  const result = run(rest[0], rest.slice(1), { env });
  if (result.error) say(result.error.message);
  process.exit(result.status ?? 1);
}
