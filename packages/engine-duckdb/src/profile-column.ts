import type { ColumnProfile, Distribution, Quantile, ValueCount } from "@aml/core";
import { countValues, LONGEST, type CountedValues } from "./counted-values.ts";
import { moments, NO_MOMENTS } from "./moments.ts";
import type { ProfileKind } from "./profile-kind.ts";
import type { ProfileSession } from "./profile-session.ts";
import { quoteDouble } from "./sql-text.ts";

const SHARES = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999];
export const BINS = 20;
export const TOP = 10;

export type Profiled = Omit<ColumnProfile, "name" | "type" | "errors">;

/**
 * Profiles a column of which `source` gives the values. Where a sample shows that values repeat, they are grouped, and
 * all else is exact and cheap; where they do not, rows are scanned and quantiles taken of the sample.
 */
export async function profileColumn(
  session: ProfileSession,
  source: string,
  kind: ProfileKind,
  large: boolean,
): Promise<Profiled> {
  return profileCounted(session, source, await countValues(session, source, kind, large), kind);
}

/** Profiles a column whose values are counted already. */
export async function profileCounted(
  session: ProfileSession,
  source: string,
  counted: CountedValues,
  kind: ProfileKind,
): Promise<Profiled> {
  const facts = await factsOf(session, counted, kind);
  const { min, max, middle: _middle, width: _width, reach: _reach, ...counts } = facts;
  const distribution = await distributionOf(session, counted, kind, facts);
  return {
    ...counts,
    sampled: counted.sampled,
    top: await topValues(session, source, counted, kind),
    min: min === null ? null : kind.read(min),
    max: max === null ? null : kind.read(max),
    ...(distribution === undefined ? {} : { distribution }),
  };
}

interface Facts {
  readonly missing: number;
  readonly empty: number;
  readonly notANumber: number;
  readonly infinite: number;
  readonly distinct: number;
  readonly min: string | null;
  readonly max: string | null;
  /** The median of the measure, from which others are measured. */
  readonly middle: number;
  /** From the least measure to the greatest, and from the median to the farther one. */
  readonly width: number;
  readonly reach: number;
}

/** Halves, of which a difference does not overflow. */
const HALVED = 2;

const halved = ({ type }: ProfileKind, value: string): string =>
  type === "float64" ? `(${value} / ${HALVED})` : value;

export function distance(kind: ProfileKind, to: string, from: string): string {
  return kind.distance(halved(kind, to), halved(kind, from));
}

/** Leaves the range of the measure in a table, for the distances of its values. */
async function factsOf(
  session: ProfileSession,
  { from, sampled, measures }: CountedValues,
  kind: ProfileKind,
): Promise<Facts> {
  const { finite, measure = "NULL", of } = kind;
  const where = (condition: string): string => `coalesce(sum(n) FILTER (WHERE ${condition}), 0)`;
  const ranks = `SELECT q, sum(n) OVER (ORDER BY q) AS upto, sum(n) OVER () AS total FROM ${measures}`;
  await session.run(
    `CREATE OR REPLACE TEMP TABLE "column facts" AS SELECT ${where("v IS NULL")} AS missing, ` +
      `${where(of === "lengths" ? `${measure} = 0` : "false")} AS empty, ` +
      `${where(kind.notANumber)} AS nan, ${where(`NOT (${finite})`)} AS unbounded, ` +
      `${sampled ? "approx_count_distinct(v)" : "count(v)"} AS different, ` +
      `min(v) FILTER (WHERE ${finite}) AS least, max(v) FILTER (WHERE ${finite}) AS most, ` +
      `min(${measure}) FILTER (WHERE ${finite}) AS low, max(${measure}) FILTER (WHERE ${finite}) AS high, ` +
      `(SELECT min(q) FROM (${ranks}) WHERE upto * 2 >= total) AS middle FROM ${from}`,
  );
  const ends = kind.ordered ? [kind.text("least"), kind.text("most")] : ["NULL", "NULL"];
  const [low, middle, high] = ["low", "middle", "high"];
  const measured = measure !== "NULL";
  const row = await session.row(
    `SELECT ${texts([
      "missing",
      "empty",
      "nan",
      "unbounded",
      "different",
      ...ends,
      kind.hasMoments ? "middle::DOUBLE" : "0",
      measured ? distance(kind, high, low) : "0",
      measured ? `greatest(${distance(kind, high, middle)}, ${distance(kind, middle, low)})` : "0",
    ])} FROM "column facts"`,
  );
  const [
    missing = 0,
    empty = 0,
    notANumber = 0,
    unbounded = 0,
    distinct = 0,
    ,
    ,
    centre = 0,
    width = 0,
    reach = 0,
  ] = row.map(Number);
  const infinite = unbounded - notANumber;
  const [min = null, max = null] = row.slice(5);
  return { missing, empty, notANumber, infinite, distinct, min, max, middle: centre, width, reach };
}

async function distributionOf(
  session: ProfileSession,
  { from, measures }: CountedValues,
  kind: ProfileKind,
  { middle, width, reach }: Facts,
): Promise<Distribution | undefined> {
  const { measure, of, hasMoments, finite } = kind;
  if (measure === undefined) return undefined;
  const quantiles = await quantilesOf(session, measures, kind);
  if (quantiles.length === 0) return undefined;
  const near = kind.type === "int64" && width < 2 ** 62;
  const far = (to: string): string => (near ? `(${measure} - ${to})::DOUBLE` : distance(kind, measure, to));
  // The median is within a standard deviation of the mean, so powers of distances from it lose no digits. In a power of
  // two of about the longest, by which division is exact, neither the fourth power nor its sum overflows.
  const unit = 2 ** Math.min(1023, Math.ceil(Math.log2(reach || 1)));
  const bin =
    width === 0 ? "0" : `least(${BINS - 1}, floor(${far("low")} / ${quoteDouble(width)} * ${BINS}))`;
  const powers = hasMoments ? ["d", "d * d", "d * d * d", "d * d * d * d"] : [];
  const bins = await session.rows(
    `SELECT ${texts(["bin", "sum(n)", ...powers.map((power) => `sum(n * (${power}))`)])} FROM ` +
      `(SELECT n, ${hasMoments ? `${far("middle")} / ${quoteDouble(unit)}` : "0"} AS d, ${bin} AS bin ` +
      `FROM ${from}, "column facts" WHERE v IS NOT NULL AND ${finite}) GROUP BY bin ORDER BY bin`,
  );
  const histogram = new Array<number>(BINS).fill(0);
  const sums = [0, 0, 0, 0, 0];
  for (const [at, ...parts] of bins) {
    histogram[Number(at)] = Number(parts[0]);
    for (const [power, part] of parts.entries()) sums[power] = (sums[power] ?? 0) + Number(part);
  }
  const halves = kind.type === "float64" ? HALVED : 1;
  return { of, ...(hasMoments ? moments(sums, middle, unit, halves) : NO_MOMENTS), quantiles, histogram };
}

/** By nearest rank, so that each is a value that is there. */
export async function quantilesOf(
  session: ProfileSession,
  measures: string,
  kind: ProfileKind,
): Promise<readonly Quantile[]> {
  const lengths = kind.of === "lengths";
  const text = lengths ? (value: string): string => `${value}::VARCHAR` : kind.text;
  const found = SHARES.map((share) => {
    return text(`min(q) FILTER (WHERE upto >= ceil(${share}::DECIMAL(4,3) * total))`);
  });
  const row = await session.row(
    `WITH ranked AS (SELECT q, sum(n) OVER (ORDER BY q) AS upto, sum(n) OVER () AS total FROM ${measures}) ` +
      `SELECT ${found.join(", ")} FROM ranked`,
  );
  return SHARES.flatMap((share, at) => {
    const value = row[at] ?? null;
    return value === null ? [] : [{ share, value: lengths ? Number(value) : kind.read(value) }];
  });
}

async function topValues(
  session: ProfileSession,
  source: string,
  { from, sampled }: CountedValues,
  kind: ProfileKind,
): Promise<readonly ValueCount[]> {
  let values = `(SELECT v, n FROM ${from} WHERE v IS NOT NULL ORDER BY n DESC, v LIMIT ${TOP})`;
  if (sampled) {
    // Of bytes the sample has hashes.
    if (kind.type === "bytes") return [];
    const whole = kind.type === "string" || kind.type === "json" ? `AND length(v) < ${LONGEST}` : "";
    await session.run(
      `CREATE OR REPLACE TEMP TABLE "frequent values" AS SELECT v FROM "sampled values" ` +
        `WHERE v IS NOT NULL ${whole} GROUP BY v HAVING count(*) > 1 ORDER BY count(*) DESC, v LIMIT ${TOP}`,
    );
    values =
      `(SELECT v, count(*) AS n FROM (${source}) WHERE v IN (SELECT v FROM "frequent values") ` +
      `GROUP BY v ORDER BY n DESC, v LIMIT ${TOP})`;
  }
  const found = await session.rows(`SELECT ${kind.text("v")}, n::VARCHAR FROM ${values} ORDER BY n DESC, v`);
  return found.map(([value, count]) => ({ value: kind.read(value ?? ""), count: Number(count) }));
}

const texts = (values: readonly string[]): string => values.map((value) => `(${value})::VARCHAR`).join(", ");
