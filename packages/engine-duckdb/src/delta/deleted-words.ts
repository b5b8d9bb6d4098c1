import { AmlError } from "@aml/core";
import { quoteText } from "../sql-text.ts";

/** Rows of a file with a deletion vector; beyond it the bits would not fit into memory. */
const MAX_ROWS = 2 ** 30;

/**
 * A condition that holds for the rows of some files that are not deleted. The numbers of deleted rows are bits in a
 * constant: a join would be no faster, and loses the order of rows.
 *
 * @param deleted - for each file, in the order of `file_index`, the numbers of its deleted rows.
 * @throws `unsupported` for a row beyond the first 2^30 of its file.
 */
export function notDeleted(deleted: readonly (readonly number[])[]): string {
  const words: number[] = [];
  const starts: number[] = [];
  const lengths: number[] = [];
  for (const rows of deleted) {
    const last = rows.reduce((a, b) => Math.max(a, b), -1);
    if (last >= MAX_ROWS) {
      throw new AmlError("unsupported", `A deletion vector names row ${last}, of at most ${MAX_ROWS}.`, {
        hint: "Rewrite the table's files in smaller ones (OPTIMIZE, or REORG TABLE … APPLY (PURGE)).",
      });
    }
    const own = new Uint32Array(Math.floor(last / 32) + 1);
    for (const row of rows) own[row >>> 5] = (own[row >>> 5] ?? 0) | (1 << (row & 31));
    starts.push(words.length);
    lengths.push(own.length);
    for (const word of own) words.push(word);
  }
  const list = (values: readonly number[]): string => `${quoteText(`[${values.join(",")}]`)}::BIGINT[]`;
  const file = "file_index::BIGINT + 1";
  const word = `(${list(words)})[(${list(starts)})[${file}] + (file_row_number >> 5) + 1]`;
  return (
    `CASE WHEN file_row_number >> 5 < (${list(lengths)})[${file}] ` +
    `THEN (${word} >> (file_row_number & 31)) & 1 ELSE 0 END = 0`
  );
}
