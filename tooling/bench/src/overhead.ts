import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Bench } from "./bench.ts";
import { digestRows } from "./digest.ts";
import { assertSame, compare, median } from "./measure.ts";
import { ms } from "./report.ts";
import { drain, openTableSession } from "./table-session.ts";

/** What there is to pay for a table of two rows, above the same read on a connection that is open already. */
export const smallTable: Bench = async ({ folder, repetitions, report }) => {
  const session = await openTableSession();
  const { connection } = session;
  try {
    const path = join(folder, "small.csv");
    await writeFile(path, "id,name\n1,one\n2,two\n");
    const sql =
      `SELECT * FROM read_csv('${path}', auto_detect = false, header = true, ` +
      "columns = {id: 'BIGINT', name: 'VARCHAR'})";
    const steps = [{ op: "read_delimited" }];
    const what = "CSV of two rows: open, read, close";
    const table = await session.open(path, steps);
    const ours = await digestRows(table.batches());
    await table[Symbol.asyncDispose]();
    assertSame(what, ours, await digestRows((await connection.stream(sql)).yieldRowObjectJs()));
    const result = await compare(4 * repetitions, async () => drain(await session.open(path, steps)), {
      "open connection": async () => (await connection.runAndReadAll(sql)).getRowObjectsJS(),
    });
    const more = result.ours - result.peer;
    report({
      what,
      ours: ms(result.ours),
      peer: `${ms(result.peer)} (${result.peerName})`,
      ratio: `+${ms(more)}`,
      bar: "≤ 30 ms more",
      met: more <= 30,
    });
  } finally {
    await session.close();
  }
};

const MOST_MS = 200;

/** `aml --version` of the built command, from process start to process end. */
export const startUp: Bench = async ({ repetitions, report }) => {
  const command = fileURLToPath(new URL("../../../packages/cli/dist/main.js", import.meta.url));
  if (!existsSync(command))
    throw new Error("The command is not built: run the benchmarks through `npm run bench`.");
  const run = (args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
    return Promise.resolve(stdout.trim());
  };
  const version = await run([command, "--version"]);
  if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`aml --version says ${JSON.stringify(version)}`);
  const result = await compare(2 * repetitions, () => run([command, "--version"]), {
    "node -e 0": () => run(["-e", "0"]),
  });
  report({
    what: "aml --version",
    ours: ms(result.ours),
    peer: `${ms(result.peer)} (${result.peerName})`,
    ratio: `+${ms(result.ours - result.peer)}`,
    bar: `< ${MOST_MS} ms`,
    met: result.ours < MOST_MS,
  });
};

const FIRST_ROW_MS = 150;

/** The first row of a CSV on this machine: a process that imports the workspace, opens it and reads; and DuckDB alone. */
export const firstRow: Bench = async ({ folder, repetitions, report }) => {
  const path = join(folder, "first.csv");
  await writeFile(path, `id,name\n${Array.from({ length: 1000 }, (_, at) => `${at},name ${at}\n`).join("")}`);
  const built = new URL("../../../packages/workspace/dist/index.js", import.meta.url).href;
  const timed = (what: string, body: string): string =>
    `${what}; const started = performance.now(); ${body}; console.log(performance.now() - started); process.exit()`;
  const ours = timed(
    `const { openWorkspace } = await import(${JSON.stringify(built)})`,
    `const ws = await openWorkspace({ folder: ${JSON.stringify(folder)} });
     const table = await ws.openSource(${JSON.stringify(path)});
     for await (const row of table.rows()) { if (row.id !== 0n) throw new Error("another row"); break; }`,
  );
  const duckdb = JSON.stringify(import.meta.resolve("@duckdb/node-api"));
  const peer = timed(
    "",
    `const { DuckDBInstance } = await import(${duckdb});
     const connection = await (await DuckDBInstance.create(":memory:")).connect();
     await (await connection.run("SELECT * FROM read_csv('${path}') LIMIT 1")).getRows()`,
  );
  const run = (script: string): number => {
    const args = ["--input-type=module", "-e", script];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return Number(stdout);
  };
  const times: { readonly ours: number; readonly peer: number }[] = [];
  for (let turn = 0; turn <= 2 * repetitions; turn += 1) times.push({ ours: run(ours), peer: run(peer) });
  const mine = median(times.slice(1).map((time) => time.ours));
  const theirs = median(times.slice(1).map((time) => time.peer));
  report({
    what: "openWorkspace and the first row of a CSV, in a new process",
    ours: ms(mine),
    peer: `${ms(theirs)} (node-api: import, open, the same row)`,
    ratio: `+${ms(mine - theirs)}`,
    bar: `< ${FIRST_ROW_MS} ms`,
    met: mine < FIRST_ROW_MS,
  });
};
