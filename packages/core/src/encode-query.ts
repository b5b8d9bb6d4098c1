import type { ReadTableOptions } from "./conversion-errors.ts";
import { encodeLazily } from "./encode-lazily.ts";
import type { TableFormat, TabularResult } from "./engine.ts";
import { checkSameTypes, loadQuery, loadQueryInParts, type QueryContext } from "./load-query.ts";
import type { QueryPlan } from "./start-query.ts";
import type { Schema } from "./table.ts";

/** Few enough to hold, and enough that opening them costs little beside writing them. */
const ROWS_AT_A_TIME = 262_144;

/**
 * A plan over a query as a file's bytes. Text is written as the rows come, so that a query that fails has given bytes
 * before its error; a Parquet file, which tells of all rows at its end, once they are all in.
 *
 * Reading throws `schema_mismatch` for JSON lines, where a decimal of declared width holds NaN in some rows only.
 */
export function encodeQuery(
  plan: QueryPlan,
  context: QueryContext,
  format: TableFormat,
  options?: ReadTableOptions,
): ReadableStream<Uint8Array> {
  if (format === "parquet") return encodeLazily(() => loadQuery(plan, context, options), format, options);
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(options?.signal ? [options.signal] : [])]);
  const bytes = textOf(plan, context, format, { ...options, signal });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await bytes.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        stop.abort(reason);
        await bytes.return();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* textOf(
  plan: QueryPlan,
  context: QueryContext,
  format: TableFormat,
  options: ReadTableOptions,
): AsyncGenerator<Uint8Array, void> {
  let first: Schema["columns"] | undefined;
  for await (const part of loadQueryInParts(plan, context, ROWS_AT_A_TIME, options)) {
    const { columns } = part.schema;
    // As CSV, a decimal and its text are the same.
    if (format !== "csv") checkSameTypes(columns, first ?? columns);
    const withoutNames = format === "csv" && first !== undefined ? skipRecord() : undefined;
    first ??= columns;
    for await (const chunk of chunksOf(part, format, options)) {
      const rest = withoutNames?.(chunk) ?? chunk;
      if (rest.length > 0) yield rest;
    }
  }
}

async function* chunksOf(
  part: TabularResult,
  format: TableFormat,
  options: ReadTableOptions,
): AsyncGenerator<Uint8Array, void> {
  const reader = part.encode(format, options).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}

const QUOTE = 0x22;
const NEWLINE = 0x0a;

/** What is left of the chunks of a CSV file without its first record, whose fields may be quoted and hold newlines. */
function skipRecord(): (chunk: Uint8Array) => Uint8Array {
  let isQuoted = false;
  let isOver = false;
  return (chunk) => {
    if (isOver) return chunk;
    const end = chunk.findIndex((byte) => {
      if (byte === QUOTE) isQuoted = !isQuoted;
      return byte === NEWLINE && !isQuoted;
    });
    isOver = end >= 0;
    return chunk.subarray(isOver ? end + 1 : chunk.length);
  };
}
