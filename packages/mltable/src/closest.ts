/** The one of some words that a mistyped word most likely stands for; undefined when none is near. */
export function closest(word: string, words: readonly string[]): string | undefined {
  const typed = normalise(word);
  // Compared with all words, a long one would cost as much as an attack.
  if (typed.length > 60) return undefined;
  const ranked = words
    .map((each) => ({ each, distance: distance(typed, normalise(each)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(typed.length / 3)) ? best.each : undefined;
}

function normalise(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, "");
}

/** Letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
