import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { isAmlError, type AmlErrorCode, type Row, type TabularDataset } from "@aml/core";
import { arrowBatches, fromArrow, toArrow, toArrowIpc, type ArrowSource } from "@aml/arrow";
import {
  CompressionType,
  compressionRegistry,
  Int32,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8View,
  vectorFromArray,
} from "apache-arrow";
import { openWorkbench, type OpenWorkbench } from "./open-workbench.ts";
import { SAMPLE_ROWS, sampleTable } from "./sample-table.ts";

export interface Runner {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
}

const NAMES = Object.keys(SAMPLE_ROWS[0] ?? {});

type Check = (name: string, body: (bench: OpenWorkbench) => Promise<void>) => void;

/** What Arrow in and out promise, in little: for any runtime and any test library. */
export function suite({ describe, test }: Runner): void {
  const check: Check = (name, body) =>
    test(name, async () => {
      const bench = await openWorkbench();
      try {
        await body(bench);
      } finally {
        await bench.close();
      }
    });
  describe("Arrow in", () => inCases(check));
  describe("Arrow in, from bytes", () => byteCases(check));
  describe("Arrow out", () => outCases(check));
}

/** A column of texts, in which long ones lie elsewhere. */
function views(): Table {
  const column = vectorFromArray(["short", null, "more than twelve bytes", "é"], new Utf8View());
  return new Table({ text: column });
}

async function taken({ workspace }: OpenWorkbench, source: ArrowSource): Promise<Row[]> {
  return rowsOf(await workspace.tabular.fromColumnBatches(fromArrow(source), "in"));
}

async function rowsOf(dataset: TabularDataset): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of dataset.rows()) rows.push(row);
  return rows;
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  ReadableStream.from(inPieces(bytes, 1000));

/** Leaves no codec behind: reading brings its own. */
function compressed(of: Table): Uint8Array {
  compressionRegistry.set(CompressionType.ZSTD, { encode: (data) => zstdCompressSync(data) });
  try {
    return tableToIPC(of, "stream", CompressionType.ZSTD);
  } finally {
    compressionRegistry.set(CompressionType.ZSTD, undefined as never);
  }
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function fails(work: Promise<unknown>, code: AmlErrorCode): Promise<void> {
  await assert.rejects(work, (error) => {
    if (!isAmlError(error)) throw error;
    assert.equal(error.code, code);
    return true;
  });
}

function inCases(check: Check): void {
  check("a table: every value of two batches", async (bench) => {
    assert.deepEqual(await taken(bench, sampleTable()), SAMPLE_ROWS);
  });
  check("a slice begins in the middle of bytes, bits and lists", async (bench) => {
    assert.deepEqual(await taken(bench, sampleTable().slice(1, 4)), SAMPLE_ROWS.slice(1, 4));
    const twice = sampleTable().concat(sampleTable());
    assert.deepEqual(await taken(bench, twice), [...SAMPLE_ROWS, ...SAMPLE_ROWS]);
  });
  check("views", async (bench) => {
    const texts = (await taken(bench, views())).map(({ text }) => text);
    assert.deepEqual(texts, ["short", null, "more than twelve bytes", "é"]);
  });
  check("more rows than a chunk has", async (bench) => {
    const ids = Array.from({ length: 5000 }, (_, at) => (at % 7 === 3 ? null : at));
    const rows = await taken(bench, new Table({ id: vectorFromArray(ids, new Int32()) }).slice(5));
    assert.deepEqual(
      rows,
      ids.slice(5).map((id) => ({ id })),
    );
  });
  check("no rows have columns", async (bench) => {
    const { workspace } = bench;
    const empty = new Table(sampleTable().schema, []);
    for (const source of [empty, tableToIPC(empty, "stream"), tableToIPC(empty, "file")]) {
      const dataset = await workspace.tabular.fromColumnBatches(fromArrow(source), "in");
      assert.deepEqual(
        (await dataset.schema()).columns.map(({ name }) => name),
        NAMES,
      );
      assert.deepEqual(await rowsOf(dataset), []);
    }
  });
}

function byteCases(check: Check): void {
  const cases = async (bench: OpenWorkbench, bytes: Uint8Array, rows: readonly Row[]): Promise<void> => {
    for (const source of [bytes, inPieces(bytes, 1), inPieces(bytes, 777), streamOf(bytes)])
      assert.deepEqual(await taken(bench, source), rows);
  };
  check("a stream, at once and in pieces, with another dictionary in each batch", async (bench) => {
    await cases(bench, tableToIPC(sampleTable(), "stream"), SAMPLE_ROWS);
  });
  check("a file, at once and in pieces", async (bench) => {
    // There a column has one dictionary.
    const names = NAMES.filter((name) => name !== "city");
    const rows = SAMPLE_ROWS.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
    await cases(bench, tableToIPC(sampleTable().select(names), "file"), rows);
  });
  check("views", async (bench) => {
    const texts = (await taken(bench, tableToIPC(views()))).map(({ text }) => text);
    assert.deepEqual(texts, ["short", null, "more than twelve bytes", "é"]);
  });
  check("Zstandard, by the runtime's own", async (bench) => {
    const ids = Array.from({ length: 1000 }, (_, at) => at % 3);
    const plain = new Table({ id: vectorFromArray(ids, new Int32()) });
    const bytes = compressed(plain);
    assert.ok(bytes.length < tableToIPC(plain).length / 4);
    assert.deepEqual(
      await taken(bench, bytes),
      ids.map((id) => ({ id })),
    );
  });
  check("what breaks off is refused", async (bench) => {
    const bytes = tableToIPC(sampleTable(), "stream");
    for (const end of [0, 100, bytes.length / 2, bytes.length - 8])
      await fails(taken(bench, bytes.subarray(0, end)), "parse_failed");
  });
}

function outCases(check: Check): void {
  check("what came in goes out, as a table, as batches and as bytes", async (bench) => {
    const { workspace } = bench;
    const dataset = await workspace.tabular.fromColumnBatches(fromArrow(sampleTable()), "in");
    assert.deepEqual(await taken(bench, await toArrow(dataset)), SAMPLE_ROWS);
    let count = 0;
    for await (const batch of arrowBatches(dataset)) count += batch.numRows;
    assert.equal(count, SAMPLE_ROWS.length);
    for (const format of ["stream", "file"] as const) {
      const bytes = await bytesOf(toArrowIpc(dataset, { format }));
      assert.equal(tableFromIPC(bytes).numRows, SAMPLE_ROWS.length);
      assert.deepEqual(await taken(bench, bytes), SAMPLE_ROWS);
    }
  });
}
