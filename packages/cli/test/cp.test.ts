import { spawn } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { size } from "@aml/kit/runs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aml, ENVIRONMENT, FROM_SOURCE } from "./aml.ts";
import { type Lake, openLake } from "./lake.ts";

let lake: Lake;
let folder: string;
beforeAll(async () => {
  lake = await openLake();
  folder = await mkdtemp(join(tmpdir(), "aml-cp-"));
  await lake.container.getBlobClient("2025/a.csv").delete();
  const key = ["--credential", "account_key", "--secret-stdin"];
  const stdin = lake.azurite.accountKey;
  expect(await lake.aml(["datastore", "create", "lake", ...lake.flags, ...key], { stdin })).toMatchObject({
    code: 0,
  });
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const lines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("goes up, from blob to blob by the service, and down again, with its hashes", async () => {
  const root = "azureml://datastores/lake/paths";
  await mkdir(join(lake.folder, "up/sub"), { recursive: true });
  await mkdir(join(lake.folder, "up/empty"));
  await writeFile(join(lake.folder, "up/sub/ü #1.txt"), "umlaut");
  await writeFile(join(lake.folder, "up/none.txt"), "");
  await writeFile(join(lake.folder, "up/big.bin"), new Uint8Array(9 * 2 ** 20).fill(1));
  await symlink("big.bin", join(lake.folder, "up/link.bin"));

  const up = await lake.aml(["cp", "-r", "up", `${root}/up`, "--json"]);
  expect(up).toMatchObject({ code: 0, stderr: "" });
  expect(lines(up.stdout).at(-1)).toEqual({
    event: "summary",
    dryRun: false,
    files: 4,
    bytes: 18 * 2 ** 20 + 6,
    skipped: 0,
    skippedBytes: 0,
    byService: 0,
  });
  const { contentMD5 } = await lake.container.getBlobClient("up/big.bin").getProperties();
  const event = lines(up.stdout).find(({ to }) => to === `${root}/up/big.bin`);
  expect(event).toMatchObject({
    event: "copied",
    via: "stream",
    md5: Buffer.from(contentMD5 ?? []).toString("base64"),
  });

  const across = await lake.aml(["cp", "-r", `${root}/up`, `${root}/copy`]);
  expect(across).toEqual({
    code: 0,
    stdout: `4 files, 18.9 MB, were copied to ${root}/copy (all by the service itself).\n`,
    stderr: "",
  });
  const again = await lake.aml(["cp", "-r", `${root}/up`, `${root}/copy`]);
  expect(again.stdout).toBe("Nothing is left to copy: 4 files are there already, the same.\n");

  expect(await lake.aml(["cp", "-r", `${root}/copy`, "down", "--verify"])).toMatchObject({ code: 0 });
  expect((await readdir(join(lake.folder, "down"), { recursive: true })).toSorted()).toEqual([
    "big.bin",
    "link.bin",
    "none.txt",
    "sub",
    "sub/ü #1.txt",
  ]);
  expect(await readFile(join(lake.folder, "down/sub/ü #1.txt"), "utf8")).toBe("umlaut");
  await writeFile(join(lake.folder, "down/sub/ü #1.txt"), "UMLAUT");
  const refused = await lake.aml(["cp", "-r", `${root}/copy`, "down"]);
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toContain("exists already, with another content");
  expect(refused.stderr).toContain("add --overwrite");
});

test("says what it would do, and what is wrong with the command", async () => {
  await writeFile(join(folder, "one.txt"), "1");
  const dry = await aml(["cp", "one.txt", "in/", "--dry-run"], { cwd: folder });
  expect(dry.stdout).toMatch(/1 B {2}one\.txt -> in\/one\.txt\n1 file, 1 B, would be copied to in\/\.\n$/);
  expect(await readdir(folder)).not.toContain("in");
  expect(await aml(["cp", ".", "/nowhere"], { cwd: folder })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("add --recursive"),
  });
  expect((await aml(["cp", "one.txt", "x", "--concurrency", "0"], { cwd: folder })).code).toBe(2);
  expect(await aml(["cp", "missing", "x", "--json"], { cwd: folder })).toMatchObject({
    code: 4,
    stdout: "",
    stderr: expect.stringContaining('"code":"not_found"'),
  });
});

test("an interrupted copy leaves whole files only, says how to go on, and goes on; memory stays bounded", async () => {
  const bytes = size(96, 32) * 2 ** 20;
  await mkdir(join(folder, "large"));
  for (const name of ["a", "b", "c", "d", "e", "f", "g", "h"]) {
    // Sparse: it takes no space, and reads as zeros.
    const file = await open(join(folder, "large", name), "w");
    await file.truncate(name < "e" ? bytes : bytes + 1);
    await file.close();
  }
  const start = (...more: string[]) => {
    const child = spawn(
      process.execPath,
      [...FROM_SOURCE, "cp", "-r", "large", "copies", "--json", ...more],
      {
        cwd: folder,
        env: ENVIRONMENT,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let stdout = "";
    let peak = 0;
    const watch = setInterval(() => {
      readFile(`/proc/${child.pid}/status`, "utf8").then(
        (status) => (peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? peak)),
        () => undefined,
      );
    }, 50);
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    const ended = new Promise<{ code: number | null; stdout: string; peakMiB: number }>((resolve) =>
      child.once("close", (code) => {
        clearInterval(watch);
        resolve({ code, stdout, peakMiB: peak / 1024 });
      }),
    );
    return { child, ended };
  };
  const first = start("--concurrency", "2");
  first.child.stdout.on("data", (data: Buffer) => {
    if (data.toString().includes('"copied"')) first.child.kill("SIGINT");
  });
  expect((await first.ended).code).toBe(130);
  const left = await readdir(join(folder, "copies"));
  expect(left.length).toBeGreaterThan(0);
  expect(left.filter((name) => !/^[a-h]$/.test(name))).toEqual([]);

  const second = await start().ended;
  expect(second.code).toBe(0);
  expect(lines(second.stdout).at(-1)).toMatchObject({ files: 8 - left.length, skipped: left.length });
  expect((await readdir(join(folder, "copies"))).length).toBe(8);
  if (process.platform === "linux") expect(second.peakMiB).toBeLessThan(size(400, 250));
});

test("Ctrl-C says how to go on", async () => {
  const { Interruption } = await import("../src/terminal.ts");
  await mkdir(join(folder, "many"));
  for (let index = 0; index < 50; index++) await writeFile(join(folder, "many", `${index}`), "x".repeat(100));
  const controller = new AbortController();
  const stop = setInterval(() => {
    void readdir(join(folder, "some")).then(
      (names) => names.length > 0 && controller.abort(new Interruption("Interrupted.", 130)),
      () => undefined,
    );
  }, 1);
  const outcome = await aml(["cp", "-r", "many", "some", "--concurrency", "1"], {
    cwd: folder,
    signal: controller.signal,
  });
  clearInterval(stop);
  expect(outcome).toMatchObject({ code: 130, stdout: "" });
  expect(outcome.stderr).toMatch(
    /^Stopped: \d+ of 50 files (is|are) there, whole\. The same command goes on with the others\.\n$/,
  );
});
