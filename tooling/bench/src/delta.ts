import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseStorePath, type FileRef } from "@aml/core";
import { parseFilter, parsePlan } from "@aml/core/plan";
import { local } from "@aml/local";
import type { Bench } from "./bench.ts";
import { assertSame, compare, median } from "./measure.ts";
import { ms } from "./report.ts";
import { drain, openTableSession } from "./table-session.ts";

const FILES = 300_000;

/** Which files a Delta table has, from a checkpoint: as registering it asks, against reading the paths alone. */
export const delta: Bench = async ({ folder, repetitions, scale, report }) => {
  const session = await openTableSession();
  try {
    const count = Math.round(FILES * scale);
    const one = Math.round(count / 2);
    const path = join(folder, `day=${one % 365}`, `part-${String(one).padStart(5, "0")}.parquet`);
    await mkdir(dirname(path));
    await session.connection.run(`COPY (SELECT ${one}::BIGINT AS id) TO '${path}' (FORMAT parquet)`);
    const { size } = await stat(path);
    const log = join(folder, "_delta_log");
    await mkdir(log);
    const name = join(log, `${"0".repeat(20)}.checkpoint.parquet`);
    const schema = `{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}`;
    const add = `{'path': printf('day=%d/part-%05d.parquet', i % 365, i), 'size': if(i = ${one}, ${size}, 1000 + i), 'partitionValues': MAP {'day': (i % 365)::VARCHAR}, 'stats': printf('{"numRecords":1,"minValues":{"id":%d},"maxValues":{"id":%d}}', i, i)}`;
    await session.connection.run(
      `COPY (SELECT ${add} AS add, NULL AS protocol, NULL AS metaData FROM range(${count}) t(i) UNION ALL SELECT NULL, ` +
        `{'minReaderVersion': 1}, {'schemaString': '${schema}', 'partitionColumns': []::VARCHAR[]}) TO '${name}' (FORMAT parquet)`,
    );
    const storage = local.open({ options: { path: folder }, credential: { kind: "anonymous" } });
    const plan = parsePlan({
      version: 1,
      source: { from: "paths", paths: [{ folder: `file://${folder}` }] },
      steps: [{ op: "read_delta_lake" }],
    });
    async function* files(): AsyncIterable<FileRef> {
      for await (const found of storage.list(parseStorePath("_delta_log"))) {
        yield { uri: `${storage.uri}/${found.path}`, relativePath: found.path, stat: found, storage };
      }
    }
    const snapshot = async (): Promise<number> =>
      (await session.engine.pin?.(plan, files())) === undefined ? 0 : count;
    const result = await compare(repetitions, snapshot, {
      "paths alone": async () => {
        const rows = await session.connection.run(
          `SELECT add.path FROM read_parquet('${name}') WHERE add IS NOT NULL`,
        );
        return (await rows.getRows()).length;
      },
    });
    const filtered = parsePlan({
      ...plan,
      steps: [...plan.steps, { op: "filter", where: parseFilter(`col("id") == ${one}`) }],
    });
    const times: number[] = [];
    for (let round = 0; round < repetitions; round += 1) {
      const started = performance.now();
      const found = await drain(await session.engine.open(filtered, files()));
      times.push(performance.now() - started);
      assertSame("Delta, one row by a filter", found, 1);
    }
    report({
      what: `Delta, ${count.toLocaleString("en-US")} files: the one row that a filter keeps`,
      ours: ms(median(times)),
      peer: "",
      ratio: "",
      bar: "",
    });
    report({
      what: `Delta snapshot, ${count.toLocaleString("en-US")} files`,
      ours: `${Math.round(result.ours)} ms`,
      peer: `${Math.round(result.peer)} ms (${result.peerName})`,
      ratio: `${(result.ours / result.peer).toFixed(1)}×`,
      bar: "< 2 s",
      met: result.ours < 2000,
    });
  } finally {
    await session.close();
  }
};
