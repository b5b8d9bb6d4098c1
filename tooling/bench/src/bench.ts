import type { Line } from "./report.ts";

export interface BenchInput {
  /** An empty folder, deleted afterwards. */
  readonly folder: string;
  readonly repetitions: number;
  /** Scales the data: 1, or less for a quick look. */
  readonly scale: number;
  /** Told as soon as it is known. */
  readonly report: (line: Line) => void;
}

/** One subject. Checks that all sides give the same before it measures. */
export type Bench = (input: BenchInput) => Promise<void>;
