import type { ProfileKind } from "./profile-kind.ts";
import type { ProfileSession } from "./profile-session.ts";

/** Rows of a column's sample. Of tables with no more rows nothing is sampled. */
export const SAMPLE_ROWS = 50_000;

/** Longer texts of a sample are cut: whole ones might not fit in memory. */
export const LONGEST = 256;

/** Rows that are looked at to learn whether taking a sample is worth it. */
const FIRST_ROWS = 20_000;

/** So many different values are always counted each. */
const FEW = 1000;

/** The values of a column, ready for SQL; or of several columns, each with its place among them as `c`. */
export interface CountedValues {
  /** How many columns these are. */
  readonly columns: number;
  /** Values with how often each is there: `v`, `n`. */
  readonly from: string;
  /** Whether quantiles come from a sample, in `"sampled values"`, and values are not grouped. */
  readonly sampled: boolean;
  /** What quantiles are taken from: a measure `q` with how often it is there, `n`. */
  readonly measures: string;
}

/** Groups the values that `source` gives, if they repeat; else takes a sample of them. */
export async function countValues(
  session: ProfileSession,
  source: string,
  kind: ProfileKind,
  large: boolean,
): Promise<CountedValues> {
  if (large && kind.type !== "boolean" && (await isVaried(session, source, kind))) {
    return {
      columns: 1,
      from: `(SELECT v, 1 AS n FROM (${source}))`,
      sampled: true,
      measures: `(SELECT q, 1 AS n FROM "sampled values" WHERE q IS NOT NULL)`,
    };
  }
  return groupValues(session, source, kind, 1);
}

/** Groups the values that `source` gives, of several columns with the place of each as `c`. */
export async function groupValues(
  session: ProfileSession,
  source: string,
  kind: ProfileKind,
  columns: number,
): Promise<CountedValues> {
  const { each } = perColumn(columns);
  await session.run(
    `CREATE OR REPLACE TEMP TABLE "counted values" AS SELECT ${each}v, count(*) AS n FROM (${source}) GROUP BY ALL`,
  );
  return {
    columns,
    from: '"counted values"',
    sampled: false,
    measures: measuresOf('"counted values"', kind, columns),
  };
}

/** The measures of values that are counted. */
export function measuresOf(from: string, { measure = "NULL", finite }: ProfileKind, columns: number): string {
  const { each } = perColumn(columns);
  return `(SELECT ${each}${measure} AS q, n FROM ${from} WHERE v IS NOT NULL AND ${finite})`;
}

/** What SQL about one column lacks to be about several. */
export function perColumn(columns: number): {
  readonly each: string;
  readonly partition: string;
  readonly group: string;
  readonly join: string;
} {
  return columns === 1
    ? { each: "", partition: "", group: "", join: "ON true" }
    : { each: "c, ", partition: "PARTITION BY c ", group: "GROUP BY c", join: "USING (c)" };
}

/**
 * Whether more than half of the values of a sample are different; the sample is then there. Taking it costs more than
 * grouping values that repeat, so the first rows are asked before.
 */
async function isVaried(session: ProfileSession, source: string, kind: ProfileKind): Promise<boolean> {
  const { type, measure = "NULL", finite } = kind;
  const varied = async (from: string): Promise<boolean> => {
    const counts = await session.row(`SELECT count(DISTINCT v)::VARCHAR, count(v)::VARCHAR FROM ${from}`);
    const [different = 0, all = 0] = counts.map(Number);
    return different > FEW && different > all / 2;
  };
  if (!(await varied(`(SELECT v FROM (${source}) LIMIT ${FIRST_ROWS})`))) return false;
  const short = type === "string" || type === "json" ? `left(v, ${LONGEST})` : "v";
  await session.run(
    `CREATE OR REPLACE TEMP TABLE "sampled values" AS SELECT ${type === "bytes" ? "md5(v)" : short} AS v, ` +
      `CASE WHEN ${finite} THEN ${measure} END AS q FROM (${source}) USING SAMPLE reservoir(${SAMPLE_ROWS} ROWS)`,
  );
  return varied('"sampled values"');
}
