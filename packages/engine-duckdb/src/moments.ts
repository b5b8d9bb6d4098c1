import type { Distribution } from "@aml/core";

type Moments = Pick<Distribution, "mean" | "std" | "variance" | "skew" | "kurtosis">;

export const NO_MOMENTS: Moments = { mean: null, std: null, variance: null, skew: null, kurtosis: null };

/**
 * Of the count and the sums of the first four powers of (value − centre) ∕ parts ∕ unit; in parts, so that no distance
 * overflows. The variance may be infinite where a double does not hold it.
 */
export function moments(sums: readonly number[], centre: number, unit: number, parts: number): Moments {
  const [count = 0, first = 0, second = 0, third = 0, fourth = 0] = sums;
  const shift = first / count;
  const m2 = Math.max(0, second / count - shift ** 2);
  const m3 = third / count - (3 * shift * second) / count + 2 * shift ** 3;
  const m4 =
    fourth / count - (4 * shift * third) / count + (6 * shift ** 2 * second) / count - 3 * shift ** 4;
  const std = count > 1 ? Math.sqrt((m2 * count) / (count - 1)) * unit * parts : null;
  return {
    mean: (centre / parts + shift * unit) * parts,
    std,
    variance: count > 1 ? ((m2 * count) / (count - 1)) * unit * parts * (unit * parts) : null,
    skew: m2 === 0 ? null : m3 / m2 ** 1.5,
    kurtosis: m2 === 0 ? null : m4 / m2 ** 2 - 3,
  };
}

/** The mean of some numbers, and the sums of the powers of their distances from it. */
export interface CentralMoments {
  readonly count: number;
  readonly mean: number;
  readonly m2: number;
  readonly m3: number;
  readonly m4: number;
}

/** Of two sets of numbers together. @see https://doi.org/10.2172/1028931 – Pébay, 2008 */
export function merged(a: CentralMoments, b: CentralMoments): CentralMoments {
  const count = a.count + b.count;
  const apart = b.mean - a.mean;
  const [shareA, shareB] = [a.count / count, b.count / count];
  const m2 = a.m2 + b.m2 + apart ** 2 * a.count * shareB;
  const m3 =
    a.m3 +
    b.m3 +
    apart ** 3 * a.count * shareB * (shareA - shareB) +
    3 * apart * (shareA * b.m2 - shareB * a.m2);
  const m4 =
    a.m4 +
    b.m4 +
    apart ** 4 * a.count * shareB * (shareA ** 2 - shareA * shareB + shareB ** 2) +
    6 * apart ** 2 * (shareA ** 2 * b.m2 + shareB ** 2 * a.m2) +
    4 * apart * (shareA * b.m3 - shareB * a.m3);
  return { count, mean: a.mean + apart * shareB, m2, m3, m4 };
}

export function momentsOf({ count, mean, m2, m3, m4 }: CentralMoments): Moments {
  const second = m2 / count;
  const variance = count > 1 ? m2 / (count - 1) : null;
  return {
    mean,
    std: variance === null ? null : Math.sqrt(variance),
    variance,
    skew: m2 === 0 ? null : m3 / count / second ** 1.5,
    kurtosis: m2 === 0 ? null : m4 / count / second ** 2 - 3,
  };
}
