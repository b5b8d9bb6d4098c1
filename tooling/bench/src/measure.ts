/** What two or more sides took, repetition by repetition. */
export interface Comparison {
  /** Median milliseconds. */
  readonly ours: number;
  /** Median milliseconds of the fastest peer. */
  readonly peer: number;
  /** Name of the fastest peer. */
  readonly peerName: string;
  /** Ours ÷ peer, of each repetition. */
  readonly ratios: readonly number[];
}

export type Side = () => Promise<unknown>;

/**
 * Runs all sides in turns: one round that does not count, then `repetitions` rounds, each in another order, so that
 * what else the machine does and what the caches hold meet all sides alike. Of several peers the fastest counts.
 */
export async function compare(
  repetitions: number,
  ours: Side,
  peers: Readonly<Record<string, Side>>,
): Promise<Comparison> {
  const sides: readonly (readonly [string, Side])[] = [["", ours], ...Object.entries(peers)];
  const times = new Map(sides.map(([name]) => [name, [] as number[]]));
  for (let round = -1; round < repetitions; round += 1) {
    for (let turn = 0; turn < sides.length; turn += 1) {
      const [name, side] = sides[(turn + round + 1) % sides.length] ?? ["", ours];
      const started = performance.now();
      await side();
      if (round >= 0) times.get(name)?.push(performance.now() - started);
    }
  }
  const own = times.get("") ?? [];
  const [fastest] = Object.keys(peers)
    .map((name) => ({ name, taken: times.get(name) ?? [] }))
    .toSorted((a, b) => median(a.taken) - median(b.taken));
  if (fastest === undefined) throw new Error("There is no peer to compare with.");
  return {
    ours: median(own),
    peer: median(fastest.taken),
    peerName: fastest.name,
    ratios: own.map((time, at) => time / (fastest.taken[at] ?? Number.NaN)),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [below = Number.NaN, above = below] = sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1);
  return (below + above) / 2;
}

/** @throws when the two sides did not give the same, so that no speed of a wrong answer is told. */
export function assertSame(what: string, ours: unknown, peer: unknown): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(peer)];
  if (a !== b) throw new Error(`${what}: both sides differ, ours ${a}, peer ${b}`);
}
