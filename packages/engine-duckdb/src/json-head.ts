import { createJsonScanner, type JsonFault, type JsonScanOptions } from "./json-scan.ts";

/** The first lines of a file. */
export interface JsonHead {
  /** With their line breaks; without those that are passed over. */
  readonly bytes: Buffer;
  readonly rows: number;
  readonly fault: JsonFault | undefined;
}

const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const LINE_FEED = Buffer.from("\n");

/**
 * Reads the first `maxRows` rows of JSON lines, or all if there are fewer. What lies behind them is not looked at.
 *
 * @param chunks - UTF-8 from the beginning of the file; no more is taken than is needed.
 * @returns undefined when they do not fit in `limit` bytes.
 * @throws what `chunks` throws.
 */
export async function readJsonHead(
  chunks: AsyncIterable<Uint8Array>,
  options: Omit<JsonScanOptions, "onRow"> & { readonly maxRows: number },
  limit: number,
): Promise<JsonHead | undefined> {
  const lines: Buffer[] = [];
  const all: Buffer[] = [];
  const scanner = createJsonScanner({ ...options, onRow: (line) => lines.push(line, LINE_FEED) });
  let rest: Buffer = Buffer.alloc(0);
  const pending: Uint8Array[] = [];
  let bytes = 0;
  let atStart = true;
  const isDone = (): boolean => scanner.rows() >= options.maxRows || scanner.fault() !== undefined;
  const push = (final: boolean): void => {
    rest = Buffer.concat([rest, ...pending.splice(0)]);
    // DuckDB refuses a byte order mark in JSON.
    if (atStart && rest.subarray(0, MARK.length).equals(MARK)) rest = rest.subarray(MARK.length);
    atStart = false;
    const taken = scanner.push(rest, final);
    all.push(rest.subarray(0, taken));
    rest = rest.subarray(taken);
  };
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limit) return undefined;
    pending.push(chunk);
    // A long line is not looked at again for each of its pieces.
    if (chunk.includes(0x0a)) push(false);
    if (isDone()) break;
  }
  if (!isDone()) push(true);
  return {
    bytes: Buffer.concat(scanner.dropped() === 0 ? all : lines),
    rows: scanner.rows(),
    fault: scanner.fault(),
  };
}
