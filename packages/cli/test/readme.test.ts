import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aml } from "./aml.ts";
import { type Lake, openLake } from "./lake.ts";

let lake: Lake;
let folder: string;
beforeAll(async () => {
  lake = await openLake();
  folder = await mkdtemp(join(tmpdir(), "aml-readme-"));
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The shell lines of a section of the README, without comments. */
async function shellLines(title: string): Promise<readonly string[]> {
  const page = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
  const section = page.slice(page.indexOf(`\n## ${title}\n`));
  const block = /```sh\n([^]*?)```/.exec(section)?.[1] ?? "";
  return block
    .split("\n")
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter(Boolean);
}

/** Words of a line, quotes taken off as a shell does. */
const words = (line: string): readonly string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");

test("a store of your own: the README's own lines, with an emulator for the account", async () => {
  const [alias, init, ...lines] = await shellLines("A store of your own");
  expect(alias).toBe(`alias aml="npm --prefix '$PWD' run -s aml --"`);
  expect(init).toBe("aml init my-project && cd my-project");
  expect(await aml(["init", "my-project"], { cwd: folder })).toMatchObject({ code: 0, stderr: "" });
  const cwd = join(folder, "my-project");

  const said: string[] = [];
  for (const line of lines) {
    const [command, ...args] = words(line.replace("contoso", lake.azurite.accountName));
    expect(command).toBe("aml");
    // What a person types at the prompt comes from stdin here.
    const asked = line.includes("--credential account_key");
    const emulator = asked ? ["--endpoint", lake.azurite.endpoint, "--secret-stdin"] : [];
    const stdin = asked ? lake.azurite.accountKey : "";
    const { code, stdout, stderr } = await aml([...args, ...emulator], { cwd, stdin });
    expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: "" });
    said.push(stdout);
  }
  expect(said).toHaveLength(7);
  const [created, tested, listed, shown, profiled, registered, exported] = said;
  expect(created).toBe("Datastore 'lake' is registered.\n");
  expect(tested).toBe("Datastore 'lake' can be reached and listed.\n");
  expect(listed).toContain("azureml://datastores/lake/paths/2025/a.csv");
  expect(shown).toContain("12.5");
  expect(profiled).toContain("fare");
  expect(registered).toMatch(/^azureml:trips:1 is registered: 1 file, /);
  expect(exported).toMatch(/^trips\.parquet is written: /);
  expect((await readdir(cwd)).toSorted()).toEqual([".aml", "aml.config.json", "trips.parquet"]);
});
