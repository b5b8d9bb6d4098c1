/**
 * The draw of row number `rn` (from 0) for a seed, as an integer below 2³²: a fixed integer mix, so that a sample is
 * the same on any number of threads and in every version, and `lower ≤ draw < upper` splits rows into exact parts.
 */
export function compileDraw(rowNumber: string, seed: number): string {
  // Without its own mix, seed 1 would draw what seed 0 draws one row later.
  const start = mixSeed(seed);
  const low = `((${rowNumber})::UBIGINT & 4294967295)`;
  const high = `((${rowNumber})::UBIGINT >> 32)`;
  const first = `((${low} + ${high} * 40503 + ${start}) * 2654435761 & 4294967295)`;
  const spread = (x: string, shift: number, factor: number): string =>
    `(xor(${x}, ${x} >> ${shift}) * ${factor} & 4294967295)`;
  return spread(spread(first, 16, 2246822507), 13, 3266489909);
}

/** A bound of a sample, `0 ≤ p ≤ 1`, in units of the draw. */
export function drawBound(probability: number): string {
  return String(Math.round(Math.min(Math.max(probability, 0), 1) * 2 ** 32));
}

function mixSeed(seed: number): number {
  let x = (Math.trunc(seed) ^ Math.trunc(seed / 2 ** 32)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
}
