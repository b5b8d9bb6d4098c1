import { isDeepStrictEqual } from "node:util";
import { fromArrow, toArrow, type ArrowSource } from "@aml/arrow";
import { randomRuns } from "@aml/kit/runs";
import { DataType, tableToIPC, type Table } from "apache-arrow";
import fc from "fast-check";
import { expect, test } from "vitest";
import { randomTable, writableTable } from "./random-table.ts";
import { plainRows, type Plain } from "./values.ts";
import { createWorkbench } from "./workbench.ts";

const { workspace } = await createWorkbench();

test("tables of random types and batches come back as they went", async () => {
  await fc.assert(
    fc.asyncProperty(randomTable, async ({ table, rows }) => {
      expect(firstDifference(await taken(table), rows)).toBeUndefined();
    }),
    randomRuns(250),
  );
});

test("and so do their bytes, of a stream and of a file", async () => {
  await fc.assert(
    fc.asyncProperty(writableTable, fc.integer({ min: 1, max: 5000 }), async ({ table, rows }, size) => {
      const stream = tableToIPC(table, "stream");
      for (const source of [stream, tableToIPC(table, "file"), inPieces(stream, size)])
        expect(firstDifference(await taken(source), rows)).toBeUndefined();
    }),
    randomRuns(100),
  );
});

async function taken(source: ArrowSource): Promise<Plain[][]> {
  return inNanoseconds(await toArrow(await workspace.tabular.fromColumnBatches(fromArrow(source), "in")));
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Rows whose times of day and timestamps are nanoseconds, whatever their unit. */
function inNanoseconds(table: Table): Plain[][] {
  const types = table.schema.fields.map(({ type }) => type);
  return plainRows(table).map((row) => row.map((value, at) => scaled(value, types[at] as DataType)));
}

const NANOS = [1_000_000_000n, 1_000_000n, 1000n, 1n] as const;

function scaled(value: Plain, type: DataType): Plain {
  if (value === null) return null;
  if (DataType.isTimestamp(type) || DataType.isTime(type))
    return String(BigInt(String(value)) * NANOS[type.unit]);
  if (DataType.isStruct(type))
    return (value as Plain[]).map((one, at) => scaled(one, type.children[at]?.type as DataType));
  const [item] = (type.children ?? []) as { readonly type: DataType }[];
  return item === undefined ? value : (value as Plain[]).map((one) => scaled(one, item.type));
}

interface Difference {
  readonly at: number;
  readonly got: unknown;
  readonly wanted: unknown;
}

function firstDifference(got: readonly unknown[], wanted: readonly unknown[]): Difference | undefined {
  const { length } = got.length > wanted.length ? got : wanted;
  for (let at = 0; at < length; at += 1) {
    if (!isDeepStrictEqual(got[at], wanted[at])) return { at, got: got[at], wanted: wanted[at] };
  }
  return undefined;
}
