import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sharesSnapshot, type Snapshot } from "../src/shares-snapshot.ts";

interface Moment extends Snapshot {
  /** Of writers whose changes it sees. */
  readonly seen: ReadonlySet<bigint>;
}

/** Transactions that number themselves as SQL Server does. */
function history(events: readonly ("write" | "end" | "snapshot")[]): Moment[] {
  const active = new Set<bigint>();
  const writers: bigint[] = [];
  const committed = new Set<bigint>();
  const moments: Moment[] = [];
  let number = 0n;
  for (const event of events) {
    if (event === "end") {
      const oldest = writers.shift();
      if (oldest === undefined) continue;
      active.delete(oldest);
      committed.add(oldest);
      continue;
    }
    number += 1n;
    if (event === "write") writers.push(number);
    else moments.push({ number, active: new Set(active), seen: new Set(committed) });
    active.add(number);
  }
  return moments;
}

const SAME = (moments: readonly Moment[]): boolean =>
  new Set(moments.map(({ seen }) => [...seen].join(","))).size <= 1;

describe("whether snapshots are one", () => {
  test("two that began side by side, and two with a commit between them", () => {
    const [first, second] = history(["write", "write", "snapshot", "snapshot"]);
    // The example of the reference: 57 and 58 write, 59 and 60 read.
    expect([first, second].map((one) => [...(one?.active ?? [])])).toEqual([
      [1n, 2n],
      [1n, 2n, 3n],
    ]);
    expect(sharesSnapshot(history(["write", "write", "snapshot", "snapshot"]))).toBe(true);
    expect(sharesSnapshot(history(["write", "snapshot", "end", "snapshot"]))).toBe(false);
    expect(sharesSnapshot(history(["snapshot", "write", "end", "snapshot"]))).toBe(false);
    expect(sharesSnapshot(history(["snapshot", "write", "snapshot", "end"]))).toBe(true);
  });

  test("it is found exactly where all see the same, whatever their order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("write", "end", "snapshot", "snapshot"), { maxLength: 14 }),
        fc.boolean(),
        (events, turned) => {
          const moments = history(events);
          expect(sharesSnapshot(turned ? moments.toReversed() : moments)).toBe(SAME(moments));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
