/** The name that a slip of the pen most likely meant; `undefined` when none is near. Case does not count. */
export function nearestName(wanted: string, names: Iterable<string>): string | undefined {
  const text = wanted.slice(0, 64).toLowerCase();
  let best: string | undefined;
  // One slip in a short name, three in a long one.
  let least = Math.min(3, Math.max(1, Math.floor(text.length / 3))) + 1;
  for (const name of names) {
    const distance = editDistance(text, name.slice(0, 64).toLowerCase());
    if (distance >= least) continue;
    best = name;
    least = distance;
  }
  return best;
}

/** Letters to add, drop, replace or swap with their neighbour on the way from one text to the other. */
function editDistance(from: string, to: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      const swapped =
        from[i] === to[j - 1] && from[i - 1] === to[j] ? (before[j - 1] ?? Infinity) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[to.length] ?? 0;
}
