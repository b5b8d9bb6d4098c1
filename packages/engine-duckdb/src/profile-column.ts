import type { ColumnProfile, Distribution, Quantile, ValueCount } from "@aml/core";
import { countValues, groupValues, LONGEST, perColumn, type CountedValues } from "./counted-values.ts";
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
  const [profiled] = await profileAll(session, source, counted, kind, true);
  return profiled as Profiled;
}

/** As `profileCounted`, without what cannot be merged with that of other files: quantiles, and frequent values unless sampled. */
export async function profileMergeable(
  session: ProfileSession,
  source: string,
  counted: CountedValues,
  kind: ProfileKind,
): Promise<Profiled> {
  const [profiled] = await profileAll(session, source, counted, kind, false);
  return profiled as Profiled;
}

/** Profiles several columns of one kind, none of which is sampled. */
export async function profileTogether(
  session: ProfileSession,
  source: string,
  kind: ProfileKind,
  columns: number,
): Promise<readonly Profiled[]> {
  return profileAll(session, source, await groupValues(session, source, kind, columns), kind, true);
}

async function profileAll(
  session: ProfileSession,
  source: string,
  counted: CountedValues,
  kind: ProfileKind,
  whole: boolean,
): Promise<readonly Profiled[]> {
  const facts = await factsOf(session, counted, kind);
  const distributions = await distributionsOf(session, counted, kind, facts, whole);
  const top = whole || counted.sampled ? await topValues(session, source, counted, kind) : [];
  return facts.map(({ min, max, middle: _middle, width: _width, reach: _reach, ...counts }, at) => {
    const distribution = distributions[at];
    return {
      ...counts,
      sampled: counted.sampled,
      top: top[at] ?? [],
      min: min === null ? null : kind.read(min),
      max: max === null ? null : kind.read(max),
      ...(distribution === undefined ? {} : { distribution }),
    };
  });
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
  { columns, from, sampled, measures }: CountedValues,
  kind: ProfileKind,
): Promise<readonly Facts[]> {
  const { finite, measure = "NULL", of } = kind;
  const { each, group, join } = perColumn(columns);
  const where = (condition: string): string => `coalesce(sum(n) FILTER (WHERE ${condition}), 0)`;
  await session.run(
    `CREATE OR REPLACE TEMP TABLE "column facts" AS FROM (SELECT ${each}${where("v IS NULL")} AS missing, ` +
      `${where(of === "lengths" ? `${measure} = 0` : "false")} AS empty, ` +
      `${where(kind.notANumber)} AS nan, ${where(`NOT (${finite})`)} AS unbounded, ` +
      `${sampled ? "approx_count_distinct(v)" : "count(v)"} AS different, ` +
      `min(v) FILTER (WHERE ${finite}) AS least, max(v) FILTER (WHERE ${finite}) AS most, ` +
      `min(${measure}) FILTER (WHERE ${finite}) AS low, max(${measure}) FILTER (WHERE ${finite}) AS high ` +
      `FROM ${from} ${group}) LEFT JOIN (SELECT ${each}min(q) AS middle FROM (${ranked(measures, columns)}) ` +
      `WHERE upto * 2 >= total ${group}) ${join}`,
  );
  const ends = kind.ordered ? [kind.text("least"), kind.text("most")] : ["NULL", "NULL"];
  const [low, middle, high] = ["low", "middle", "high"];
  const measured = measure !== "NULL";
  const values = [
    "missing",
    "empty",
    "nan",
    "unbounded",
    "different",
    ...ends,
    kind.hasMoments ? "middle::DOUBLE" : "0",
    measured ? distance(kind, high, low) : "0",
    measured ? `greatest(${distance(kind, high, middle)}, ${distance(kind, middle, low)})` : "0",
  ];
  const rows = await rowsOf(session, columns, `SELECT ${keyed(columns, values)} FROM "column facts"`);
  return rows.map(([row = []]) => {
    const [missing = 0, empty = 0, notANumber = 0, unbounded = 0, distinct = 0] = row.map(Number);
    const [centre = 0, width = 0, reach = 0] = row.slice(7).map(Number);
    const [min = null, max = null] = row.slice(5);
    const infinite = unbounded - notANumber;
    return { missing, empty, notANumber, infinite, distinct, min, max, middle: centre, width, reach };
  });
}

async function distributionsOf(
  session: ProfileSession,
  { columns, from, measures }: CountedValues,
  kind: ProfileKind,
  facts: readonly Facts[],
  whole: boolean,
): Promise<readonly (Distribution | undefined)[]> {
  const { measure, of, hasMoments, finite } = kind;
  if (measure === undefined) return [];
  const { each, join } = perColumn(columns);
  const quantiles = whole ? await quantilesOf(session, measures, kind, columns) : [];
  const near = kind.type === "int64" && facts.every(({ width }) => width < 2 ** 62);
  const far = (to: string): string => (near ? `(${measure} - ${to})::DOUBLE` : distance(kind, measure, to));
  // The median is within a standard deviation of the mean, so powers of distances from it lose no digits. In a power of
  // two of about the longest, by which division is exact, neither the fourth power nor its sum overflows.
  const units = facts.map(({ reach }) => 2 ** Math.min(1023, Math.ceil(Math.log2(reach || 1))));
  const scales = facts.map(
    ({ width }, at) => `(${at}, ${quoteDouble(width)}, ${quoteDouble(units[at] ?? 1)})`,
  );
  const bin = `CASE WHEN width = 0 THEN 0 ELSE least(${BINS - 1}, floor(${far("low")} / width * ${BINS})) END`;
  const powers = hasMoments ? ["d", "d * d", "d * d * d", "d * d * d * d"] : [];
  const sums = ["bin", "sum(n)", ...powers.map((power) => `sum(n * (${power}))`)];
  const bins = await rowsOf(
    session,
    columns,
    `SELECT ${keyed(columns, sums)} FROM ` +
      `(SELECT ${each}n, ${hasMoments ? `${far("middle")} / unit` : "0"} AS d, ${bin} AS bin ` +
      `FROM ${from} JOIN "column facts" ${join} JOIN (VALUES ${scales.join(", ")}) scales(c, width, unit) ${join} ` +
      `WHERE v IS NOT NULL AND ${finite}) GROUP BY ${each}bin ORDER BY ${each}bin`,
  );
  const halves = kind.type === "float64" ? HALVED : 1;
  return bins.map((parts, at) => {
    if (parts.length === 0) return undefined;
    const histogram = new Array<number>(BINS).fill(0);
    const totals = [0, 0, 0, 0, 0];
    for (const [into, ...part] of parts) {
      histogram[Number(into)] = Number(part[0]);
      for (const [power, sum] of part.entries()) totals[power] = (totals[power] ?? 0) + Number(sum);
    }
    const made = hasMoments ? moments(totals, facts[at]?.middle ?? 0, units[at] ?? 1, halves) : NO_MOMENTS;
    return { of, ...made, quantiles: quantiles[at] ?? [], histogram };
  });
}

/** By nearest rank, so that each is a value that is there; of each column. */
export async function quantilesOf(
  session: ProfileSession,
  measures: string,
  kind: ProfileKind,
  columns: number,
): Promise<readonly (readonly Quantile[])[]> {
  const lengths = kind.of === "lengths";
  const text = lengths ? (value: string): string => `${value}::VARCHAR` : kind.text;
  const found = SHARES.map((share) => {
    return text(`min(q) FILTER (WHERE upto >= ceil(${share}::DECIMAL(4,3) * total))`);
  });
  const { group } = perColumn(columns);
  const ranks = ranked(measures, columns);
  const rows = await rowsOf(session, columns, `SELECT ${keyed(columns, found)} FROM (${ranks}) ${group}`);
  return rows.map(([row = []]) =>
    SHARES.flatMap((share, at) => {
      const value = row[at] ?? null;
      return value === null ? [] : [{ share, value: lengths ? Number(value) : kind.read(value) }];
    }),
  );
}

/** Measures with how many there are up to each, and how many in all. */
function ranked(measures: string, columns: number): string {
  const { each, partition } = perColumn(columns);
  const total = (order: string): string => `sum(n) OVER (${partition}${order})`;
  return `SELECT ${each}q, ${total("ORDER BY q")} AS upto, ${total("")} AS total FROM ${measures}`;
}

async function topValues(
  session: ProfileSession,
  source: string,
  { columns, from, sampled }: CountedValues,
  kind: ProfileKind,
): Promise<readonly (readonly ValueCount[])[]> {
  const { each, partition } = perColumn(columns);
  let values = `(SELECT v, n FROM ${from} WHERE v IS NOT NULL ORDER BY n DESC, v LIMIT ${TOP})`;
  if (columns > 1) {
    values =
      `(SELECT c, v, n FROM ${from} WHERE v IS NOT NULL ` +
      `QUALIFY row_number() OVER (${partition}ORDER BY n DESC, v) <= ${TOP})`;
  }
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
  const list = keyed(columns, [kind.text("v"), "n"]);
  const found = await rowsOf(session, columns, `SELECT ${list} FROM ${values} ORDER BY ${each}n DESC, v`);
  return found.map((rows) =>
    rows.map(([value, count]) => ({ value: kind.read(value ?? ""), count: Number(count) })),
  );
}

/** A list of texts, behind the column that they are of. */
function keyed(columns: number, values: readonly string[]): string {
  const key = columns === 1 ? "0" : "c";
  return [key, ...values].map((value) => `(${value})::VARCHAR`).join(", ");
}

/** The rows of a query of such a list, for each column. */
async function rowsOf(
  session: ProfileSession,
  columns: number,
  sql: string,
): Promise<readonly (readonly (readonly (string | null)[])[])[]> {
  const found = Array.from({ length: columns }, (): (readonly (string | null)[])[] => []);
  for (const [at, ...row] of await session.rows(sql)) found[Number(at)]?.push(row);
  return found;
}
