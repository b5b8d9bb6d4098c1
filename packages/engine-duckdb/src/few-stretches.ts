import type { RowGroup, RowGroups } from "./row-groups.ts";

/** Each stretch of row groups is a part of the SQL, which takes DuckDB about a millisecond to plan. */
const MOST = 1000;

/**
 * The same with fewer stretches of row groups, where there are too many to read each by itself: row groups between
 * others are read along, and then some files whole, those first of which the fewest rows were left out.
 *
 * @param most - stretches of files that are not read whole.
 */
export function fewStretches(rowGroups: RowGroups, most: number = MOST): RowGroups {
  const gaps: Gap[] = [];
  const partly: Gap[] = [];
  for (const [path, groups] of rowGroups) {
    const used = groups.flatMap(({ leftOut }, at) => (leftOut === undefined ? [at] : []));
    const [first, last] = [used[0], used.at(-1)];
    if (first === undefined || last === undefined || used.length === groups.length) continue;
    partly.push({ path, from: 0, to: groups.length, rows: leftOutRows(groups) });
    for (const [nth, at] of used.entries()) {
      const before = nth === 0 ? first : (used[nth - 1] ?? 0) + 1;
      if (at > before) gaps.push({ path, from: before, to: at, rows: leftOutRows(groups.slice(before, at)) });
    }
  }
  const tooMany = gaps.length + partly.length - most;
  if (tooMany <= 0) return rowGroups;
  const bySize = (a: Gap, b: Gap): number => a.rows - b.rows;
  const filled = [
    ...gaps.toSorted(bySize).slice(0, tooMany),
    ...partly.toSorted(bySize).slice(0, Math.max(tooMany - gaps.length, 0)),
  ];
  const out = new Map([...rowGroups].map(([path, groups]) => [path, [...groups]]));
  for (const { path, from, to } of filled) {
    const groups = out.get(path) ?? [];
    for (let at = from; at < to; at += 1) {
      const group = groups[at];
      if (group !== undefined) groups[at] = { ...group, leftOut: undefined };
    }
  }
  return out;
}

/** Row groups `from` to `to` of a file, and how many of their rows would be left out. */
interface Gap {
  readonly path: string;
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}

function leftOutRows(groups: readonly RowGroup[]): number {
  return groups.reduce((sum, { rows, leftOut }) => (leftOut === undefined ? sum : sum + rows), 0);
}
