import type { ColumnProfile, TableProfile } from "@aml/core";
import type { CompiledPlan } from "./compile-plan.ts";
import type { PlanColumn } from "./plan-column.ts";
import { SAMPLE_ROWS } from "./counted-values.ts";
import { profileColumn } from "./profile-column.ts";
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

/**
 * The profile of a table, a column at a time. Text is parsed once, into a temporary table that goes to disk when memory
 * is short; of Parquet the columns are read where they lie.
 */
export async function profileTable(options: ProfileOptions): Promise<TableProfile> {
  const { plan, direct, verify, signal } = options;
  const profile = await withProfileSession(options, PROFILE_TABLES, async (session) => {
    const { rows, errorsOf, of } = await prepareSource(session, plan, direct);
    const columns: ColumnProfile[] = [];
    for (const column of plan.columns) {
      const { name } = column;
      const kind = profileKind(column);
      const profiled = await profileColumn(session, of(name) ?? "", kind, rows > SAMPLE_ROWS);
      columns.push(Object.freeze({ name, type: kind.type, errors: errorsOf(name), ...profiled }));
    }
    return Object.freeze({ rows, columns: Object.freeze(columns) });
  });
  await verify(signal);
  return profile;
}

export interface ProfileSource {
  readonly rows: number;
  /** Values of a column that could not be converted. */
  errorsOf(name: string): number;
  /** A query of the values of a column, as `v`; undefined for one that is not there. */
  of(name: string): string | undefined;
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
    counts: `SELECT ${counts(({ at }) => `e${at}`)} FROM ${GATHERED}`,
    of: ({ at }) => `SELECT c${at} AS v FROM ${GATHERED}`,
  };
}
