import { createHash } from "node:crypto";
import {
  AmlError,
  type ColumnProfile,
  type FileProfileState,
  type FileRef,
  type ProfileByFile,
  type ProfileByFileOptions,
  type TabularPlan,
} from "@aml/core";
import { version } from "@duckdb/node-api";
import { checkColumnState, columnState, valueType, type ColumnState } from "./column-state.ts";
import { countValues, SAMPLE_ROWS } from "./counted-values.ts";
import { chooseFiles } from "./file-steps.ts";
import { mapFiles } from "./inspect-context.ts";
import { createLocate } from "./locate-error.ts";
import { MERGED_TABLES, mergeStates } from "./merge-states.ts";
import { collect, prepareTable, type TableContext, type TableParts } from "./open-table.ts";
import { acrossGaps } from "./partial-files.ts";
import { profileMergeable } from "./profile-column.ts";
import { profileKind, type ProfileKind } from "./profile-kind.ts";
import { withProfileSession, type ProfileSession } from "./profile-session.ts";
import { prepareSource, PROFILE_TABLES } from "./profile-table.ts";
import { openScope } from "./scope.ts";

/** Of small files most of the time goes into planning statements, for which DuckDB uses one processor; large ones have all. */
const SMALL_BYTES = 8 * 2 ** 20;
const SMALL_AT_ONCE = 4;

/** Steps that treat each row for itself, so that files can be taken one by one. */
const BY_ROW = /^(read_(delimited|json_lines|parquet)|extract_|convert_|keep_|drop_|filter)/;

/**
 * Profiles the files of a plan one by one, leaving out those of which the state of an earlier profile tells.
 *
 * @throws `unsupported` for a plan whose steps look beyond a row, over Delta, and where the first file alone has a
 * header; for a file with another type of a column than all files together; `config_invalid` for a state that is
 * damaged; what reading throws.
 */
export async function profileByFile(
  asked: TabularPlan,
  files: AsyncIterable<FileRef>,
  { known, signal }: ProfileByFileOptions,
  context: TableContext,
): Promise<ProfileByFile> {
  refuseUnlikely(asked);
  const chosen = await choose(asked, files, signal, context);
  const none = { ...asked, steps: [...asked.steps, { op: "take" as const, count: 0 }] };
  await using whole = await opened(none, chosen, signal, context);
  return inSession(whole, signal, async (session) => {
    const columns = await columnsOf(whole, session);
    const recipe = recipeOf(asked, columns);
    const earlier = new Map(known?.recipe === recipe ? known.files.map((file) => [file.uri, file]) : []);
    const plan = withTypes(asked, whole);
    const keptOf = (file: FileRef): FileProfileState | undefined => {
      const found = earlier.get(file.uri);
      return found !== undefined && isSame(found, file) ? checked(found, columns) : undefined;
    };
    const kept = chosen.map(keptOf);
    const unread = chosen.filter((_, at) => kept[at] === undefined);
    const small = unread.every(({ stat }) => stat.size <= SMALL_BYTES);
    const made = await mapFiles(
      unread,
      (file) => profileFile(plan, file, columns, signal, context),
      small ? SMALL_AT_ONCE : 1,
    );
    const states = kept.map((found) => found ?? (made.shift() as FileProfileState));
    const read = unread.map(({ uri }) => uri);
    const merged: ColumnProfile[] = [];
    for (const [at, { name, kind, type }] of columns.entries()) {
      const ofFiles = states.map((one) => ({ rows: one.rows, state: one.columns[at] as ColumnState }));
      const profile = await mergeStates(session, ofFiles, kind, type);
      merged.push(Object.freeze({ name, type: kind.type, ...profile }));
    }
    const rows = states.reduce((sum, one) => sum + one.rows, 0);
    return {
      profile: { rows, columns: merged },
      state: { version: 1 as const, recipe, files: states },
      read,
    };
  });
}

function refuseUnlikely({ steps }: TabularPlan): void {
  for (const [index, step] of steps.entries()) {
    const { op } = step;
    const first = op === "read_delimited" && step.header === "from_first_file";
    if (BY_ROW.test(op) && !first) continue;
    throw new AmlError("unsupported", `Step ${index} (${op}) does not treat files one by one.`, {
      operation: "profile",
      hint: "Profile the whole table.",
      context: { step: index, op },
    });
  }
}

async function choose(
  plan: TabularPlan,
  files: AsyncIterable<FileRef>,
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<readonly FileRef[]> {
  const { workFolder: parentFolder, gate, instances } = context;
  const scope = await openScope({ parentFolder, gate, instances });
  try {
    return await chooseFiles(plan, await collect(files, signal), scope, context.compile, signal);
  } finally {
    await scope.close();
  }
}

interface OpenedTable extends TableParts, AsyncDisposable {}

async function opened(
  plan: TabularPlan,
  files: readonly FileRef[],
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<OpenedTable> {
  const list = async function* (): AsyncIterable<FileRef> {
    yield* files;
  };
  const parts = await prepareTable(plan, list(), signal, context);
  return { ...parts, [Symbol.asyncDispose]: parts.close };
}

function inSession<T>(
  { inspected, parts, scope, verify }: TableParts,
  given: AbortSignal | undefined,
  work: (session: ProfileSession) => Promise<T>,
): Promise<T> {
  const signal = given ?? new AbortController().signal;
  const locate = createLocate(inspected, parts, scope);
  return withProfileSession({ scope, signal, locate, verify }, [...PROFILE_TABLES, ...MERGED_TABLES], work);
}

interface Column {
  readonly name: string;
  readonly kind: ProfileKind;
  /** DuckDB's, of its values. */
  readonly type: string;
}

async function columnsOf({ compiled }: TableParts, session: ProfileSession): Promise<readonly Column[]> {
  const columns: Column[] = [];
  for (const column of compiled.columns) {
    const kind = profileKind(column);
    const type = await valueType(
      session,
      `${compiled.ctes}\nSELECT ${kind.value} AS v FROM ${compiled.from}`,
    );
    columns.push({ name: column.name, kind, type });
  }
  return columns;
}

function recipeOf({ steps }: TabularPlan, columns: readonly Column[]): string {
  const types = columns.map(({ name, type }) => [name, type]);
  const text = JSON.stringify([1, version(), steps, types]);
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** Of each file text is read as the types that all files together have. */
function withTypes(plan: TabularPlan, { inspected }: TableParts): TabularPlan {
  if (inspected.kind !== "delimited") return plan;
  const column_type_overrides = inspected.columns.map(({ name, type }) => ({
    columns: [name],
    column_type: type,
  }));
  const steps = plan.steps.map((step) =>
    step.op === "read_delimited" ? { ...step, infer_column_types: { column_type_overrides } } : step,
  );
  return { ...plan, steps };
}

function isSame({ size, etag }: FileProfileState, { stat }: FileRef): boolean {
  return etag !== undefined && etag === stat.etag && size === stat.size;
}

function checked(state: FileProfileState, columns: readonly Column[]): FileProfileState {
  const found = columns.map(({ name }, at) => checkColumnState(state.columns?.[at], name));
  if (Number.isSafeInteger(state.rows)) return { ...state, columns: found };
  throw new AmlError("config_invalid", `The state of ${state.uri} is damaged.`, {
    operation: "profile",
    hint: "Leave the state out; the profile then reads every file and gives a new one.",
  });
}

async function profileFile(
  plan: TabularPlan,
  file: FileRef,
  columns: readonly Column[],
  signal: AbortSignal | undefined,
  context: TableContext,
): Promise<FileProfileState> {
  await using table = await opened(plan, [file], signal, context);
  const { inspected, parts, verify } = table;
  const direct = inspected.kind === "parquet";
  await parts?.prepare(signal);
  const compiled = table.recompile?.() ?? table.compiled;
  const state = await acrossGaps(() =>
    inSession(table, signal, async (session) => {
      const source = await prepareSource(session, compiled, direct);
      const found: ColumnState[] = [];
      for (const { name, kind, type } of columns) {
        const values = source.of(name);
        if (values === undefined) {
          found.push(absent(name, type, source.rows));
          continue;
        }
        const counted = await countValues(session, values, kind, source.rows > SAMPLE_ROWS);
        const profiled = await profileMergeable(session, values, counted, kind);
        const profile = { name, type: kind.type, errors: source.errorsOf(name), ...profiled };
        const made = await columnState(session, values, kind, counted, profile);
        if (made.type !== type && profile.missing < source.rows) throw otherType(file, name, made.type, type);
        found.push({ ...made, type });
      }
      return { rows: source.rows, columns: found };
    }),
  );
  await verify(signal);
  const { size, etag } = file.stat;
  return { uri: file.uri, size, ...(etag === undefined ? {} : { etag }), ...state };
}

/** A column that a file has not: all its rows are without a value. */
function absent(name: string, type: string, missing: number): ColumnState {
  const nothing = { errors: 0, empty: 0, notANumber: 0, infinite: 0 };
  const ends = { least: null, most: null, low: null, high: null };
  const rest = { moments: null, values: [], whole: true, parts: [], registers: "" };
  return { name, type, missing, ...nothing, ...ends, ...rest };
}

function otherType({ uri }: FileRef, column: string, type: string, whole: string): AmlError {
  return new AmlError(
    "unsupported",
    `Column ${JSON.stringify(column)} is ${type} in ${uri} and ${whole} in all files together.`,
    { operation: "profile", hint: "Profile the whole table.", context: { uri, column } },
  );
}
