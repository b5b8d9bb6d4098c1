import { spawn, spawnSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FROM_SOURCE } from "./aml.ts";
import { type Lake, openLake } from "./lake.ts";

// A disk of 1 MB that only the command sees, and that is gone with it: Linux, with root or user namespaces.
const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

let lake: Lake;
beforeAll(async () => {
  if (!canMount) return;
  lake = await openLake();
  await lake.put("big.csv", `a,b\n${`${"x".repeat(90)},1\n`.repeat(40_000)}`);
  const { code } = await lake.aml(["datastore", "create", "lake", ...lake.flags, "--account-key-stdin"], {
    stdin: lake.azurite.accountKey,
  });
  expect(code).toBe(0);
});
afterAll(async () => {
  if (canMount) await lake[Symbol.asyncDispose]();
});

/** Runs a command while `folder` is a small disk; also gives the files that it left there. */
async function onSmallDisk(
  folder: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly stderr: string; readonly left: readonly string[] }> {
  await mkdir(folder, { recursive: true });
  const script = 'mount -t tmpfs -o size=1m tmpfs "$0" && { "$@"; code=$?; find "$0" -type f; exit $code; }';
  const child = spawn(
    "unshare",
    ["-rm", "sh", "-c", script, folder, process.execPath, ...FROM_SOURCE, ...args],
    {
      cwd: lake.folder,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stderr, left: stdout.split("\n").filter((line) => line !== "") };
}

test.skipIf(!canMount)(
  "a disk that fills up while staging, and leaves nothing (needs unshare and mount)",
  async () => {
    await writeFile(
      join(lake.folder, "aml.config.json"),
      JSON.stringify({ secrets: { key: "file" }, cache: { folder: "small" } }),
    );
    const source = "azureml://datastores/lake/paths/big.csv";
    const { code, stderr, left } = await onSmallDisk(join(lake.folder, "small"), [
      "table",
      "export",
      source,
      "--format=jsonl",
      "--output=never.jsonl",
      "--json",
    ]);
    expect(JSON.parse(stderr)).toMatchObject({
      error: {
        code: "resource_exhausted",
        message: expect.stringContaining("big.csv"),
        hint: expect.stringMatching(/\w/),
      },
    });
    expect({ code, left: left.filter((name) => !name.includes("lock")) }).toEqual({ code: 7, left: [] });
    expect((await readdir(lake.folder)).includes("never.jsonl")).toBe(false);
  },
);

test.skipIf(!canMount)(
  "a disk that fills up while writing, and leaves nothing (needs unshare and mount)",
  async () => {
    await writeFile(join(lake.folder, "aml.config.json"), JSON.stringify({ secrets: { key: "file" } }));
    for (const args of [
      ["table", "export", "azureml://datastores/lake/paths/big.csv", "--format", "csv", "-o", "out/x.csv"],
      ["dataset", "download", "azureml://datastores/lake/paths/*.csv", "-o", "out"],
    ]) {
      const { code, stderr, left } = await onSmallDisk(join(lake.folder, "out"), [...args, "--json"]);
      expect(JSON.parse(stderr)).toMatchObject({
        error: { code: "resource_exhausted", hint: expect.stringMatching(/\w/) },
      });
      expect({ code, left }).toEqual({ code: 7, left: [] });
    }
  },
);
