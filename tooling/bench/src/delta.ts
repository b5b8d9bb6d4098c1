import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseStorePath, type FileRef } from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import { local } from "@aml/local";
import type { Bench } from "./bench.ts";
import { compare } from "./measure.ts";
import { openTableSession } from "./table-session.ts";

const FILES = 300_000;

/** Which files a Delta table has, from a checkpoint: as registering it asks, against reading the paths alone. */
export const delta: Bench = async ({ folder, repetitions, scale, report }) => {
  const session = await openTableSession();
  try {
    const count = Math.round(FILES * scale);
    const log = join(folder, "_delta_log");
    await mkdir(log);
    const name = join(log, `${"0".repeat(20)}.checkpoint.parquet`);
    const schema = `{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}`;
    const add = `{'path': printf('day=%d/part-%05d.parquet', i % 365, i), 'size': 1000 + i, 'partitionValues': MAP {'day': (i % 365)::VARCHAR}}`;
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
      for await (const stat of storage.list(parseStorePath("_delta_log"))) {
        yield { uri: `${storage.uri}/${stat.path}`, relativePath: stat.path, stat, storage };
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
