import { AmlError, type FileRef, type Row } from "@aml/core";
import type { StagedFile } from "@aml/staging";
import { readParquet } from "../compile-read.ts";
import { createRowDecoder } from "../decode-chunk.ts";
import { mapFiles } from "../inspect-context.ts";
import { openScope } from "../scope.ts";
import { addOf, keyOf, metadataOf, protocolOf, type AddFile, type Replay } from "./delta-actions.ts";
import type { SnapshotContext } from "./snapshot.ts";

/**
 * Applies Parquet parts of a checkpoint, or its sidecars. Only the columns that say which files there are get read.
 *
 * @returns the names of sidecars.
 * @throws `parse_failed` for files that are no checkpoint.
 */
export async function readCheckpoint(
  files: readonly FileRef[],
  replay: Replay,
  context: SnapshotContext,
): Promise<readonly string[]> {
  if (files.length === 0) return [];
  const { stager, signal, gate, instances, workFolder: parentFolder } = context;
  const staged: StagedFile[] = [];
  const scope = await openScope({ parentFolder, gate, instances });
  const uri = files[0]?.uri ?? "";
  const query = async (sql: string): Promise<readonly unknown[][]> =>
    (await scope.run(sql, signal)).getRows();
  try {
    await mapFiles(files, async (file) => staged.push(await stager.stage(file, { signal })));
    const paths = staged.map(({ localPath }) => localPath).toSorted();
    await scope.lock(new Map(staged.map(({ localPath, file }) => [localPath, file.uri])));
    const source = readParquet(paths).replace(/\)$/, ", union_by_name = true)");
    const columns = new Map(
      (await query(`DESCRIBE SELECT * FROM ${source}`)).map((row) => [row[0], String(row[1])]),
    );
    const has = (name: string): boolean => columns.has(name);
    if (has("add")) {
      const vector = (columns.get("add") ?? "").includes("deletionVector");
      const dv = vector
        ? "CASE WHEN add.deletionVector.storageType IS NOT NULL THEN to_json(add.deletionVector)::VARCHAR END"
        : "NULL::VARCHAR";
      const stats =
        replay.keepStats && /\bstats VARCHAR\b/.test(columns.get("add") ?? "")
          ? "add.stats"
          : "NULL::VARCHAR";
      const rows = await scope.run(
        `SELECT add.path, add.size::DOUBLE, nullif(to_json(add.partitionValues)::VARCHAR, '{}'), ${dv}, ${stats} ` +
          `FROM ${source} WHERE add.path IS NOT NULL`,
        signal,
      );
      const add = createAdder(replay, uri);
      for (let chunk = await rows.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await rows.fetchChunk())
        for (const row of decodeAdd(chunk, chunk.rowCount)) add(row);
    }
    for (const name of ["protocol", "metaData"] as const) {
      if (!has(name)) continue;
      const field = name === "protocol" ? "minReaderVersion" : "schemaString";
      const rows = await query(
        `SELECT to_json(${name})::VARCHAR FROM ${source} WHERE ${name}.${field} IS NOT NULL`,
      );
      for (const [text] of rows) {
        const value: unknown = JSON.parse(String(text));
        if (name === "protocol") replay.protocol = protocolOf(value) ?? refuse(uri);
        else replay.metadata = metadataOf(value) ?? refuse(uri);
      }
    }
    if (!has("sidecar")) return [];
    return (await query(`SELECT sidecar.path FROM ${source} WHERE sidecar.path IS NOT NULL`)).map(([path]) =>
      String(path),
    );
  } finally {
    await scope.close();
    for (const file of staged) await file.release();
  }
}

/** Hundreds of thousands: the values of DuckDB's own client would take longer than all the rest. */
const decodeAdd = createRowDecoder(
  ["path", "size", "values", "dv", "stats"],
  ["string", "float64", "string", "string", "string"],
);

const NONE: AddFile["partitionValues"] = Object.freeze({});

function createAdder(replay: Replay, uri: string): (row: Row) => void {
  // Files of one partition come one after the other, or in turns.
  const parsed = new Map<string, unknown>();
  const valuesOf = (text: string): unknown => {
    if (parsed.has(text)) return parsed.get(text);
    if (parsed.size >= MOST_PARSED) parsed.clear();
    const value: unknown = JSON.parse(text);
    parsed.set(text, value);
    return value;
  };
  return ({ path, size, values, dv, stats }) => {
    const partitionValues = typeof values === "string" ? valuesOf(values) : NONE;
    const deletionVector = typeof dv === "string" ? (JSON.parse(dv) as unknown) : undefined;
    const file = addOf({ path, size, partitionValues, deletionVector, stats }, replay) ?? refuse(uri);
    replay.files.set(keyOf(file), file);
  };
}

const MOST_PARSED = 10_000;

function refuse(uri: string): never {
  throw new AmlError("parse_failed", `The checkpoint ${uri} holds what is no action of a Delta log.`, {
    hint: "The log is damaged; restore the file.",
    context: { uri },
  });
}
