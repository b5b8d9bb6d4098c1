import type { Bench } from "./bench.ts";
import { blob } from "./blob.ts";
import { smallTable, startUp } from "./overhead.ts";
import { rows } from "./rows.ts";
import { csv, parquet } from "./tables.ts";

/** By the name that `--only` takes. */
export const BENCHES: Readonly<Record<string, Bench>> = {
  parquet,
  csv,
  rows,
  blob,
  "small-table": smallTable,
  "start-up": startUp,
};
