import { randomUUID } from "node:crypto";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { AmlError, isAmlError, type TableFormat } from "@aml/core";
import type { CompiledPlan } from "./compile-plan.ts";
import { arrowColumn, nanosecondInstantLeaves } from "./arrow-type.ts";
import { caseConflict, copyQuery, errorCounts } from "./output-sql.ts";
import { readFooter, writeFooter } from "./parquet-copy.ts";
import { nanosecondColumns, withOtherTypes } from "./parquet-types.ts";
import { acrossGaps } from "./partial-files.ts";
import type { Scope } from "./scope.ts";
import type { ConversionCounts, Locate, OnConverted } from "./stream-chunks.ts";

const CHUNK = 256 * 1024;

export interface EncodeRun {
  /** Fetches what the query reads. */
  readonly prepare: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
  readonly locate: Locate;
  /** Throws when a file that was read is no longer the one that was listed. */
  readonly verify: (signal?: AbortSignal) => Promise<void>;
  readonly onConverted: OnConverted | undefined;
  /** Called when the stream ends, in whatever way. */
  readonly end: () => void;
}

/**
 * The table as a file's bytes. Its query is asked for once all that it reads is here. The file is written whole before its first byte is given, so a query that fails gives
 * an error and no bytes; it is deleted when the stream ends, in whatever way.
 *
 * Reading throws `unsupported` for Parquet and JSON lines of columns that differ by case only or have no name, for a
 * table without columns, and for JSON lines of nested values with NaN; `precondition_failed` when a file changed meanwhile.
 */
export function encodeTable(
  scope: Scope,
  compile: () => CompiledPlan,
  format: TableFormat,
  run: EncodeRun,
): ReadableStream<Uint8Array> {
  const path = join(scope.folder, `${randomUUID()}.${format}`);
  const { prepare, locate, verify, onConverted } = run;
  const stop = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  let handle: FileHandle | undefined;
  const finish = async (): Promise<void> => {
    await handle?.close();
    handle = undefined;
    await rm(path, { force: true });
    run.end();
  };
  const write = async (): Promise<FileHandle> => {
    const plan = compile();
    if (format !== "csv" || plan.columns.length === 0) refuseCaseConflict(plan, format);
    try {
      await scope.run(copyQuery(plan, format, path), signal);
      if (format === "parquet") await markInstants(path, plan);
      await onConverted?.(await countErrors(scope, plan, signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      await verify(signal);
      if (isAmlError(error)) await locate(error, signal);
      throw error;
    }
    await verify(signal);
    return open(path);
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          signal?.throwIfAborted();
          if (handle === undefined) {
            await prepare?.(signal);
            handle = await acrossGaps(write);
            if (stop.signal.aborted) return await finish();
            if (format === "csv") controller.enqueue(csvHeader(compile()));
          }
          const chunk = new Uint8Array(CHUNK);
          const { bytesRead } = await handle.read(chunk, 0, CHUNK, null);
          if (bytesRead > 0) controller.enqueue(chunk.subarray(0, bytesRead));
          else {
            await finish();
            controller.close();
          }
        } catch (error) {
          await finish();
          throw error;
        }
      },
      cancel: (reason) => {
        stop.abort(reason);
        return finish();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Says in a written file of Parquet which times of nanoseconds are instants: DuckDB has no type for these. */
async function markInstants(path: string, { columns }: CompiledPlan): Promise<void> {
  const leaves = columns.flatMap((column) => nanosecondInstantLeaves(arrowColumn(column).type));
  if (!leaves.includes(true)) return;
  const footer = await readFooter(path);
  const instants = nanosecondColumns(footer).filter(
    ({ leaf, kind }) => kind === "local" && leaves[leaf] === true,
  );
  await writeFooter(path, withOtherTypes(footer, instants));
}

/** A pass of its own over the columns that can fail: writing a file tells nothing about its rows. */
export async function countErrors(
  scope: Scope,
  plan: CompiledPlan,
  signal: AbortSignal | undefined,
): Promise<ConversionCounts> {
  const { sql, names } = errorCounts(plan);
  if (names.length === 0) return new Map();
  const [row = []] = await (await scope.run(sql, signal)).getRows();
  return new Map(names.map((name, at): [string, number] => [name, Number(row[at])]).filter(([, n]) => n > 0));
}

function csvHeader({ columns }: CompiledPlan): Uint8Array {
  const names = columns.map(({ name }) =>
    /[",\r\n]|^$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name,
  );
  return new TextEncoder().encode(`${names.join(",")}\n`);
}

function refuseCaseConflict({ columns }: CompiledPlan, format: TableFormat): void {
  const conflict = caseConflict(columns);
  if (columns.length === 0) {
    throw new AmlError("unsupported", `A table without columns cannot be written as ${format}.`);
  }
  if (conflict === undefined) return;
  const [first, second] = conflict;
  if (first === second) {
    throw new AmlError(
      "unsupported",
      `A column with the name ${JSON.stringify(first)} cannot stand in a ${format} file.`,
      { hint: "Drop it, or write csv.", context: { columns: [first] } },
    );
  }
  throw new AmlError(
    "unsupported",
    `The columns ${first} and ${second} differ by case only, and cannot stand in one ${format} file.`,
    { hint: "Drop one of them, or write csv.", context: { columns: conflict } },
  );
}
