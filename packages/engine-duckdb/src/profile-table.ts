import type { ColumnProfile, TableProfile } from "@aml/core";
import type { CompiledPlan } from "./compile-plan.ts";
import type { PlanColumn } from "./plan-column.ts";
import { SAMPLE_ROWS } from "./counted-values.ts";
import { profileColumn, profileTogether, type Profiled } from "./profile-column.ts";
import { profileKind, type ProfileKind } from "./profile-kind.ts";
import { withProfileSession, type ProfileSession, type SessionOptions } from "./profile-session.ts";
import { quoteIdentifier } from "./sql-text.ts";

export interface ProfileOptions extends SessionOptions {
  readonly plan: CompiledPlan;
  /** Whether one column of the source can be read without the others. */
  readonly direct: boolean;
}

const GATHERED = 'temp."profiled rows"';
/** The tables that profiles make. */
export const PROFILE_TABLES: readonly string[] = [
  GATHERED,
  'temp."counted values"',
  'temp."sampled values"',
  'temp."frequent values"',
  'temp."column facts"',
];

/** Up to this many rows, and beyond this many columns, a scan costs less than planning one for each column. */
const GATHER_ROWS = 100_000;
const GATHER_COLUMNS = 200;

/** Planning the statements about a column takes DuckDB longer than running them over some thousand values. */
const VALUES_AT_ONCE = 1_000_000;

/**
 * The profile of a table, a column at a time. Text is parsed once, into a temporary table that goes to disk when memory
 * is short; of Parquet the columns are read where they lie.
 */
export async function profileTable(options: ProfileOptions): Promise<TableProfile> {
  const { plan, direct, verify, signal } = options;
  const profile = await withProfileSession(options, PROFILE_TABLES, async (session) => {
    const source = await prepareSource(session, plan, direct);
    const { rows } = source;
    const profiles = new Map<string, ColumnProfile>();
    const add = ({ name }: PlanColumn, { type }: ProfileKind, profiled: Profiled): void => {
      profiles.set(name, Object.freeze({ name, type, errors: source.errorsOf(name), ...profiled }));
    };
    for (const { kind, columns: alike } of byKind(plan.columns, source)) {
      const [first] = alike;
      if (first === undefined) continue;
      if (alike.length === 1) {
        add(first, kind, await profileColumn(session, source.of(first.name) ?? "", kind, rows > SAMPLE_ROWS));
        continue;
      }
      const values = source.ofAll(alike.map(({ name }) => name));
      const profiled = await profileTogether(session, values, kind, alike.length);
      for (const [at, column] of alike.entries()) add(column, kind, profiled[at] as Profiled);
    }
    const columns = plan.columns.map(({ name }) => profiles.get(name) as ColumnProfile);
    return Object.freeze({ rows, columns: Object.freeze(columns) });
  });
  await verify(signal);
  return profile;
}

interface Alike {
  readonly kind: ProfileKind;
  readonly columns: readonly PlanColumn[];
}

/** Columns that can be profiled together: those of a small table with the same type, up to a million values. */
function byKind(columns: readonly PlanColumn[], { rows, gathered }: ProfileSource): readonly Alike[] {
  const most = gathered && rows <= SAMPLE_ROWS ? Math.max(1, Math.floor(VALUES_AT_ONCE / (rows + 1))) : 1;
  return [...new Set(columns.map(({ sqlType }) => sqlType))].flatMap((type) => {
    const alike = columns.filter(({ sqlType }) => sqlType === type);
    return Array.from({ length: Math.ceil(alike.length / most) }, (_, part) => {
      const some = alike.slice(part * most, (part + 1) * most);
      return { kind: profileKind(some[0] as PlanColumn), columns: some };
    });
  });
}

export interface ProfileSource {
  readonly rows: number;
  /** Values of a column that could not be converted. */
  errorsOf(name: string): number;
  /** A query of the values of a column, as `v`; undefined for one that is not there. */
  of(name: string): string | undefined;
  /** Whether the values of several columns can be had at once, as `v` with the place of each column as `c`. */
  readonly gathered: boolean;
  ofAll(names: readonly string[]): string;
}

/** Makes the columns of a plan ready to be profiled. */
export async function prepareSource(
  session: ProfileSession,
  plan: CompiledPlan,
  direct: boolean,
): Promise<ProfileSource> {
  const subjects = plan.columns.map((column, at) => ({ column, at, kind: profileKind(column) }));
  const source = await prepare(session, plan, subjects, direct);
  const [rows = 0, ...errors] = (await session.row(source.counts)).map(Number);
  const failing = subjects.filter(({ column }) => column.errorId !== undefined);
  return {
    rows,
    gathered: source.gathered,
    ofAll(names) {
      const columns = names.map((name) => `c${subjects.findIndex(({ column }) => column.name === name)}`);
      return `SELECT unnest(range(${names.length})) AS c, unnest([${columns.join(", ")}]) AS v FROM ${GATHERED}`;
    },
    errorsOf: (name) => errors[failing.findIndex(({ column }) => column.name === name)] ?? 0,
    of(name) {
      const subject = subjects.find(({ column }) => column.name === name);
      return subject && source.of(subject);
    },
  };
}

interface Subject {
  readonly column: PlanColumn;
  readonly at: number;
  readonly kind: ProfileKind;
}

interface Source {
  /** Whether all columns are in one table. */
  readonly gathered: boolean;
  /** A query of the number of rows, and of the errors of each column that can have some. */
  readonly counts: string;
  /** A query of the values of a column, as `v`. */
  of(subject: Subject): string;
}

async function prepare(
  session: ProfileSession,
  plan: CompiledPlan,
  subjects: readonly Subject[],
  direct: boolean,
): Promise<Source> {
  const failing = subjects.filter(({ column }) => column.errorId !== undefined);
  const counts = (errorOf: (subject: Subject) => string): string =>
    ["count(*)", ...failing.map((subject) => `count(*) FILTER (WHERE ${errorOf(subject)})`)].join(", ");
  const planErrors = ({ column }: Subject): string => quoteIdentifier(column.errorId ?? "");
  if (direct && subjects.length <= GATHER_COLUMNS) {
    const source: Source = {
      gathered: false,
      counts: `${plan.ctes}\nSELECT ${counts(planErrors)} FROM ${plan.from}`,
      of: ({ kind }) => `${plan.ctes}\nSELECT ${kind.value} AS v FROM ${plan.from}`,
    };
    const small = `${plan.ctes}\nSELECT count(*) FROM (SELECT 1 FROM ${plan.from} LIMIT ${GATHER_ROWS + 1})`;
    if (Number((await session.row(small))[0]) > GATHER_ROWS) return source;
  }
  const values = subjects.map(({ kind, at }) => `${kind.value} AS c${at}`);
  const errors = failing.map((subject) => `${planErrors(subject)} AS e${subject.at}`);
  const list = [...values, ...errors].join(",\n  ") || "NULL AS c";
  await session.run(
    `CREATE TEMP TABLE ${GATHERED.slice(5)} AS ${plan.ctes}\nSELECT ${list}\nFROM ${plan.from}`,
  );
  return {
    gathered: true,
    counts: `SELECT ${counts(({ at }) => `e${at}`)} FROM ${GATHERED}`,
    of: ({ at }) => `SELECT c${at} AS v FROM ${GATHERED}`,
  };
}
