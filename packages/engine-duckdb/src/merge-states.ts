import type { ColumnProfile } from "@aml/core";
import { estimateDistinct, mergedMoments, type ColumnState } from "./column-state.ts";
import { measuresOf } from "./counted-values.ts";
import { momentsOf, NO_MOMENTS } from "./moments.ts";
import { BINS, distance, profileCounted, quantilesOf, TOP, type Profiled } from "./profile-column.ts";
import type { ProfileKind } from "./profile-kind.ts";
import type { ProfileSession } from "./profile-session.ts";
import { quoteDouble } from "./sql-text.ts";

/** The tables that merging makes. */
export const MERGED_TABLES: readonly string[] = [
  'temp."merged values"',
  'temp."merged parts"',
  'temp."whole values"',
  'temp."merged ends"',
];

/** A column of one file, and the number of its rows there. */
export interface StateOfFile {
  readonly rows: number;
  readonly state: ColumnState;
}

/**
 * The profile of a column from what was kept of each file. Where all values were kept it is the profile of all rows;
 * where they were not, `distinct`, quantiles, histogram and the counts of `top` are estimates, and the rest is exact.
 *
 * @param type - DuckDB's, of the values in all files.
 */
export async function mergeStates(
  session: ProfileSession,
  files: readonly StateOfFile[],
  kind: ProfileKind,
  type: string,
): Promise<Omit<ColumnProfile, "name" | "type">> {
  const states = files.map(({ state }) => state);
  const sum = (of: (state: ColumnState) => number): number =>
    states.reduce((total, state) => total + of(state), 0);
  const errors = sum((state) => state.errors);
  const missing = sum((state) => state.missing);
  const pairs = states.flatMap(({ values }) => values);
  await load(session, "merged values", pairs, "v", type);
  if (states.every(({ whole }) => whole)) return { errors, ...(await wholeProfile(session, kind, missing)) };
  const top = await session.rows(
    `SELECT ${kind.text("v")}, n::VARCHAR FROM "merged values" ORDER BY n DESC, v LIMIT ${TOP}`,
  );
  return {
    missing,
    errors,
    empty: sum((state) => state.empty),
    notANumber: sum((state) => state.notANumber),
    infinite: sum((state) => state.infinite),
    sampled: true,
    distinct: estimateDistinct(states),
    top: top.map(([value, count]) => ({ value: kind.read(value ?? ""), count: Number(count) })),
    ...(await distributionOf(session, files, kind, type)),
  };
}

/** Loads texts with counts into a table, as values of a type, those that are equal together. */
async function load(
  session: ProfileSession,
  table: string,
  pairs: readonly (readonly [string, number])[],
  name: "v" | "q",
  type: string,
): Promise<void> {
  await session.run(
    `CREATE OR REPLACE TEMP TABLE "${table}" AS SELECT x[1]::${type} AS ${name}, sum(x[2]::DOUBLE)::BIGINT AS n ` +
      `FROM (SELECT unnest(from_json($1::JSON, '[["VARCHAR"]]')) AS x) GROUP BY ALL`,
    [JSON.stringify(pairs.map(([text, count]) => [text, String(count)]))],
  );
}

async function wholeProfile(session: ProfileSession, kind: ProfileKind, missing: number): Promise<Profiled> {
  await session.run(
    `CREATE OR REPLACE TEMP TABLE "counted values" AS FROM "merged values" ` +
      (missing > 0 ? `UNION ALL SELECT NULL, ${missing}` : ""),
  );
  const from = '"counted values"';
  const counted = { columns: 1, from, sampled: false, measures: measuresOf(from, kind, 1) };
  return profileCounted(session, "", counted, kind);
}

async function distributionOf(
  session: ProfileSession,
  files: readonly StateOfFile[],
  kind: ProfileKind,
  type: string,
): Promise<Pick<ColumnProfile, "min" | "max" | "distribution">> {
  const states = files.map(({ state }) => state);
  const { measure, of } = kind;
  const measureType = of === "lengths" ? "BIGINT" : type;
  const ends = states.map(({ least, most, low, high }) => [least, most, low, high]);
  const typed = [type, type, measureType, measureType].map((one, at) => {
    const [made, name] =
      at % 2 === 0 ? ["min", at === 0 ? "least" : "low"] : ["max", at === 1 ? "most" : "high"];
    return `${made}(x[${at + 1}]::${one}) AS ${name}`;
  });
  await session.run(
    `CREATE OR REPLACE TEMP TABLE "merged ends" AS SELECT ${typed.join(", ")} ` +
      `FROM (SELECT unnest(from_json($1::JSON, '[["VARCHAR"]]')) AS x)`,
    [JSON.stringify(ends)],
  );
  const [min = null, max = null] = kind.ordered
    ? await session.row(`SELECT ${kind.text("least")}, ${kind.text("most")} FROM "merged ends"`)
    : [];
  const range = { min: min === null ? null : kind.read(min), max: max === null ? null : kind.read(max) };
  if (measure === undefined) return range;
  await load(session, "merged parts", files.flatMap(weighted), "q", measureType);
  await load(
    session,
    "whole values",
    states.flatMap(({ whole, values }) => (whole ? values : [])),
    "v",
    type,
  );
  const measures =
    `(SELECT q, sum(n) AS n FROM (FROM "merged parts" UNION ALL ` +
    `SELECT ${measure} AS q, n FROM "whole values" WHERE ${kind.finite}) GROUP BY q)`;
  const [quantiles = []] = await quantilesOf(session, measures, kind, 1);
  if (quantiles.length === 0) return range;
  const moments = mergedMoments(states);
  return {
    ...range,
    distribution: {
      of,
      ...(moments === undefined ? NO_MOMENTS : momentsOf(moments)),
      quantiles,
      histogram: await histogramOf(session, measures, kind),
    },
  };
}

/** The parts of a column, with the weight of all its values together. */
function weighted({ rows, state }: StateOfFile): [string, number][] {
  if (state.whole) return [];
  const total = state.parts.reduce((sum, [, weight]) => sum + weight, 0);
  const scale = (rows - state.missing - state.notANumber - state.infinite) / total;
  return state.parts.map(([measure, weight]) => [measure, weight * scale]);
}

async function histogramOf(
  session: ProfileSession,
  measures: string,
  kind: ProfileKind,
): Promise<readonly number[]> {
  const [width = 0] = (
    await session.row(`SELECT (${distance(kind, "high", "low")})::VARCHAR FROM "merged ends"`)
  ).map(Number);
  const far = distance(kind, "q", "low");
  const bin = width === 0 ? "0" : `least(${BINS - 1}, floor(${far} / ${quoteDouble(width)} * ${BINS}))`;
  const bins = await session.rows(
    `SELECT ${bin}::INTEGER::VARCHAR, sum(n)::BIGINT::VARCHAR FROM ${measures}, "merged ends" GROUP BY 1`,
  );
  const histogram = new Array<number>(BINS).fill(0);
  for (const [at, count] of bins) histogram[Number(at)] = Number(count);
  return histogram;
}
