import { arrow } from "./arrow.ts";
import { bigCsv } from "./big-csv.ts";
import type { Bench } from "./bench.ts";
import { blob } from "./blob.ts";
import { delta } from "./delta.ts";
import { firstRow, smallTable, startUp } from "./overhead.ts";
import { mltablePython } from "./mltable-python.ts";
import { polars } from "./polars.ts";
import { profile } from "./profile.ts";
import { remoteCsv } from "./remote-csv.ts";
import { remoteParquet } from "./remote-parquet.ts";
import { rows } from "./rows.ts";
import { sql } from "./sql.ts";
import { csv, parquet } from "./tables.ts";

/** By the name that `--only` takes. */
export const BENCHES: Readonly<Record<string, Bench>> = {
  parquet,
  csv,
  rows,
  arrow,
  polars,
  "mltable-python": mltablePython,
  profile,
  sql,
  blob,
  delta,
  "parquet-remote": remoteParquet,
  "csv-remote": remoteCsv,
  "small-table": smallTable,
  "first-row": firstRow,
  "start-up": startUp,
};

/** What takes minutes and tens of gigabytes: only by its name. */
export const LONG_BENCHES: Readonly<Record<string, Bench>> = { "csv-big": bigCsv };
