import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..", "..");
const requirements = join(root, "tooling", "python");
const venvs = join(root, ".toolchain", "python");
const windows = process.platform === "win32";

// The pins are complete, so that nothing is looked up beside them.
const INSTALL =
  "install --quiet --no-input --no-cache-dir --no-compile --no-deps --disable-pip-version-check".split(" ");

/** The environments that the tests use, by the names of `tooling/python/*.txt`. */
export const pythonVenvNames = (): string[] =>
  readdirSync(requirements).flatMap((file) => (file.endsWith(".txt") ? [file.slice(0, -4)] : []));

/**
 * The Python that has the packages of `tooling/python/<name>.txt`, once `makePythonVenv` made it, which `npm test`
 * does. A test that lacks one is skipped, and says so in its name: `test.skipIf(!python)("… (needs pandas of PyPI)", …)`.
 */
export function pythonVenv(name: string): string | undefined {
  const python = pythonOf(homeOf(name));
  return existsSync(python) ? python : undefined;
}

/**
 * Makes a Python environment of its own in `.toolchain/python/` with the exact packages of
 * `tooling/python/<name>.txt`. Other pins are another environment, and the one before is removed.
 *
 * @returns nothing when it is there, or else what was lacking.
 */
export async function makePythonVenv(name: string): Promise<string | undefined> {
  if (pythonVenv(name) !== undefined) return undefined;
  const home = homeOf(name);
  removeOld(name);
  // Made aside and renamed: a run that was cut short leaves no half an environment.
  const draft = `${home}.pid${process.pid}`;
  try {
    const pip = await (pipOfAll ??= makePip());
    const pins = join(requirements, `${name}.txt`);
    const lacks =
      pip.lacks ??
      (await run("python3", ["-m", "venv", "--without-pip", draft])) ??
      (await run(pip.python, ["-m", "pip", "--python", pythonOf(draft), ...INSTALL, "--requirement", pins]));
    if (lacks === undefined && !existsSync(home)) renameSync(draft, home);
    return lacks;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

interface Pip {
  readonly python: string;
  readonly lacks: string | undefined;
}

/** Installs for all environments: to give each one of its own takes longer than most of their packages. */
let pipOfAll: Promise<Pip> | undefined;

async function makePip(): Promise<Pip> {
  const home = join(venvs, "pip");
  const python = pythonOf(home);
  if (existsSync(python)) return { python, lacks: undefined };
  // One whose Python is gone is in the way.
  rmSync(home, { recursive: true, force: true });
  const draft = `${home}.pid${process.pid}`;
  try {
    const lacks = await run("python3", ["-m", "venv", draft]);
    if (lacks === undefined && !existsSync(home)) renameSync(draft, home);
    return { python, lacks };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function homeOf(name: string): string {
  const pins = readFileSync(join(requirements, `${name}.txt`));
  return join(venvs, `${name}-${createHash("sha256").update(pins).digest("hex").slice(0, 12)}`);
}

const pythonOf = (home: string): string =>
  windows ? join(home, "Scripts", "python.exe") : join(home, "bin", "python");

/** Environments of other pins, and drafts of processes that are gone. */
function removeOld(name: string): void {
  mkdirSync(venvs, { recursive: true });
  for (const entry of readdirSync(venvs)) {
    const [, of, owner] = /^(.+)-[0-9a-f]{12}(?:\.pid(\d+))?$/.exec(entry) ?? [];
    if (of !== name || (owner !== undefined && lives(Number(owner)))) continue;
    rmSync(join(venvs, entry), { recursive: true, force: true });
  }
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The last line of what went wrong, if anything did. */
async function run(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const env = { ...process.env, DIST_EXTRA_CONFIG: join(requirements, "distutils.cfg") };
    await promisify(execFile)(command, args, { timeout: 600_000, maxBuffer: 2 ** 26, env });
    return undefined;
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
    return `${stdout}\n${stderr}`.trim().split("\n").at(-1) || message;
  }
}
