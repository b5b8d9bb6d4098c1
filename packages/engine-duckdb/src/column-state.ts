import { AmlError, type ColumnProfile } from "@aml/core";
import { merged, type CentralMoments } from "./moments.ts";
import type { ProfileKind } from "./profile-kind.ts";
import type { ProfileSession } from "./profile-session.ts";
import type { CountedValues } from "./counted-values.ts";

/** Up to so many different values are kept with their counts; beyond it the most frequent are. */
const KEPT_VALUES = 256;
const KEPT_FREQUENT = 50;
/** Parts of equal weight whose greatest measures are kept: quantiles are right to half a part of the ranks. */
const PARTS = 256;
/** Registers of HyperLogLog: a standard error of 3.3 %. */
const REGISTERS = 1024;

/** What is kept of a column of one file. Values are texts that DuckDB casts back. */
export interface ColumnState {
  readonly name: string;
  /** DuckDB's, of the values. */
  readonly type: string;
  readonly missing: number;
  readonly errors: number;
  readonly empty: number;
  readonly notANumber: number;
  readonly infinite: number;
  readonly least: string | null;
  readonly most: string | null;
  /** The least and the greatest measure. */
  readonly low: string | null;
  readonly high: string | null;
  /** Of the finite values, or of the lengths; null without any. */
  readonly moments: CentralMoments | null;
  /** Values and how often they are there, the most frequent first. */
  readonly values: readonly (readonly [value: string, count: number])[];
  /** Whether those are all. */
  readonly whole: boolean;
  /** The greatest measures of parts of the column, with their weight; of a column that is not whole. */
  readonly parts: readonly (readonly [measure: string, weight: number])[];
  /** For each register the longest run of zeros, base64. */
  readonly registers: string;
}

/** @param profile - of the column in the file; what it was made from is still there. */
export async function columnState(
  session: ProfileSession,
  source: string,
  kind: ProfileKind,
  counted: CountedValues,
  profile: ColumnProfile,
): Promise<ColumnState> {
  const ends = `${kind.ordered ? "least::VARCHAR, most::VARCHAR" : "NULL, NULL"}, low::VARCHAR, high::VARCHAR`;
  const [typed, least = null, most = null, low = null, high = null] = await session.row(
    `SELECT ${typeOf(source)}, ${ends} FROM "column facts"`,
  );
  const type = typed ?? "";
  const { name, missing, errors, empty, notANumber, infinite } = profile;
  const facts = { name, missing, errors, empty, notANumber, infinite };
  const base = { ...facts, type, least, most, low, high };
  const values = counted.sampled
    ? []
    : await session.rows(
        `SELECT v::VARCHAR, n::VARCHAR FROM "counted values" WHERE v IS NOT NULL ` +
          `ORDER BY n DESC, v LIMIT ${KEPT_VALUES + 1}`,
      );
  const whole = !counted.sampled && values.length <= KEPT_VALUES;
  const kept = counted.sampled ? await frequent(session, source) : values;
  const found = kept.map(([value, count]): [string, number] => [value ?? "", Number(count)]);
  const moments = centralMoments(profile, kind);
  const registers = await registersOf(session, counted.sampled ? source : 'SELECT v FROM "counted values"');
  if (whole) return { ...base, moments, values: found, whole, parts: [], registers };
  return {
    ...base,
    moments,
    values: found.slice(0, KEPT_FREQUENT),
    whole,
    parts: kind.measure === undefined ? [] : await partsOf(session, counted),
    registers,
  };
}

/** DuckDB's type of the values that a query gives. */
export async function valueType(session: ProfileSession, source: string): Promise<string> {
  const [type] = await session.row(`SELECT ${typeOf(source)}`);
  return type ?? "";
}

const typeOf = (source: string): string => `typeof((SELECT v FROM (${source}) LIMIT 1))`;

/** What the profile of a column with a sample has counted, as texts of DuckDB's. */
async function frequent(
  session: ProfileSession,
  source: string,
): Promise<readonly (readonly (string | null)[])[]> {
  return session.rows(
    `SELECT v::VARCHAR, count(*)::VARCHAR FROM (${source}) WHERE v IN (SELECT v FROM "frequent values") ` +
      `GROUP BY v ORDER BY count(*) DESC, v`,
  );
}

async function partsOf(session: ProfileSession, { measures }: CountedValues): Promise<ColumnState["parts"]> {
  const rows = await session.rows(
    `WITH ranked AS (SELECT q, n, sum(n) OVER (ORDER BY q) AS upto, sum(n) OVER () AS total FROM ${measures}) ` +
      `SELECT max(q)::VARCHAR, sum(n)::VARCHAR FROM ranked GROUP BY (upto - 1) * ${PARTS} // total ORDER BY max(q)`,
  );
  return rows.map(([measure, weight]): [string, number] => [measure ?? "", Number(weight)]);
}

async function registersOf(session: ProfileSession, source: string): Promise<string> {
  const bits = Math.log2(REGISTERS);
  const rest = `(h >> ${bits})`;
  const zeros = `CASE WHEN ${rest} = 0 THEN ${65 - bits} ELSE ${64 - bits} - floor(log2(${rest}::DOUBLE)) END`;
  const rows = await session.rows(
    `SELECT (h & ${REGISTERS - 1})::VARCHAR, max(${zeros})::INTEGER::VARCHAR FROM ` +
      `(SELECT hash(v) AS h FROM (${source}) WHERE v IS NOT NULL) GROUP BY 1`,
  );
  const registers = Buffer.alloc(REGISTERS);
  for (const [register, run] of rows) registers[Number(register)] = Number(run);
  return registers.toString("base64");
}

/** How many values are different, of several files. @see https://doi.org/10.46298/dmtcs.3545 – HyperLogLog */
export function estimateDistinct(states: readonly ColumnState[]): number {
  const longest = Buffer.alloc(REGISTERS);
  for (const { registers } of states) {
    for (const [at, run] of Buffer.from(registers, "base64").entries()) {
      longest[at] = Math.max(longest[at] ?? 0, run);
    }
  }
  const bias = 0.7213 / (1 + 1.079 / REGISTERS);
  const sum = longest.reduce((total, run) => total + 2 ** -run, 0);
  const estimate = (bias * REGISTERS ** 2) / sum;
  const unused = longest.filter((run) => run === 0).length;
  const few = estimate <= 2.5 * REGISTERS && unused > 0;
  return Math.round(few ? REGISTERS * Math.log(REGISTERS / unused) : estimate);
}

function centralMoments(profile: ColumnProfile, { hasMoments }: ProfileKind): CentralMoments | null {
  const { distribution } = profile;
  if (!hasMoments || distribution === undefined) return null;
  const { mean, variance, skew, kurtosis } = distribution;
  if (mean === null) return null;
  const count = countOf(profile);
  const m2 = ((variance ?? 0) * (count - 1)) / count;
  return {
    count,
    mean,
    m2: m2 * count,
    m3: (skew ?? 0) * m2 ** 1.5 * count,
    m4: ((kurtosis ?? -3) + 3) * m2 ** 2 * count,
  };
}

function countOf({ distribution }: ColumnProfile): number {
  return (distribution?.histogram ?? []).reduce((sum, count) => sum + count, 0);
}

/** The moments of all files together. */
export function mergedMoments(states: readonly ColumnState[]): CentralMoments | undefined {
  return states
    .flatMap(({ moments }) => moments ?? [])
    .reduce<CentralMoments | undefined>(
      (all, one) => (all === undefined ? one : merged(all, one)),
      undefined,
    );
}

/** Checks what came from outside, as far as wrong types would go unseen. @throws `config_invalid`. */
export function checkColumnState(input: unknown, name: string): ColumnState {
  const state = input as ColumnState;
  const texts = [state?.type, state?.registers];
  const numbers = [state?.missing, state?.errors, state?.empty, state?.notANumber, state?.infinite];
  const pairs = (list: unknown): boolean =>
    Array.isArray(list) &&
    list.every((pair) => Array.isArray(pair) && typeof pair[0] === "string" && Number.isFinite(pair[1]));
  const ends = [state?.least, state?.most, state?.low, state?.high].every(
    (end) => end === null || typeof end === "string",
  );
  const right =
    state?.name === name &&
    texts.every((text) => typeof text === "string") &&
    numbers.every((number) => Number.isSafeInteger(number) && number >= 0) &&
    ends &&
    typeof state.whole === "boolean" &&
    pairs(state.values) &&
    pairs(state.parts);
  if (right) return state;
  throw new AmlError("config_invalid", `The state of column ${JSON.stringify(name)} is damaged.`, {
    operation: "profile",
    hint: "Leave the state out; the profile then reads every file and gives a new one.",
    context: { column: name },
  });
}
