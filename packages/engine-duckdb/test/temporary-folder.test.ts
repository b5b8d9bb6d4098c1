import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

const temporary = await mkdtemp(join(tmpdir(), "aml-temporary-"));
const data = await mkdtemp(join(tmpdir(), "aml-data-"));
await writeFile(join(data, "a.csv"), "n\n1\n2\n");
afterAll(async () => {
  await rm(temporary, { recursive: true });
  await rm(data, { recursive: true });
});

/** Reads one row of a table, and disposes of neither the table nor its engine. */
const program = `
  import { readdirSync } from "node:fs";
  import { createWorkspace } from "@aml/core/workspace";
  import { memoryRegistry, memorySecrets } from "@aml/core/memory";
  import { createDuckDBEngine } from "@aml/engine-duckdb";
  import { local } from "@aml/local";
  const workspace = createWorkspace({
    adapters: [local],
    engine: createDuckDBEngine(),
    registry: memoryRegistry(),
    secrets: memorySecrets(),
  });
  const rows = workspace.tabular.fromDelimitedFiles(process.env.FILE).rows()[Symbol.asyncIterator]();
  const { value } = await rows.next();
  console.log(value.n, readdirSync(process.env.TMPDIR).length);
`;

test("what killed programs left is removed, and nothing of one that may run", async () => {
  const dead = 2 ** 31 - 2;
  const gone = [`aml-engine-${hostname()}~${dead}~x`, `aml-engine-elsewhere~${dead}~old`];
  const kept = [
    `aml-engine-${hostname()}~${process.pid}~x`,
    `aml-engine-elsewhere~${dead}~new`,
    `aml-engine-${dead}`,
    `another-${hostname()}~${dead}~x`,
  ];
  for (const name of [...gone, ...kept]) {
    await mkdir(join(temporary, name));
    await writeFile(join(temporary, name, "spilled"), "");
    const longAgo = Date.now() / 1000 - 8 * 24 * 3600;
    if (!name.endsWith("~new")) await utimes(join(temporary, name), longAgo, longAgo);
  }
  await run("");
  expect((await readdir(temporary)).toSorted()).toEqual(kept.toSorted());
  for (const name of kept) await rm(join(temporary, name), { recursive: true });
});

test.each([
  ["comes to its end", ""],
  ["calls process.exit", "process.exit(0);"],
])("a program that %s leaves no temporary files, whatever it has not disposed of", async (_, end) => {
  expect(await run(end)).toBe("1n 1\n");
  expect(await readdir(temporary)).toEqual([]);
});

async function run(end: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@aml/source", "--input-type=module", "--eval", program + end],
    {
      cwd: join(import.meta.dirname, ".."),
      env: { ...process.env, TMPDIR: temporary, FILE: pathToFileURL(join(data, "a.csv")).href },
    },
  );
  return stdout;
}
