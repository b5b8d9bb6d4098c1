/** Bytes of a file from `start` up to, and without, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export function sizeOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** The same bytes as ranges in order that neither overlap nor touch. */
export function mergeRanges(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const out: ByteRange[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = out.at(-1);
    if (end <= start) continue;
    if (last !== undefined && start <= last.end) {
      out[out.length - 1] = { start: last.start, end: Math.max(last.end, end) };
    } else out.push({ start, end });
  }
  return out;
}

/** What of a range is in none of `merged`, which `mergeRanges` gave. */
export function withoutRanges(range: ByteRange, merged: readonly ByteRange[]): readonly ByteRange[] {
  const out: ByteRange[] = [];
  let { start } = range;
  for (let at = firstBehind(merged, start); at < merged.length && start < range.end; at += 1) {
    const { start: from, end } = merged[at] as ByteRange;
    if (from >= range.end) break;
    if (from > start) out.push({ start, end: from });
    start = Math.max(start, end);
  }
  if (start < range.end) out.push({ start, end: range.end });
  return out;
}

/** The first of some ordered ranges that ends behind a byte. */
function firstBehind(merged: readonly ByteRange[], byte: number): number {
  let [low, high] = [0, merged.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((merged[middle]?.end ?? 0) <= byte) low = middle + 1;
    else high = middle;
  }
  return low;
}
