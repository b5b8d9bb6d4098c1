import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aml, FROM_SOURCE, spawnAml } from "./aml.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aml-process-"));
  const row = `${"x".repeat(90)},1\n`;
  await writeFile(join(folder, "big.csv"), `a,b\n${row.repeat(400_000)}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Starts the command line; `onOutput` is called with its first output. */
function start(args: readonly string[], onOutput: (child: ReturnType<typeof spawn>) => void): Promise<Ended> {
  const child = spawn(process.execPath, [...FROM_SOURCE, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  child.stdout.once("data", () => onOutput(child));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal, stderr }));
  });
}

const EXPORT = ["table", "export", "big.csv", "--format", "jsonl"];

test("a reader that leaves, as head does, ends the command quietly", async () => {
  const ended = await start(EXPORT, (child) => child.stdout?.destroy());
  expect(ended).toEqual({ code: 0, signal: null, stderr: "" });
});

test("Ctrl-C ends the command with 130, and a file that was being written is gone", async () => {
  const out = join(folder, "out");
  await mkdir(out);
  const ended = await start(EXPORT, (child) => child.kill("SIGINT"));
  expect(ended).toEqual({ code: 130, signal: null, stderr: "" });

  const child = spawn(process.execPath, [...FROM_SOURCE, ...EXPORT, "-o", "out/big.jsonl"], {
    cwd: folder,
    stdio: "ignore",
  });
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  // Interrupt once something is being written.
  while ((await readdir(out)).length === 0 && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGINT");
  expect(await exit).toBe(130);
  expect(await readdir(out)).toEqual([]);
});

test("a crash is told like any other error: redacted, and without a stack", async () => {
  const crash = `setTimeout(() => { throw new Error("sig=AbCdEf%2B1234567890%3D&se=1 broke") })`;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(crash)}`, ...FROM_SOURCE];
  const failed: unknown = await promisify(execFile)(process.execPath, [...args, ...EXPORT], {
    cwd: folder,
  }).catch((error: unknown) => error);
  expect(failed).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: .* broke\nhint: .*\ncode: internal\n$/),
  });
  expect((failed as { stderr: string }).stderr).not.toContain("AbCdEf");
});

test.runIf(process.platform === "linux")(
  "a full disk behind stdout, and a current folder that is gone",
  async () => {
    const shell = async (line: string): Promise<unknown> => {
      const command = [process.execPath, ...FROM_SOURCE].map((word) => `'${word}'`).join(" ");
      return promisify(execFile)("sh", ["-c", line.replaceAll("AML", command)], { cwd: folder }).catch(
        (error: unknown) => error,
      );
    };
    expect(await shell("AML datastore list > /dev/full")).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("the disk is full"),
    });
    const engines = async (): Promise<readonly string[]> =>
      (await readdir(folder)).filter((name) => name.startsWith("aml-engine-"));
    expect(await shell(`TMPDIR='${folder}' AML ${EXPORT.join(" ")} > /dev/full`)).toMatchObject({ code: 7 });
    expect(await engines()).toEqual([]);
    expect(await shell("mkdir gone && cd gone && rmdir ../gone && AML --version")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("The current folder is not there any more."),
    });
  },
);

test("an aborted command says nothing and leaves with the code of its reason", async () => {
  const { Interruption } = await import("../src/terminal.ts");
  const controller = new AbortController();
  controller.abort(new Interruption("Interrupted.", 130));
  const outcome = await aml(EXPORT, { cwd: folder, signal: controller.signal });
  expect(outcome).toEqual({ code: 130, stdout: "", stderr: "" });
});

test("a terminal gets colours and progress on stderr; NO_COLOR and pipes get none", async () => {
  const args = ["table", "show", "big.csv", "--limit", "1"];
  const shown = await aml(args, { cwd: folder, tty: true });
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain("\u001b[1m");
  const plain = await aml(args, { cwd: folder, tty: true, env: { NO_COLOR: "1" } });
  expect(plain.stdout).not.toContain("\u001b[1m");
  expect(await aml(args, { cwd: folder })).toMatchObject({
    code: 0,
    stderr: "",
    stdout: expect.not.stringContaining("\u001b"),
  });
  const copied = await aml(["dataset", "download", "big.csv", "-o", "copy"], { cwd: folder, tty: true });
  expect(copied.stderr).toMatch(/\d+ %  \d\/1 files {2}.* of 37\.2 MB/);
  expect(copied.stderr.endsWith("\r\u001b[K")).toBe(true);
});

test("--version, --help and the exit codes need no workspace", async () => {
  expect((await spawnAml(["--version"], { cwd: folder })).stdout).toMatch(/^\d+\.\d+\.\d+/);
  const help = await aml(["table", "export", "--help"], { cwd: folder });
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining("Examples:") });
  expect((await aml(["help", "exit-codes"], { cwd: folder })).stdout).toMatch(/130 {2}interrupted/);
  expect((await aml(["help", "dataset", "download"], { cwd: folder })).stdout).toContain("--output");
  expect((await aml(["help", "nope"], { cwd: folder })).code).toBe(2);
  expect(await aml(["frob", "--json"], { cwd: folder })).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining('"code":"config_invalid"'),
  });
  expect((await readdir(folder)).includes("aml.config.json")).toBe(false);
});

const exec = promisify(execFile);

test("a command loads what it needs, and no more", async () => {
  // Prints the packages that a process has loaded when it ends.
  const hook = `import { registerHooks } from "node:module";
    const seen = new Set();
    registerHooks({ load(url, context, next) {
      seen.add(/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(url)?.[1]
        ?? /\\/packages\\/(?:adapters\\/)?([^/]+)\\//.exec(url)?.[1]);
      return next(url, context);
    } });
    process.on("exit", () => console.error(JSON.stringify([...seen].filter(Boolean).sort())));`;
  const loaded = async (...args: string[]): Promise<string[]> => {
    const preload = `--import=data:text/javascript,${encodeURIComponent(hook)}`;
    const { stderr } = await exec(process.execPath, [preload, ...FROM_SOURCE, ...args], { cwd: folder });
    return JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "") as string[];
  };
  expect(await loaded("--version")).toEqual(["cli", "commander"]);
  expect(await loaded("ls", ".")).toEqual(["cli", "commander", "core", "local", "workspace"]);
  const table = await loaded("table", "show", "big.csv", "--limit", "1");
  expect(table).toContain("@duckdb/node-api");
  expect(table.filter((name) => /azure|kysely|vault|registry/.test(name))).toEqual([]);
});
